import { eventMetrics } from '../common/kube/events.ts'
import { exponentialBuckets, type Metrics, type MetricTable } from '../common/metrics.ts'
import { ingestMetrics } from './ingest/metrics.ts'
import { pageMetrics } from './page/metrics.ts'
import { vpsieMetrics } from './vpsie/metrics.ts'

const group = ['nodegroup', 'namespace'] as const

/** The labels of series about a NodeGroup, by its key `namespace/name`; empty ones for ''. */
export function labelsOfGroup(key: string): Record<(typeof group)[number], string> {
  const [namespace = '', nodegroup = ''] = key.split('/')
  return { nodegroup, namespace }
}

const loops = [{ controller: 'decision' }, { controller: 'machines' }] as const
export const decisionPhases = ['offers', 'observe', 'decide', 'act', 'report'] as const
const counts = Array.from({ length: 10 }, (_, i) => i + 1)

const loopMetrics = {
  leader: { type: 'gauge', help: '1 while this replica leads.' },
  controller_reconcile_total: {
    type: 'counter',
    help: 'Passes of a loop, by loop and result.',
    labels: ['controller', 'result'],
    zero: loops.flatMap((loop) => [
      { ...loop, result: 'success' },
      { ...loop, result: 'error' },
    ]),
  },
  controller_reconcile_errors_total: {
    type: 'counter',
    help: 'Failed steps of a loop, by loop and error code.',
    labels: ['controller', 'error_type'],
  },
  controller_reconcile_duration_seconds: {
    type: 'histogram',
    help: 'Time of a pass, by loop.',
    labels: ['controller'],
    buckets: exponentialBuckets(0.001, 2, 15),
    zero: loops,
  },
  decision_phase_duration_seconds: {
    type: 'histogram',
    help: 'Time of a decision by phase: offers (asking for prices), observe, decide, act, report.',
    labels: ['phase'],
    buckets: exponentialBuckets(0.0005, 2, 14),
    zero: decisionPhases.map((phase) => ({ phase })),
  },
} as const satisfies MetricTable

const groupMetrics = {
  nodegroup_desired_nodes: { type: 'gauge', help: 'Nodes the last plan wants, by NodeGroup.', labels: group },
  nodegroup_current_nodes: {
    type: 'gauge',
    help: 'Machines now, those on their way included.',
    labels: group,
  },
  nodegroup_ready_nodes: { type: 'gauge', help: 'Machines whose Node is ready.', labels: group },
  nodegroup_min_nodes: { type: 'gauge', help: 'spec.minNodes.', labels: group },
  nodegroup_max_nodes: { type: 'gauge', help: 'spec.maxNodes.', labels: group },
  nodegroup_cost_hourly: {
    type: 'gauge',
    help: 'Price of the machines now, in account currency an hour.',
    labels: group,
  },
  vpsienode_phase: { type: 'gauge', help: 'VPSieNodes, by phase.', labels: ['phase', ...group] },
  nodes_by_verdict: {
    type: 'gauge',
    help: 'Nodes, by what the last plan makes of them: keep, remove, replace.',
    labels: ['verdict', ...group],
  },
  pods_waiting: {
    type: 'gauge',
    help: 'Pods the last plan finds no node for or leaves alone, by reason code.',
    labels: ['reason'],
  },
  cost_monthly: {
    type: 'gauge',
    help: 'Price of all machines in account currency a month: now, and after the last plan (planned).',
    labels: ['when'],
    zero: [{ when: 'now' }, { when: 'planned' }],
  },
  cost_savings_estimated_monthly: {
    type: 'gauge',
    help: 'What the last plan saves in account currency a month, by source: remove, replace.',
    labels: [...group, 'source'],
  },
  pending_pods_current: {
    type: 'gauge',
    help: 'Pods the scheduler found no node for, by namespace.',
    labels: ['namespace'],
  },
  unschedulable_pods_total: {
    type: 'counter',
    help: 'Pods that no new node would help, by reason code.',
    labels: ['constraint', 'namespace'],
  },
  node_utilization_cpu_percent: {
    type: 'gauge',
    help: 'Mean CPU use a node has reported, in percent.',
    labels: ['node', ...group],
  },
  node_utilization_memory_percent: {
    type: 'gauge',
    help: 'Mean memory use a node has reported, in percent.',
    labels: ['node', ...group],
  },
} as const satisfies MetricTable

const scalingMetrics = {
  scaling_decisions_total: {
    type: 'counter',
    help: 'Actions decided, by kind and reason code.',
    labels: [...group, 'decision', 'reason'],
  },
  scale_up_total: { type: 'counter', help: 'Growths begun.', labels: group },
  scale_up_nodes_added: {
    type: 'histogram',
    help: 'Machines of one growth.',
    labels: group,
    buckets: counts,
  },
  scale_down_total: { type: 'counter', help: 'Nodes removed.', labels: group },
  scale_down_nodes_removed: {
    type: 'histogram',
    help: 'Nodes chosen for removal by one plan.',
    labels: group,
    buckets: counts,
  },
  scale_down_errors_total: {
    type: 'counter',
    help: 'Removals that failed and were undone, by kind of error.',
    labels: [...group, 'error_type'],
  },
  scale_down_blocked_total: {
    type: 'counter',
    help: 'Times a node came to be kept for a reason, by reason code.',
    labels: [...group, 'reason'],
  },
  safety_check_failures_total: {
    type: 'counter',
    help: 'Removals called off by the second look at a tainted node, by reason code.',
    labels: ['check_type', ...group],
  },
  node_drain_duration_seconds: {
    type: 'histogram',
    help: 'Time of a drain, by result.',
    labels: [...group, 'result'],
    buckets: exponentialBuckets(1, 2, 12),
  },
  node_drain_pods_evicted: {
    type: 'histogram',
    help: 'Pods evicted by one drain.',
    labels: group,
    buckets: Array.from({ length: 20 }, (_, i) => i * 5),
  },
} as const satisfies MetricTable

const machineMetrics = {
  vpsienode_phase_transitions_total: {
    type: 'counter',
    help: 'VPSieNodes that changed phase.',
    labels: ['from_phase', 'to_phase', ...group],
  },
  node_provisioning_duration_seconds: {
    type: 'histogram',
    help: 'From VPSieNode to ready Node.',
    labels: group,
    buckets: exponentialBuckets(10, 2, 10),
  },
  node_termination_duration_seconds: {
    type: 'histogram',
    help: 'From the start of a removal until the machine was gone.',
    labels: group,
    buckets: exponentialBuckets(1, 2, 12),
  },
  vpsienode_ttl_deletions_total: {
    type: 'counter',
    help: 'Failed VPSieNodes that were deleted after --failed-vpsienode-ttl.',
    labels: group,
  },
  machine_orders_unresolved_total: { type: 'counter', help: 'Orders whose outcome VPSie did not tell.' },
  machines_unclaimed: {
    type: 'gauge',
    help: 'Workers at VPSie that no VPSieNode owns. They are never touched; somebody should know them.',
  },
  vpsienodes_without_machine: { type: 'gauge', help: 'VPSieNodes whose machine VPSie lists no more.' },
  nodes_without_vpsienode: { type: 'gauge', help: 'Nodes of a NodeGroup that no VPSieNode owns.' },
  machine_lists_short: {
    type: 'gauge',
    help: 'Clusters whose list of machines lacks more than can be believed, so that nothing is concluded from it.',
  },
} as const satisfies MetricTable

/** Every series of the controller, those of its parts included. */
export const controllerMetrics = {
  ...loopMetrics,
  ...groupMetrics,
  ...scalingMetrics,
  ...machineMetrics,
  ...eventMetrics,
  ...ingestMetrics,
  ...pageMetrics,
  ...vpsieMetrics,
} as const satisfies MetricTable

export type ControllerMetrics = Metrics<typeof controllerMetrics>
