import { inactiveFields } from '../../common/api/adoption.ts'
import type { NodeGroupCondition } from '../../common/api/names.ts'
import type { NodeGroup } from '../../common/api/nodegroup.ts'
import type { VPSieNode } from '../../common/api/vpsienode.ts'
import { fromTimestamp } from '../../common/clock.ts'
import { counted } from '../../common/counted.ts'
import type { GroupDecision } from '../decide/plan.ts'

/** One condition of a NodeGroup before its transition time is known. */
export interface ConditionNow {
  type: NodeGroupCondition
  status: 'True' | 'False'
  reason: string
  message: string
}

interface Facts {
  nodeGroup: NodeGroup
  claims: readonly VPSieNode[]
  decision: GroupDecision
  readyNodes: number
  now: number
}

/** The six conditions of a NodeGroup, in fixed order. */
export function conditionsNow(facts: Facts): ConditionNow[] {
  const { nodeGroup, decision, readyNodes } = facts
  const { minNodes = 0, maxNodes } = nodeGroup.spec
  const enough = readyNodes >= minNodes
  const inactive = inactiveFields(nodeGroup)
  const note =
    inactive.length === 0 ? '' : `; inactive until annotated adopt-settings=true: ${inactive.join(', ')}`
  return [
    is(
      'Ready',
      enough,
      enough ? 'EnoughNodes' : 'TooFewNodes',
      `${readyNodes} of ${counted(decision.current, 'node')} ${readyNodes === 1 ? 'is' : 'are'} ready, at least ${minNodes} wanted${note}`,
    ),
    scaling(facts),
    is(
      'AtMinCapacity',
      decision.current <= minNodes,
      'NodeCount',
      `${counted(decision.current, 'node')}, minNodes is ${minNodes}`,
    ),
    is(
      'AtMaxCapacity',
      decision.current >= maxNodes,
      'NodeCount',
      `${counted(decision.current, 'node')}, maxNodes is ${maxNodes}`,
    ),
    backoff(facts),
    failure(facts),
  ]
}

function scaling({ decision, claims }: Facts): ConditionNow {
  const coming = claims.filter(
    ({ metadata, status }) =>
      metadata.deletionTimestamp === undefined && status?.phase !== 'Ready' && status?.phase !== 'Failed',
  ).length
  const leaving = claims.filter(({ metadata }) => metadata.deletionTimestamp !== undefined).length
  const moves = coming + leaving > 0 || decision.target !== decision.current
  return is(
    'Scaling',
    moves,
    moves ? 'InProgress' : 'Steady',
    `${counted(coming, 'node')} on the way in, ${leaving} on the way out`,
  )
}

function backoff({ nodeGroup, now }: Facts): ConditionNow {
  const active = (nodeGroup.status?.backoffs ?? []).filter(({ until }) => (fromTimestamp(until) ?? 0) > now)
  const sentences = active.map(
    ({ offering, datacenterID, until, reason }) =>
      `size ${offering} in ${datacenterID} until ${until}: ${reason}`,
  )
  return is(
    'Backoff',
    active.length > 0,
    active.length > 0 ? 'Refused' : 'NoRefusal',
    sentences.join('; ') || 'VPSie has refused nothing lately',
  )
}

function failure({ claims }: Facts): ConditionNow {
  const failed = claims.filter(({ status }) => status?.phase === 'Failed')
  const sentences = failed.map(({ metadata, status }) => `${metadata.name}: ${status?.lastError ?? 'failed'}`)
  return is(
    'Error',
    failed.length > 0,
    failed.length > 0 ? 'VPSieNodeFailed' : 'NoError',
    sentences.join('; ') || 'No VPSieNode has failed',
  )
}

function is(type: NodeGroupCondition, holds: boolean, reason: string, message: string): ConditionNow {
  return { type, status: holds ? 'True' : 'False', reason, message: message.slice(0, 2048) }
}
