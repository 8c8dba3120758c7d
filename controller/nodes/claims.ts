import { createHash } from 'node:crypto'
import {
  annotations,
  apiVersion,
  finalizers,
  labels,
  type VPSieNodeCondition,
} from '../../common/api/names.ts'
import type { NodeGroup } from '../../common/api/nodegroup.ts'
import { groupNameOf } from '../../common/api/ownership.ts'
import type { Phase, VPSieNode, VPSieNodeStatus } from '../../common/api/vpsienode.ts'
import { toTimestamp } from '../../common/clock.ts'
import type { ObjectName } from '../../common/kube/client.ts'
import { resources } from '../../common/kube/resources.ts'
import { setCondition } from '../../common/kube/status.ts'
import type { ControllerDeps } from '../deps.ts'

/** Namespace and name of an object for a client call. */
export function nameOf(object: { metadata: { name: string; namespace?: string } }): ObjectName {
  const { name, namespace } = object.metadata
  return namespace ? { name, namespace } : { name }
}

/**
 * The name of a claim: the same for the same group, plan and place in it, so that a second leader or a lagging
 * cache that repeats a plan meets AlreadyExists instead of ordering twice.
 */
export function claimName(nodeGroup: NodeGroup, planGeneration: number, ordinal: number): string {
  const identity = `${nodeGroup.metadata.uid}/${planGeneration}/${ordinal}`
  return `${nodeGroup.metadata.name}-${createHash('sha256').update(identity).digest('hex').slice(0, 8)}`
}

/** The labels of metrics about the NodeGroup of a claim. */
export function groupLabels(claim: VPSieNode): { nodegroup: string; namespace: string } {
  return { nodegroup: groupNameOf(claim), namespace: claim.metadata.namespace ?? '' }
}

/** What a plan wants one machine to be. */
export interface Wanted {
  offering: string
  datacenterID: string
  /** Reason code of the decision. */
  reason: string
  /** Names of the Nodes it replaces. */
  replaces?: readonly string[]
}

/** A new claim of a group; nothing is ordered yet. */
export function newClaim(nodeGroup: NodeGroup, name: string, wanted: Wanted): VPSieNode {
  const { spec, metadata } = nodeGroup
  return {
    apiVersion,
    kind: 'VPSieNode',
    metadata: {
      name,
      ...(metadata.namespace ? { namespace: metadata.namespace } : {}),
      finalizers: [finalizers.vpsieNode],
      labels: {
        [labels.managed]: 'true',
        [labels.nodeGroup]: metadata.name,
        [labels.datacenter]: wanted.datacenterID,
        [labels.offering]: wanted.offering,
      },
      annotations: {
        [annotations.orderedFor]: wanted.reason,
        ...(spec.provisioner === 'vm' ? { [annotations.provisioner]: 'vm' } : {}),
        ...(wanted.replaces?.length ? { [annotations.replaces]: wanted.replaces.join(',') } : {}),
      },
    },
    spec: {
      vpsieInstanceID: 0,
      instanceType: wanted.offering,
      nodeGroupName: metadata.name,
      datacenterID: wanted.datacenterID,
      resourceIdentifier: spec.resourceIdentifier,
      project: spec.project,
      kubernetesVersion: spec.kubernetesVersion,
      ...(spec.osImageID ? { osImageID: spec.osImageID } : {}),
      ...(spec.sshKeyIDs ? { sshKeyIDs: spec.sshKeyIDs } : {}),
    },
  }
}

/** The phase of a claim; one that nobody has handled yet is Pending. */
export function phaseOf(claim: VPSieNode): Phase {
  return claim.status?.phase ?? 'Pending'
}

export interface PhaseChange {
  reason: string
  message: string
  /** Further status fields, such as the time of the step. */
  status?: Partial<VPSieNodeStatus>
  /** Conditions that tell this step, with their status. */
  conditions?: readonly { type: VPSieNodeCondition; status: 'True' | 'False' }[]
}

/**
 * Moves a claim to a phase: status, condition, event and metric from the same words. Rejects with `Conflict` if
 * somebody else has changed the claim since it was read.
 */
export async function setPhase(
  deps: Pick<ControllerDeps, 'client' | 'clock' | 'events' | 'metrics' | 'log'>,
  claim: VPSieNode,
  phase: Phase,
  change: PhaseChange,
  signal: AbortSignal,
): Promise<VPSieNode> {
  const { reason, message } = change
  const conditions = change.conditions?.reduce(
    (list, condition) => setCondition(list, { ...condition, reason, message }, deps.clock.now()),
    claim.status?.conditions ?? [],
  )
  const status = {
    ...change.status,
    phase,
    ...(claim.status?.createdAt ? {} : { createdAt: toTimestamp(deps.clock.now()) }),
    ...(conditions ? { conditions } : {}),
    ...(claim.metadata.generation === undefined ? {} : { observedGeneration: claim.metadata.generation }),
  }
  const changed = await patchClaim(deps, claim, { status }, 'status', signal)
  const from = claim.status?.phase ?? ''
  if (from !== phase) {
    deps.metrics.vpsienode_phase_transitions_total.inc({
      from_phase: from || 'None',
      to_phase: phase,
      ...groupLabels(claim),
    })
    deps.events.record(claim, phase === 'Failed' ? 'Warning' : 'Normal', reason, message)
    deps.log.info('claim changed phase', {
      vpsieNode: claim.metadata.name,
      from,
      to: phase,
      reason,
      detail: message,
    })
  }
  return changed
}

/** Moves a claim to Failed, with the reason in its condition and the sentence as its last error. */
export function failClaim(
  deps: Parameters<typeof setPhase>[0],
  claim: VPSieNode,
  reason: string,
  message: string,
  signal: AbortSignal,
): Promise<VPSieNode> {
  const conditions = [{ type: 'Error', status: 'True' }] as const
  const change = { reason, message, status: { lastError: message }, conditions }
  return setPhase(deps, claim, 'Failed', change, signal)
}

/** Patches a claim as it was read: `Conflict` if it has changed since. */
export function patchClaim(
  deps: Pick<ControllerDeps, 'client'>,
  claim: VPSieNode,
  patch: unknown,
  subresource: 'status' | undefined,
  signal: AbortSignal,
): Promise<VPSieNode> {
  const { resourceVersion } = claim.metadata
  const options = { ...(subresource ? { subresource } : {}), ...(resourceVersion ? { resourceVersion } : {}) }
  return deps.client.patch(resources.vpsieNodes, nameOf(claim), patch, options, signal)
}
