/**
 * The Go autoscaler's series (v0.7, prefix vpsie_autoscaler_) that have no namesake here: what tells the same, or why
 * there is nothing to tell. All its others mean the same under the same name.
 */
export const formerSeries: Readonly<Record<string, string>> = {
  reconciliation_queue_depth: 'There is no queue: each pass looks at everything.',
  scale_up_decisions_total: '`scaling_decisions_total` with `decision` `create` or `raiseToMin`.',
  scale_up_decision_nodes_requested: '`scale_up_nodes_added`.',
  rebalancer_operations_total: '`scaling_decisions_total` with `decision="replace"`.',
  rebalancer_nodes_replaced_total:
    '`scaling_decisions_total` with `decision="replace"`; the nodes count in `scale_down_total`.',
  rebalancer_cost_savings_total:
    '`cost_savings_estimated_monthly` with `source="replace"`, and `cost_monthly`.',
  vpsienode_discovery_duration_seconds:
    '`node_provisioning_duration_seconds`; machines are learnt from lists.',
  vpsienode_discovery_strategy_used_total:
    'There is one strategy: the list, against the baseline before the order.',
  vpsienode_discovery_failures_total: '`machine_orders_unresolved_total` and `machine_lists_short`.',
  dynamic_nodegroup_creations_total: 'NodeGroups are made by people.',
  event_buffer_size: 'Events are sent at once; what could not be is in `events_dropped_total`.',
  event_buffer_dropped_total: '`events_dropped_total`, by `cause`.',
  audit_events_total: 'It was never set; `events_emitted_total` and the log say who did what.',
}
