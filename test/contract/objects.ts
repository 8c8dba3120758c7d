import type { Test } from 'tap'
import type { Floor } from '../floors/floor.ts'
import { apiOf } from './api.ts'

const base = '/api/v1/namespaces/default/configmaps'

const configMap = (name: string, data: Record<string, string> = {}, metadata: object = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, ...metadata },
  data,
})

/** How objects are made, changed, listed and removed. */
export function objectContract(t: Test, floor: Floor): void {
  const api = apiOf(floor)

  t.test('a new object gets its uid, version and time', async (t) => {
    const { status, body } = await api.post(base, configMap('new', { a: '1' }))
    t.equal(status, 201)
    t.match(body.metadata, {
      name: 'new',
      namespace: 'default',
      uid: /^[0-9a-f-]{36}$/,
      resourceVersion: /^\d+$/,
      creationTimestamp: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
    })
    const again = await api.post(base, configMap('new'))
    t.match(again, {
      status: 409,
      body: { kind: 'Status', reason: 'AlreadyExists', details: { name: 'new' } },
    })
    const absent = await api.get(`${base}/absent`)
    t.match(absent, {
      status: 404,
      body: { reason: 'NotFound', details: { name: 'absent', kind: 'configmaps' } },
    })
  })

  t.test('generateName ends with five random characters', async (t) => {
    const { status, body } = await api.post(base, {
      ...configMap('', {}),
      metadata: { generateName: 'made-' },
    })
    t.equal(status, 201)
    t.match(body.metadata.name, /^made-[a-z0-9]{5}$/)
  })

  t.test('the name and the namespace of the body must be those of the path', async (t) => {
    await api.post(base, configMap('path'))
    t.match(await api.put(`${base}/path`, configMap('other')), {
      status: 400,
      body: { reason: 'BadRequest' },
    })
    const elsewhere = configMap('path', {}, { namespace: 'kube-system' })
    t.match(await api.put(`${base}/path`, elsewhere), { status: 400, body: { reason: 'BadRequest' } })
    const unknown = '/api/v1/namespaces/absent/configmaps'
    t.match(await api.post(unknown, configMap('a')), { status: 404, body: { reason: 'NotFound' } })
  })

  t.test(
    'a merge patch sets, and removes by null; a version that is not the present one is a conflict',
    async (t) => {
      const { body: made } = await api.post(base, configMap('merge', { a: '1', b: '2' }))
      const { body } = await api.patch(`${base}/merge`, { data: { a: null, c: '3' } })
      t.same(body.data, { b: '2', c: '3' })
      t.not(body.metadata.resourceVersion, made.metadata.resourceVersion)
      const { resourceVersion } = made.metadata
      const stale = await api.patch(`${base}/merge`, { metadata: { resourceVersion }, data: { d: '4' } })
      t.match(stale, { status: 409, body: { reason: 'Conflict' } })
      const { body: same } = await api.patch(`${base}/merge`, { data: { c: '3' } })
      t.equal(same.metadata.resourceVersion, body.metadata.resourceVersion, 'no change is no write')
    },
  )

  t.test('a JSON patch applies wholly or not at all', async (t) => {
    await api.post(base, configMap('json', { a: '1' }, { finalizers: ['example.com/a', 'example.com/b'] }))
    const path = `${base}/json`
    const patched = await api.patch(
      path,
      [
        { op: 'test', path: '/metadata/finalizers/1', value: 'example.com/b' },
        { op: 'remove', path: '/metadata/finalizers/1' },
        { op: 'add', path: '/data/b', value: '2' },
      ],
      'json',
    )
    t.match(patched, { status: 200, body: { data: { a: '1', b: '2' } } })
    t.same(patched.body.metadata.finalizers, ['example.com/a'])
    const failing = [
      { op: 'replace', path: '/data/a', value: '9' },
      { op: 'test', path: '/metadata/finalizers/0', value: 'another' },
    ]
    t.match(await api.patch(path, failing, 'json'), { status: 422, body: { reason: 'Invalid' } })
    const missing = [{ op: 'remove', path: '/data/absent' }]
    t.match(await api.patch(path, missing, 'json'), { status: 422 })
    t.match((await api.get(path)).body, { data: { a: '1', b: '2' } })
    await api.patch(path, { metadata: { finalizers: null } })
  })

  t.test('PUT replaces the whole object, with or without a version', async (t) => {
    const { body: made } = await api.post(base, configMap('put', { a: '1' }))
    const { status, body } = await api.put(`${base}/put`, configMap('put', { b: '2' }))
    t.equal(status, 200)
    t.same(body.data, { b: '2' })
    const { resourceVersion } = made.metadata
    const stale = await api.put(`${base}/put`, configMap('put', {}, { resourceVersion }))
    t.match(stale, { status: 409, body: { reason: 'Conflict' } })
  })

  t.test('a dry run answers and stores nothing', async (t) => {
    const made = await api.post(`${base}?dryRun=All`, configMap('dry'))
    t.equal(made.status, 201)
    t.equal((await api.get(`${base}/dry`)).status, 404)
    await api.post(base, configMap('dry', { a: '1' }))
    await api.patch(`${base}/dry?dryRun=All`, { data: { a: '2' } })
    await api.delete(`${base}/dry`, { apiVersion: 'v1', kind: 'DeleteOptions', dryRun: ['All'] })
    t.match((await api.get(`${base}/dry`)).body, { data: { a: '1' } })
  })

  t.test('a deletion waits for finalizers and heeds its preconditions', async (t) => {
    const { body: made } = await api.post(base, configMap('end', {}, { finalizers: ['example.com/a'] }))
    const wrong = await api.delete(`${base}/end`, { preconditions: { uid: 'another' } })
    t.match(wrong, { status: 409, body: { reason: 'Conflict' } })
    const marked = await api.delete(`${base}/end`, { preconditions: { uid: made.metadata.uid } })
    t.equal(marked.status, 200)
    t.match((await api.get(`${base}/end`)).body.metadata, { deletionTimestamp: /Z$/ })
    const added = await api.patch(`${base}/end`, {
      metadata: { finalizers: ['example.com/a', 'example.com/b'] },
    })
    t.match(added, { status: 422 }, 'no finalizer can be added to what is on its way out')
    await api.patch(`${base}/end`, { metadata: { finalizers: null } })
    t.equal((await api.get(`${base}/end`)).status, 404)
  })

  t.test('lists are sorted, selected and cut into pages of one moment', async (t) => {
    const labels = (color: string) => ({ labels: { list: 'yes', color } })
    for (const [index, color] of ['red', 'green', 'blue', 'red', 'green'].entries())
      await api.post(base, configMap(`list-${index}`, {}, labels(color)))
    const namesOf = async (query: string) =>
      (await api.get(`${base}?${query}`)).body.items.map(
        ({ metadata }: { metadata: { name: string } }) => metadata.name,
      )
    const selector = encodeURIComponent('list=yes,color in (red,blue)')
    t.same(await namesOf(`labelSelector=${selector}`), ['list-0', 'list-2', 'list-3'])
    t.same(await namesOf('labelSelector=list,color!=red&fieldSelector=metadata.name=list-4'), ['list-4'])
    const first = await api.get(`${base}?labelSelector=list=yes&limit=2`)
    t.equal(first.body.items.length, 2)
    await api.post(base, configMap('list-5', {}, labels('red')))
    const rest = await api.get(
      `${base}?labelSelector=list=yes&limit=10&continue=${encodeURIComponent(first.body.metadata.continue)}`,
    )
    t.same(
      rest.body.items.map(({ metadata }: { metadata: { name: string } }) => metadata.name),
      ['list-2', 'list-3', 'list-4'],
      'what was written after the first page is not in the second',
    )
    t.equal(rest.body.metadata.resourceVersion, first.body.metadata.resourceVersion)
    t.match(await api.get(`${base}?labelSelector=${encodeURIComponent('a in (')}`), { status: 400 })
    t.match(await api.get(`${base}?fieldSelector=metadata.colour=red`), { status: 400 })
  })

  t.test('a Lease takes times with six digits only', async (t) => {
    const leases = '/apis/coordination.k8s.io/v1/namespaces/default/leases'
    const lease = (renewTime: string) => ({
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: 'lease' },
      spec: { holderIdentity: 'a', leaseDurationSeconds: 15, renewTime },
    })
    t.match(await api.post(leases, lease('2026-01-02T03:04:05.678Z')), { status: 400 })
    const made = await api.post(leases, lease('2026-01-02T03:04:05.678000Z'))
    t.equal(made.status, 201)
    t.equal(made.body.spec.renewTime, '2026-01-02T03:04:05.678000Z')
  })
}
