import t from 'tap'
import type { Node, Pod } from '../../../common/kube/objects.ts'
import { knownNode, mayBeThere } from '../../../controller/ingest/known.ts'
import type { Caches } from '../../../controller/observe/caches.ts'

/** Caches of the given objects, by their keys. */
function caches(objects: { nodes?: Node[]; pods?: Pod[]; synced?: boolean }): Caches {
  const { nodes = [], pods = [], synced = true } = objects
  const keyOf = ({ metadata: { namespace, name } }: Node | Pod) => (namespace ? `${namespace}/${name}` : name)
  const of = <T extends Node | Pod>(list: T[]) => ({
    get: (key: string) => list.find((each) => keyOf(each) === key),
    synced,
  })
  return { nodes: of(nodes), pods: of(pods) } as unknown as Caches
}

const node = (over: Partial<Node> = {}): Node => ({ metadata: { name: 'a', uid: '1' }, ...over })
const pod: Pod = { metadata: { namespace: 'kube-system', name: 'agent', uid: '7' }, spec: { containers: [] } }

t.test("a Node tells its uid and its machine's memory", async (t) => {
  const nodes = [node({ status: { capacity: { memory: '4Gi' } } })]
  t.same(knownNode(caches({ nodes }), 'a'), { uid: '1', memoryBytes: 4 * 2 ** 30 })
  t.same(knownNode(caches({ nodes: [node()] }), 'a'), { uid: '1' }, 'without a capacity yet')
  t.equal(knownNode(caches({ nodes }), 'b'), undefined)
})

t.test('a pod is gone when it is missing or another one, and never while pods are not known', async (t) => {
  const agent = { namespace: 'kube-system', name: 'agent', uid: '7' }
  t.equal(mayBeThere(caches({ pods: [pod] }), agent), true)
  t.equal(mayBeThere(caches({ pods: [pod] }), { ...agent, uid: '8' }), false)
  t.equal(mayBeThere(caches({}), agent), false)
  t.equal(mayBeThere(caches({ synced: false }), agent), true)
})
