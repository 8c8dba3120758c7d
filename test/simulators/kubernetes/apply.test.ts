import t from 'tap'
import { apply } from '../../fixtures/apply.ts'
import { type ClientCall, storeClient } from '../../fixtures/kube-client.ts'
import { createStore } from './store.ts'

t.test('what others need is applied first: Namespaces, then CRDs, then the rest in its order', async (t) => {
  const calls: ClientCall[] = []
  const client = storeClient(createStore(), { after: (call) => void calls.push(call) })
  const object = (kind: string, name: string) => ({ kind, metadata: { name } })
  const objects = [
    { ...object('ConfigMap', 'b'), metadata: { name: 'b', namespace: 'default' } },
    object('CustomResourceDefinition', 'crd'),
    { ...object('ConfigMap', 'a'), metadata: { name: 'a', namespace: 'default' } },
    object('Namespace', 'default'),
  ]
  await apply(client, objects, new AbortController().signal)
  t.same(
    calls.map(({ name }) => name),
    ['default', 'crd', 'b', 'a'],
  )
})
