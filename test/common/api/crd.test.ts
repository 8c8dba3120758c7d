import { Ajv } from 'ajv'
import fc from 'fast-check'
import t from 'tap'
import { checkStructure } from '../../../common/api/check.ts'
import { customResourceDefinition, kinds } from '../../../common/api/crd.ts'
import { nodeGroupSpec, presettable } from '../../../common/api/nodegroup.ts'
import { structuralSchema } from '../../../common/api/structural.ts'
import { violationText } from '../../../common/api/violation.ts'
import { manifestFile } from '../../fixtures/manifests.ts'
import { nodeGroup, vpsieNode } from '../../fixtures/objects.ts'

type Json = Record<string, unknown>

const ajv = new Ajv({ strict: false, allErrors: true })
ajv.addFormat('date-time', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/)

const openAPI = (kind: (typeof kinds)[number]) =>
  customResourceDefinition(kind).spec.versions[0]?.schema.openAPIV3Schema as Json

const examples: Record<string, object[]> = {
  NodeGroup: [
    ...['nodegroup', 'nodegroup-vm', 'nodegroup-v0.7'].flatMap((name) =>
      manifestFile(`examples/${name}.yaml`),
    ),
    nodeGroup('workers', {
      status: {
        currentNodes: 1,
        nodes: [{ nodeName: 'a', vpsID: 1, instanceType: 'small', status: 'Ready', verdict: 'keep' }],
        conditions: [
          {
            type: 'Ready',
            status: 'True',
            reason: 'Ok',
            message: '',
            lastTransitionTime: '2026-01-01T00:00:00Z',
          },
        ],
      },
    }),
  ],
  VPSieNode: [vpsieNode()],
  AutoscalerConfig: manifestFile('examples/autoscalerconfig.yaml'),
}

// Anything JSON can hold, with what sits near a bound or a form of our schemas.
const junk = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    -1,
    0,
    1,
    0.5,
    100,
    101,
    10_000,
    10_001,
    1e9,
    [],
    {},
    '',
    ' ',
    'small',
    'vm',
  ),
  fc.constantFrom(
    '50%',
    '101%',
    '500m',
    '5x',
    'v1.34.1',
    '1.34',
    'x'.repeat(65),
    '2026-01-01T00:00:00Z',
    'a\nb',
    'ä🙂',
  ),
  fc.constantFrom(
    [['small', 'small']],
    [{ key: 'a', effect: 'NoSchedule' }],
    { a: 1 },
    { 'a\nb': 'c' },
    Array(40).fill('a'),
  ),
  fc.jsonValue({ maxDepth: 2, noUnicodeString: false }),
)

/** Every place in a value, as a list of keys. */
function places(value: unknown, at: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [at]
  return [at, ...Object.entries(value).flatMap(([key, child]) => places(child, [...at, key]))]
}

/** A copy with one place taken away (`undefined`) or replaced. */
function replaced(value: unknown, place: readonly string[], by: unknown): unknown {
  const [key, ...rest] = place
  if (key === undefined) return by
  const copy: unknown = Array.isArray(value) ? [...value] : { ...(value as Json) }
  const next = replaced((value as Json)[key], rest, by)
  if (next === undefined && !Array.isArray(copy)) delete (copy as Json)[key]
  else (copy as Json)[key] = next ?? null
  return copy
}

// The API server itself matches apiVersion and kind with the address of the request.
const spoiled = (valid: object) =>
  fc
    .tuple(
      fc.constantFrom(...places(valid).filter(([top]) => top && !/^(apiVersion|kind)$/.test(top))),
      fc.option(junk, { nil: undefined, freq: 8 }),
    )
    .map(([place, by]) => replaced(valid, place, by))

for (const kind of kinds) {
  const { kind: name } = kind.resource
  const accepts = ajv.compile(openAPI(kind))

  t.test(`the CRD of ${name} and our own check accept the examples`, async (t) => {
    for (const example of examples[name] ?? []) {
      t.same(checkStructure(kind.schema, example), [])
      t.ok(accepts(example), ajv.errorsText(accepts.errors))
    }
  })

  t.test(`the CRD of ${name} and our own check give the same verdict on spoiled objects`, async (t) => {
    let refused = 0
    const verdicts = fc.property(fc.constantFrom(...(examples[name] ?? [])).chain(spoiled), (object) => {
      // The API server compares the items of a set; JSON Schema has no word for it that a CRD may use.
      const ours = checkStructure(kind.schema, object).filter(({ code }) => code !== 'FieldValueDuplicate')
      if (ours.length > 0) refused++
      if (accepts(object) === ours.length > 0) {
        throw new Error(`ours: ${ours.map(violationText)}, the CRD's: ${ajv.errorsText(accepts.errors)}`)
      }
    })
    fc.assert(verdicts, { numRuns: 1500 })
    t.ok(refused > 200, 'enough objects were spoiled for the property to mean something')
  })

  t.test(`the schema of ${name} is structural`, async (t) => {
    walk(openAPI(kind), '', (schema, path) => {
      const free = schema['x-kubernetes-int-or-string'] === true || /\/anyOf\/\d$/.test(path)
      t.ok(free || typeof schema.type === 'string', `${path} has a type`)
      t.notOk(schema.properties && schema.additionalProperties, `${path} is an object or a map`)
    })
  })

  t.test(`everything of ${name} that is written by people is bounded`, async (t) => {
    const spec = (openAPI(kind).properties as Json).spec as Json
    walk(spec, 'spec', (schema, path) => {
      if (schema.type === 'string' && !path.includes('/anyOf/'))
        t.ok(schema.maxLength || schema.enum || schema.format, `${path} has a longest text`)
      if (schema.type === 'array') t.ok(schema.maxItems, `${path} has a longest list`)
      if (schema.additionalProperties) t.ok(schema.maxProperties, `${path} has a largest map`)
    })
  })
}

function walk(schema: Json, path: string, visit: (schema: Json, path: string) => void): void {
  visit(schema, path)
  for (const keyword of ['items', 'additionalProperties']) {
    if (schema[keyword]) walk(schema[keyword] as Json, `${path}/${keyword}`, visit)
  }
  for (const keyword of ['properties', 'anyOf']) {
    for (const [key, child] of Object.entries((schema[keyword] ?? {}) as Json)) {
      walk(child as Json, `${path}/${keyword}/${key}`, visit)
    }
  }
}

t.test(
  'what AutoscalerConfig can preset has no default of the API server, which would come first',
  async (t) => {
    for (const name of Object.keys(presettable) as (keyof typeof presettable)[]) {
      walk(structuralSchema(nodeGroupSpec.properties[name]), `spec.${name}`, (schema, path) =>
        t.notOk('default' in schema, path),
      )
    }
  },
)

t.test('conditions are a map by type, so that two writers cannot overwrite each other', async (t) => {
  for (const kind of kinds.slice(0, 2)) {
    const status = ((openAPI(kind).properties as Json).status as Json).properties as Json
    t.match(status.conditions, { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] })
  }
})

t.test('each kind has a status subresource and none a scale subresource', async (t) => {
  for (const kind of kinds) {
    t.same(customResourceDefinition(kind).spec.versions[0]?.subresources, { status: {} })
  }
})

t.test('structuralSchema() refuses a keyword it would have to drop', async (t) => {
  t.throws(() => structuralSchema({ type: 'string', contentEncoding: 'base64' }), /"contentEncoding"/)
})
