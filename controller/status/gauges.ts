import { labels } from '../../common/api/names.ts'
import { isOf } from '../../common/api/ownership.ts'
import { keyOf } from '../../common/kube/resources.ts'
import type { Plan } from '../decide/plan.ts'
import type { ClusterState } from '../decide/state.ts'
import type { ControllerDeps } from '../deps.ts'
import { labelsOfGroup } from '../metrics.ts'
import { phaseOf } from '../nodes/claims.ts'
import { pricesOf } from './prices.ts'

// VPSie and the plan count a month as 730 hours.
const hoursAMonth = 730

/** Sets every gauge about groups, pods and nodes. Each is emptied first, so nothing is left of what is gone. */
export function setGauges(
  { metrics }: Pick<ControllerDeps, 'metrics'>,
  state: ClusterState,
  plan: Plan,
): void {
  setGroupGauges(metrics, state, plan)
  setUtilization(metrics, state)
  setPods(metrics, plan)
  setSavings(metrics, plan)
  metrics.nodes_by_verdict.reset()
  for (const { verdict, nodeGroup = '' } of plan.nodes) {
    metrics.nodes_by_verdict.inc({ verdict, ...labelsOfGroup(nodeGroup) })
  }
  metrics.cost_monthly.set({ when: 'now' }, plan.monthlyCost.now)
  metrics.cost_monthly.set({ when: 'planned' }, plan.monthlyCost.planned)
}

/** Empties what only a leader knows: another one tells it from now on. */
export function clearGauges({ metrics }: Pick<ControllerDeps, 'metrics'>): void {
  for (const name of ofLeader) metrics[name].reset()
}

const ofLeader = [
  'nodegroup_desired_nodes',
  'nodegroup_current_nodes',
  'nodegroup_ready_nodes',
  'nodegroup_min_nodes',
  'nodegroup_max_nodes',
  'nodegroup_cost_hourly',
  'vpsienode_phase',
  'nodes_by_verdict',
  'pods_waiting',
  'cost_monthly',
  'cost_savings_estimated_monthly',
  'pending_pods_current',
  'node_utilization_cpu_percent',
  'node_utilization_memory_percent',
  'machines_unclaimed',
  'vpsienodes_without_machine',
  'nodes_without_vpsienode',
  'machine_lists_short',
] as const satisfies (keyof ControllerDeps['metrics'])[]

function setSavings({ cost_savings_estimated_monthly }: ControllerDeps['metrics'], { actions }: Plan): void {
  cost_savings_estimated_monthly.reset()
  for (const { type, nodeGroup, monthlyCost } of actions) {
    if (monthlyCost >= 0 || (type !== 'remove' && type !== 'replace')) continue
    cost_savings_estimated_monthly.inc({ ...labelsOfGroup(nodeGroup), source: type }, -monthlyCost)
  }
}

function setPods({ pending_pods_current, pods_waiting }: ControllerDeps['metrics'], { pods }: Plan): void {
  pending_pods_current.reset()
  pods_waiting.reset()
  for (const { pod, verdict, reasons } of pods) {
    if (verdict === 'bound') continue
    if (verdict !== 'ignored') pending_pods_current.inc({ namespace: namespaceOf(pod) })
    const [first] = reasons
    // Pods that the scheduler has not judged, or that run no more, wait for nobody.
    const isWaiting =
      verdict === 'unschedulable' || (verdict === 'ignored' && first?.code !== 'NotUnschedulable')
    if (isWaiting && first) pods_waiting.inc({ reason: first.code })
  }
}

function setGroupGauges(metrics: ControllerDeps['metrics'], state: ClusterState, plan: Plan): void {
  const { nodegroup_desired_nodes, nodegroup_current_nodes, nodegroup_ready_nodes, nodegroup_min_nodes } =
    metrics
  const { nodegroup_max_nodes, nodegroup_cost_hourly, vpsienode_phase } = metrics
  const all = [nodegroup_desired_nodes, nodegroup_current_nodes, nodegroup_ready_nodes, nodegroup_min_nodes]
  for (const gauge of [...all, nodegroup_max_nodes, nodegroup_cost_hourly, vpsienode_phase]) gauge.reset()
  const decisions = new Map(plan.groups.map((group) => [group.nodeGroup, group]))
  const prices = pricesOf(state.offerings)
  for (const nodeGroup of state.nodeGroups) {
    const set = labelsOfGroup(keyOf(nodeGroup))
    const claims = state.vpsieNodes.filter((claim) => isOf(claim, nodeGroup))
    const decision = decisions.get(keyOf(nodeGroup))
    nodegroup_desired_nodes.set(set, decision?.target ?? 0)
    nodegroup_current_nodes.set(set, decision?.current ?? 0)
    nodegroup_min_nodes.set(set, nodeGroup.spec.minNodes ?? 0)
    nodegroup_max_nodes.set(set, nodeGroup.spec.maxNodes)
    nodegroup_cost_hourly.set(set, prices.sum(claims) / hoursAMonth)
    nodegroup_ready_nodes.set(set, claims.filter((claim) => phaseOf(claim) === 'Ready').length)
    for (const claim of claims) vpsienode_phase.inc({ ...set, phase: phaseOf(claim) })
  }
}

function setUtilization(metrics: ControllerDeps['metrics'], state: ClusterState): void {
  metrics.node_utilization_cpu_percent.reset()
  metrics.node_utilization_memory_percent.reset()
  const groups = new Map(state.nodeGroups.map(({ metadata }) => [metadata.name, metadata.namespace ?? '']))
  for (const { metadata } of state.nodes) {
    const usage = state.usage?.get(metadata.name)
    const nodegroup = metadata.labels?.[labels.nodeGroup] ?? ''
    const namespace = groups.get(nodegroup)
    if (!usage || namespace === undefined) continue
    metrics.node_utilization_cpu_percent.set({ node: metadata.name, nodegroup, namespace }, usage.cpuPercent)
    metrics.node_utilization_memory_percent.set(
      { node: metadata.name, nodegroup, namespace },
      usage.memoryPercent,
    )
  }
}

function namespaceOf(key: string): string {
  return key.split('/')[0] ?? ''
}
