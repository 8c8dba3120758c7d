import { taints } from '../../common/api/names.ts'
import type { NodeGroup } from '../../common/api/nodegroup.ts'
import { nodesOfClaim } from '../../common/api/ownership.ts'
import type { VPSieNode } from '../../common/api/vpsienode.ts'
import { fromTimestamp, toTimestamp } from '../../common/clock.ts'
import type { Node } from '../../common/kube/objects.ts'
import { setCondition } from '../../common/kube/status.ts'
import type { ControllerDeps } from '../deps.ts'
import { revokeToken } from './bootstrap-token.ts'
import { failClaim, groupLabels, patchClaim, setPhase } from './claims.ts'
import { isVM } from './fleet.ts'
import { repairNode } from './repair.ts'

type JoinDeps = Pick<
  ControllerDeps,
  'client' | 'random' | 'clock' | 'caches' | 'events' | 'metrics' | 'log' | 'options'
>

/** True if the Node reports Ready. */
export function isReady(node: Node): boolean {
  return node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
}

/** True if the Node carries the taint of a removal by us. */
export function isDisrupted(node: Node): boolean {
  return node.spec?.taints?.some(({ key }) => key === taints.disrupted) ?? false
}

/** The Node a claim's machine goes by now: one that is ready, else the one that is most surely its own. */
export function presentNodeOf(nodes: readonly Node[], claim: VPSieNode): Node | undefined {
  const own = nodesOfClaim(nodes, claim)
  return own.find(isReady) ?? own[0]
}

/** Takes a claim whose machine is known as far as its Node has come: Provisioned, Joining, Ready, or out of time. */
export async function join(
  deps: JoinDeps,
  claim: VPSieNode,
  nodeGroup: NodeGroup | undefined,
  signal: AbortSignal,
): Promise<void> {
  const phase = claim.status?.phase
  // Whoever wrote the machine's identity down may have died before it wrote the phase.
  if (phase === undefined || phase === 'Pending' || phase === 'Provisioning') {
    await becomeProvisioned(deps, claim, signal)
    return
  }
  const node = presentNodeOf(deps.caches.nodes.list(), claim)
  if (!node)
    return phase === 'Ready' ? noteReady(deps, claim, undefined, signal) : failIfLate(deps, claim, signal)
  if (nodeGroup) await repairNode(deps, node, claim, nodeGroup, signal)
  if (phase === 'Ready') return noteReady(deps, claim, node, signal)
  if (isReady(node)) return becomeReady(deps, claim, node, signal)
  if (phase === 'Joining') return failIfLate(deps, claim, signal)
  await setPhase(
    deps,
    claim,
    'Joining',
    {
      reason: 'Joined',
      message: `Node ${node.metadata.name} has registered`,
      status: { nodeName: node.metadata.name, joinedAt: toTimestamp(deps.clock.now()) },
      conditions: [{ type: 'NodeJoined', status: 'True' }],
    },
    signal,
  )
}

/** The claim's machine exists. */
export function becomeProvisioned(
  deps: JoinDeps,
  claim: VPSieNode,
  signal: AbortSignal,
  known: { hostname?: string; status?: string } = {},
): Promise<VPSieNode> {
  return setPhase(
    deps,
    claim,
    'Provisioned',
    {
      reason: 'Provisioned',
      message: `VPSie made machine ${claim.spec.vpsieNodeIdentifier ?? (claim.spec.vpsieInstanceID || known.hostname)}`,
      status: {
        provisionedAt: toTimestamp(deps.clock.now()),
        ...(known.hostname ? { hostname: known.hostname } : {}),
        ...(known.status ? { vpsieStatus: known.status } : {}),
      },
      conditions: [
        { type: 'VPSReady', status: 'True' },
        { type: 'Error', status: 'False' },
      ],
    },
    signal,
  )
}

async function becomeReady(deps: JoinDeps, claim: VPSieNode, node: Node, signal: AbortSignal): Promise<void> {
  const now = deps.clock.now()
  await setPhase(
    deps,
    claim,
    'Ready',
    {
      reason: 'Ready',
      message: `Node ${node.metadata.name} is ready`,
      status: {
        nodeName: node.metadata.name,
        readyAt: toTimestamp(now),
        ...(claim.status?.joinedAt ? {} : { joinedAt: toTimestamp(now) }),
      },
      conditions: [
        { type: 'NodeJoined', status: 'True' },
        { type: 'NodeReady', status: 'True' },
        { type: 'Error', status: 'False' },
      ],
    },
    signal,
  )
  // The machine is in; nobody else may come in by its token.
  if (isVM(claim)) await revokeToken(deps, claim, signal)
  tellSkew(deps, claim, node)
  const asked = fromTimestamp(claim.metadata.creationTimestamp)
  if (asked === undefined) return
  deps.metrics.node_provisioning_duration_seconds.observe(groupLabels(claim), (now - asked) / 1000)
}

/** VPSie sets the version of managed workers, so another one than the NodeGroup's is told and not mended. */
function tellSkew(deps: JoinDeps, claim: VPSieNode, node: Node): void {
  const runs = node.status?.nodeInfo?.kubeletVersion
  const wanted = claim.spec.kubernetesVersion
  if (!runs || !wanted || minorOf(runs) === minorOf(wanted)) return
  const message = `Node ${node.metadata.name} runs ${runs}, its NodeGroup asks for ${wanted}`
  deps.events.record(claim, 'Warning', 'VersionSkew', message)
  deps.log.warn('a node runs another version than asked for', {
    vpsieNode: claim.metadata.name,
    node: node.metadata.name,
    runs,
    wanted,
  })
}

function minorOf(version: string): string {
  return version.split('.').slice(0, 2).join('.')
}

/** Keeps condition NodeReady, and the name, of a Ready claim's Node true. */
async function noteReady(
  deps: JoinDeps,
  claim: VPSieNode,
  node: Node | undefined,
  signal: AbortSignal,
): Promise<void> {
  const status = node && isReady(node) ? 'True' : 'False'
  const nodeName = node?.metadata.name ?? claim.status?.nodeName
  const before = claim.status?.conditions?.find(({ type }) => type === 'NodeReady')
  if (before?.status === status && nodeName === claim.status?.nodeName) return
  const reason = status === 'True' ? 'Ready' : node ? 'NodeNotReady' : 'NodeNotFound'
  const message = status === 'True' ? `Node ${nodeName} is ready` : `Node ${nodeName ?? ''} is not ready`
  const conditions = setCondition(
    claim.status?.conditions ?? [],
    { type: 'NodeReady', status, reason, message },
    deps.clock.now(),
  )
  await patchClaim(
    deps,
    claim,
    { status: { conditions, ...(nodeName ? { nodeName } : {}) } },
    'status',
    signal,
  )
}

async function failIfLate(deps: JoinDeps, claim: VPSieNode, signal: AbortSignal): Promise<void> {
  const since = fromTimestamp(claim.status?.provisionedAt)
  if (since === undefined) return
  const waited = deps.clock.now() - since
  const isRegistered = claim.status?.phase === 'Joining'
  const limit = deps.options[isRegistered ? 'join-timeout' : 'register-timeout']
  if (waited < limit) return
  const message = `No ${isRegistered ? 'ready ' : ''}Node ${limit / 1000} s after the machine was made`
  await failClaim(deps, claim, isRegistered ? 'JoiningTimeout' : 'RegistrationTimeout', message, signal)
}
