import t from 'tap'
import { labels, wellKnown } from '../../../common/api/names.ts'
import { claimOfNode, isSurelyOf, nodesOfClaim } from '../../../common/api/ownership.ts'
import { node, vpsieNode } from '../../fixtures/objects.ts'

const claim = vpsieNode('workers-1', { spec: { vpsieNodeIdentifier: 'M-1', ipAddress: '10.0.0.7' } })
const at = (address: string) => ({ ...node().status, addresses: [{ type: 'InternalIP', address }] })
const named = (name: string, providerID?: string) =>
  node(name, { spec: providerID ? { providerID } : { providerID: `vpsie://dc-1/cluster-1/${name}` } })

t.test(
  "a node of the control plane is nobody's, whatever its address, provider id or label says",
  async (t) => {
    for (const label of [wellKnown.controlPlane, wellKnown.master]) {
      const master = node('master', {
        metadata: { labels: { [label]: '', [labels.vpsieNode]: 'workers-1' } },
        spec: { providerID: 'vpsie://dc-1/cluster-1/m-1' },
        status: at('10.0.0.7'),
      })
      t.strictSame(nodesOfClaim([master], claim), [])
      t.equal(claimOfNode([claim], master), undefined)
    }
  },
)

t.test('a machine that came back under another name has two Nodes, the surest first', async (t) => {
  const renamed = node('renamed', { status: at('10.0.0.7') })
  const first = named('first', 'vpsie://dc-1/cluster-1/m-1')
  t.strictSame(
    nodesOfClaim([renamed, named('other'), first], claim).map(({ metadata }) => metadata.name),
    ['first', 'renamed'],
  )
})

t.test('an address alone is no sure sign', async (t) => {
  t.notOk(isSurelyOf(node('renamed', { status: at('10.0.0.7') }), claim))
  t.ok(isSurelyOf(named('first', 'vpsie://dc-1/cluster-1/m-1'), claim))
})
