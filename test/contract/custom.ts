import type { Test } from 'tap'
import { until } from '../fixtures/wait.ts'
import type { Floor } from '../floors/floor.ts'
import { apiOf } from './api.ts'

const definition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'gadgets.contract.example.com' },
  spec: {
    group: 'contract.example.com',
    scope: 'Namespaced',
    names: { kind: 'Gadget', listKind: 'GadgetList', plural: 'gadgets', singular: 'gadget' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: 'object',
            required: ['spec'],
            'x-kubernetes-validations': [
              { rule: 'size(self.metadata.name) <= 20', message: 'the name must be short' },
            ],
            properties: {
              spec: {
                type: 'object',
                required: ['size'],
                'x-kubernetes-validations': [
                  { rule: 'self.size <= self.limit', message: 'size must not be above limit' },
                  { rule: 'self.name == oldSelf.name', message: 'name cannot change' },
                ],
                properties: {
                  size: { type: 'integer', minimum: 0 },
                  limit: { type: 'integer', default: 10 },
                  name: { type: 'string', default: 'gadget', maxLength: 20 },
                  parts: {
                    type: 'array',
                    maxItems: 5,
                    items: {
                      type: 'object',
                      'x-kubernetes-validations': [
                        { rule: 'self.from < self.to', message: 'from must be below to' },
                      ],
                      properties: {
                        from: { type: 'integer' },
                        to: { type: 'integer' },
                        color: { type: 'string', enum: ['red', 'blue'], default: 'red' },
                      },
                      required: ['from', 'to'],
                    },
                  },
                },
              },
              status: { type: 'object', properties: { seen: { type: 'integer' } } },
            },
          },
        },
      },
    ],
  },
}

const path = '/apis/contract.example.com/v1/namespaces/default/gadgets'
const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
const signal = new AbortController().signal

/** Kinds that a CRD defines: their schema, defaults, CEL rules and status. */
export function customContract(t: Test, floor: Floor): void {
  const api = apiOf(floor)
  const gadget = (name: string, spec: object, metadata: object = {}) => ({
    apiVersion: 'contract.example.com/v1',
    kind: 'Gadget',
    metadata: { name, ...metadata },
    spec,
  })
  const causesOf = (body: { details?: { causes?: { field: string; message: string }[] } }) =>
    (body.details?.causes ?? []).map(({ field }) => field).sort()

  t.test('a kind is served once its definition is established', async (t) => {
    t.equal((await api.get(path)).status, 404)
    t.equal((await api.post(definitions, definition)).status, 201)
    await until('it is served', async () => (await api.get(path)).status === 200, {}, signal)
    const { body } = await api.get(`${definitions}/${definition.metadata.name}`)
    const conditions: { type: string; status: string }[] = body.status.conditions
    t.ok(conditions.some(({ type, status }) => type === 'Established' && status === 'True'))
  })

  t.test('defaults are filled in, and fields nobody knows are dropped with a warning', async (t) => {
    const parts = [{ from: 1, to: 2 }]
    const made = await api.post(
      `${path}?fieldValidation=Warn`,
      gadget('a', { size: 1, colour: 'red', parts }),
    )
    t.equal(made.status, 201)
    t.same(made.body.spec, {
      size: 1,
      limit: 10,
      name: 'gadget',
      parts: [{ from: 1, to: 2, color: 'red' }],
    })
    t.equal(made.body.metadata.generation, 1)
    t.match(made.warnings, [/unknown field "spec.colour"/])
    const strict = await api.post(`${path}?fieldValidation=Strict`, gadget('b', { size: 1, colour: 'red' }))
    t.match(strict, { status: 400, body: { message: /unknown field "spec.colour"/ } })
  })

  t.test('a generated name is there before rules are looked at', async (t) => {
    const { spec, ...rest } = gadget('', { size: 1 })
    const short = await api.post(path, { ...rest, spec, metadata: { generateName: 'short-' } })
    t.match(short, { status: 201, body: { metadata: { name: /^short-[a-z0-9]{5}$/ } } })
    const long = { ...rest, spec, metadata: { generateName: 'much-too-long-for-it-' } }
    t.match(await api.post(path, long), { status: 422, body: { message: /the name must be short/ } })
  })

  t.test('every mistake of structure is told with its field', async (t) => {
    const parts = [{ from: 1, to: 2, color: 'green' }, { from: 1 }]
    const { status, body } = await api.post(path, gadget('bad', { size: -1, name: 7, parts }))
    t.equal(status, 422)
    t.equal(body.reason, 'Invalid')
    t.same(causesOf(body), [
      '<nil>', // says that rules were not looked at for now
      'spec.name',
      'spec.parts[0].color',
      'spec.parts[1].to',
      'spec.size',
    ])
    const absent = await api.post(path, gadget('bad', {}))
    t.match(absent, { status: 422, body: { message: /spec.size: Required value/ } })
  })

  t.test('CEL rules are told with the field they stand at', async (t) => {
    const rules = await api.post(
      path,
      gadget('bad', {
        size: 11,
        parts: [
          { from: 1, to: 2 },
          { from: 3, to: 2 },
        ],
      }),
    )
    t.equal(rules.status, 422)
    t.same(causesOf(rules.body), ['spec', 'spec.parts[1]'])
    t.match(rules.body.message, /size must not be above limit/)
    t.match(rules.body.message, /from must be below to/)
    const changed = await api.patch(`${path}/a`, { spec: { name: 'other' } })
    t.match(changed, { status: 422, body: { message: /name cannot change/ } })
  })

  t.test('spec and status are written apart, and only the spec counts generations', async (t) => {
    const both = await api.patch(`${path}/a`, { spec: { size: 2 }, status: { seen: 1 } })
    t.equal(both.body.metadata.generation, 2)
    t.equal(both.body.status, undefined)
    const status = await api.patch(`${path}/a/status`, {
      metadata: { labels: { a: 'b' } },
      spec: { size: 3 },
      status: { seen: 1 },
    })
    t.match(status.body, { spec: { size: 2 }, status: { seen: 1 }, metadata: { generation: 2 } })
    t.equal(status.body.metadata.labels, undefined)
    const labels = await api.patch(`${path}/a`, { metadata: { labels: { a: 'b' } } })
    t.equal(labels.body.metadata.generation, 2)
    t.match(await api.patch(`${path}/a/status`, { status: { seen: 'no' } }), { status: 422 })
  })

  t.test('PUT must say which version it replaces', async (t) => {
    const blind = await api.put(`${path}/a`, gadget('a', { size: 4 }))
    t.match(blind, { status: 422, body: { message: /metadata.resourceVersion/ } })
    const { body } = await api.get(`${path}/a`)
    const { resourceVersion } = body.metadata
    const seen = await api.put(
      `${path}/a`,
      gadget('a', { size: 4, limit: 10, name: 'gadget' }, { resourceVersion }),
    )
    t.equal(seen.status, 200)
    t.same(seen.body.status, { seen: 1 }, 'and leaves the status alone')
  })

  t.test('with its definition a kind and its objects go', async (t) => {
    await api.delete(`${definitions}/${definition.metadata.name}`)
    await until('it is gone', async () => (await api.get(path)).status === 404, {}, signal)
    t.pass()
  })
}
