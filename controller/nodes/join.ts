import { annotations, taints, wellKnown } from '../../common/api/names.ts'
import type { NodeGroup } from '../../common/api/nodegroup.ts'
import { nodeOfClaim } from '../../common/api/ownership.ts'
import type { VPSieNode } from '../../common/api/vpsienode.ts'
import { fromTimestamp, toTimestamp } from '../../common/clock.ts'
import type { Node } from '../../common/kube/objects.ts'
import type { ControllerDeps } from '../deps.ts'
import type { Machine } from '../vpsie/provider.ts'
import { forgetRefusals } from './backoff.ts'
import { failClaim, patchClaim, setPhase } from './claims.ts'
import { repairNode } from './repair.ts'

type JoinDeps = Pick<
  ControllerDeps,
  'client' | 'random' | 'clock' | 'caches' | 'events' | 'metrics' | 'log' | 'options'
>

/** Writes a machine's identity on the claim that ordered it. From here on the claim is the machine's owner. */
export async function adoptMachine(
  deps: JoinDeps,
  claim: VPSieNode,
  machine: Machine,
  signal: AbortSignal,
): Promise<VPSieNode> {
  const [ipAddress] = machine.addresses
  const spec = {
    ...(machine.uuid ? { vpsieNodeIdentifier: machine.uuid } : {}),
    ...(machine.numericID === undefined ? {} : { vpsieInstanceID: machine.numericID }),
    ...(ipAddress ? { ipAddress } : {}),
  }
  const owned = await patchClaim(
    deps,
    claim,
    { metadata: { annotations: { [annotations.absentSince]: null } }, spec },
    undefined,
    signal,
  )
  await forgetRefusals(deps, claim, signal)
  if (claim.metadata.deletionTimestamp !== undefined) return owned
  return setPhase(
    deps,
    owned,
    'Provisioned',
    {
      reason: 'Provisioned',
      message: `VPSie made machine ${machine.identity}`,
      status: {
        provisionedAt: toTimestamp(deps.clock.now()),
        ...(machine.hostname ? { hostname: machine.hostname } : {}),
        ...(machine.status ? { vpsieStatus: machine.status } : {}),
      },
      condition: { type: 'VPSReady', status: 'True' },
    },
    signal,
  )
}

/** True if the Node reports Ready. */
export function isReady(node: Node): boolean {
  return node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
}

/** Takes a claim whose machine is known as far as its Node has come: Provisioned, Joining, Ready, or out of time. */
export async function join(
  deps: JoinDeps,
  claim: VPSieNode,
  nodeGroup: NodeGroup | undefined,
  signal: AbortSignal,
): Promise<void> {
  const node = nodeOfClaim(deps.caches.nodes.list(), claim)
  if (!node || node.metadata.labels?.[wellKnown.controlPlane] !== undefined)
    return joinLater(deps, claim, signal)
  if (nodeGroup) await repairNode(deps, node, claim, nodeGroup, signal)
  const phase = claim.status?.phase
  if (isReady(node)) {
    if (phase !== 'Ready') await becomeReady(deps, claim, node, signal)
    return
  }
  if (phase === 'Ready' || phase === 'Joining') return failIfLate(deps, claim, signal)
  await setPhase(
    deps,
    claim,
    'Joining',
    {
      reason: 'Joined',
      message: `Node ${node.metadata.name} has registered`,
      status: { nodeName: node.metadata.name, joinedAt: toTimestamp(deps.clock.now()) },
      condition: { type: 'NodeJoined', status: 'True' },
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
      condition: { type: 'NodeReady', status: 'True' },
    },
    signal,
  )
  const asked = fromTimestamp(claim.metadata.creationTimestamp)
  if (asked !== undefined) {
    const { nodeGroupName } = claim.spec
    deps.metrics.node_provisioning_duration_seconds.observe(
      { nodegroup: nodeGroupName, namespace: claim.metadata.namespace ?? '' },
      (now - asked) / 1000,
    )
  }
}

async function joinLater(deps: JoinDeps, claim: VPSieNode, signal: AbortSignal): Promise<void> {
  if (claim.status?.phase === 'Provisioned') await failIfLate(deps, claim, signal)
}

async function failIfLate(deps: JoinDeps, claim: VPSieNode, signal: AbortSignal): Promise<void> {
  if (claim.status?.phase === 'Ready') return
  const since = fromTimestamp(claim.status?.provisionedAt)
  if (since === undefined || deps.clock.now() - since < deps.options['join-timeout']) return
  const message = `No ready Node ${deps.options['join-timeout'] / 1000} s after the machine was made`
  await failClaim(deps, claim, 'JoiningTimeout', message, signal)
}

/** True if the Node carries the taint of a removal by us. */
export function isDisrupted(node: Node): boolean {
  return node.spec?.taints?.some(({ key }) => key === taints.disrupted) ?? false
}
