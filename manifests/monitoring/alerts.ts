/** A series of a rule's test, with its value each minute in promtool's notation. */
export type Series = readonly [series: string, values: string]

/** One alert: the rule, what to do about it, and series that must and must not set it off. */
export interface Alert {
  name: string
  expr: string
  for: string
  severity: 'critical' | 'warning' | 'info'
  summary: string
  /** What stands still because of it. */
  description: string
  /** What to look at, step by step, in Markdown. */
  runbook: string
  /** Labels of the alert beside its severity when `firing` sets it off. */
  labels?: Readonly<Record<string, string>>
  firing: readonly Series[]
  quiet: readonly Series[]
}

const prefix = 'vpsie_autoscaler_'
const leads: Series = [`${prefix}leader{pod="a"}`, '1+0x180']

export const alerts: readonly Alert[] = [
  {
    name: 'VPSieAutoscalerHasNoLeader',
    expr: `absent(${prefix}leader == 1)`,
    for: '5m',
    severity: 'critical',
    summary: 'No controller leads',
    description: 'Nothing is added, removed or repaired.',
    runbook: `1. \`kubectl -n kube-system get pods -l app.kubernetes.io/component=controller\`: do they run?
2. \`kubectl -n kube-system get lease vpsie-autoscaler-leader -o yaml\`: who holds it, since when? A holder that is no pod
   of ours is an older autoscaler that still runs: the two share the lease so that they never act together.
3. The controller's log says why a lease was lost; most often the API server was slow or out of reach.`,
    firing: [[`${prefix}leader{pod="a"}`, '0+0x180']],
    quiet: [leads],
  },
  {
    name: 'VPSieAutoscalerDecidesNothing',
    expr: `max(increase(${prefix}controller_reconcile_total{controller="decision",result="success"}[10m])) == 0 and max(${prefix}leader) == 1`,
    for: '5m',
    severity: 'critical',
    summary: 'The leader has finished no decision for ten minutes',
    description: 'Pods that wait get no nodes.',
    runbook: `1. The controller's log has the error of each pass (\`a pass failed\`) or says which caches are not synced.
2. \`${prefix}controller_reconcile_errors_total\` has the code. \`Forbidden\` means that a role was changed: apply the
   manifests again. \`Timeout\` means that the API server does not answer.`,
    firing: [
      [`${prefix}controller_reconcile_total{controller="decision",result="success"}`, '7+0x180'],
      leads,
    ],
    quiet: [
      [`${prefix}controller_reconcile_total{controller="decision",result="success"}`, '0+6x180'],
      leads,
    ],
  },
  {
    name: 'VPSieAutoscalerWebhookDown',
    expr: `absent(${prefix}webhook_tls_certificate_not_after_seconds)`,
    for: '5m',
    severity: 'critical',
    summary: 'No webhook runs',
    description:
      'NodeGroups, VPSieNodes and the AutoscalerConfig cannot be changed by people. The controller goes on.',
    runbook: `1. \`kubectl -n kube-system get pods -l app.kubernetes.io/component=webhook\` and the log of one.
2. \`node certs/main.ts status\` tells whether the certificate and the webhook configurations agree.
3. To change a NodeGroup meanwhile, delete the validating and the mutating webhook configuration and apply the manifests
   again afterwards; CRD rules still hold.`,
    firing: [],
    quiet: [[`${prefix}webhook_tls_certificate_not_after_seconds{pod="w"}`, '2000000000+0x180']],
  },
  {
    name: 'VPSieAutoscalerCertificateEndsSoon',
    expr: `min({__name__=~"${prefix}(webhook|ingest)_tls_certificate_not_after_seconds"} > 0) - time() < 5 * 86400`,
    for: '1h',
    severity: 'warning',
    summary: 'A served certificate ends in less than five days',
    description: 'It should have been renewed ten days before its end.',
    runbook: `1. \`kubectl -n kube-system get jobs -l app.kubernetes.io/component=certs\`: when did the last one succeed?
2. Its log names the step that failed. \`node certs/main.ts rotate --force\` renews at once.
3. With cert-manager (\`--issuer=external\`) look at its Certificate objects instead.`,
    firing: [[`${prefix}webhook_tls_certificate_not_after_seconds{pod="w"}`, '400000+0x180']],
    quiet: [[`${prefix}webhook_tls_certificate_not_after_seconds{pod="w"}`, '4000000+0x180']],
  },
  {
    name: 'VPSieAutoscalerVPSieUnreachable',
    expr: `max by (pod) (${prefix}vpsie_api_circuit_breaker_state{state="open"}) == 1`,
    for: '10m',
    severity: 'warning',
    summary: 'The VPSie API fails or cannot be reached',
    description: 'Machines can be neither added nor removed while the circuit breaker is open.',
    runbook: `1. \`${prefix}vpsie_api_errors_total\` by \`error_type\`: a status of VPSie, a time-out, or no connection?
2. From a pod of the controller: is its address reachable, does DNS answer?
3. Nothing is lost: orders are noted before they are sent, and are settled when VPSie answers again.`,
    labels: { pod: 'a' },
    firing: [[`${prefix}vpsie_api_circuit_breaker_state{pod="a",state="open"}`, '1+0x180']],
    quiet: [[`${prefix}vpsie_api_circuit_breaker_state{pod="a",state="open"}`, '0+0x180']],
  },
  {
    name: 'VPSieAutoscalerClockOff',
    expr: `max by (pod) (abs(${prefix}vpsie_api_clock_offset_seconds)) > 300`,
    for: '15m',
    severity: 'warning',
    summary: 'The clock of a controller and the one of VPSie differ by more than five minutes',
    description: "From an hour on, machines that are ordered are taken for somebody else's.",
    runbook: `1. \`${prefix}vpsie_api_clock_offset_seconds\` by pod: if it is the same for pods on several nodes, it is VPSie's clock.
2. Else let the node of that pod keep time by NTP: \`timedatectl\` on it says whether it does.
3. \`kubectl vpsie doctor\` compares the clocks again.`,
    labels: { pod: 'a' },
    firing: [[`${prefix}vpsie_api_clock_offset_seconds{pod="a"}`, '-400+0x180']],
    quiet: [[`${prefix}vpsie_api_clock_offset_seconds{pod="a"}`, '1+0x180']],
  },
  {
    name: 'VPSieAutoscalerCredentialsRefused',
    expr: `max(${prefix}credential_valid) == 0 and max(${prefix}leader) == 1`,
    for: '10m',
    severity: 'critical',
    summary: 'VPSie refuses the credentials',
    description: 'Machines can be neither added nor removed.',
    runbook: `Put working ones into the Secret \`vpsie-secret\`; they are taken up without a restart. The log names the answer
of VPSie, never the secret.`,
    firing: [[`${prefix}credential_valid`, '0+0x180'], leads],
    quiet: [[`${prefix}credential_valid`, '1+0x180'], leads],
  },
  {
    name: 'VPSieAutoscalerPodsWait',
    expr: `sum by (reason) (${prefix}pods_waiting{reason=~"NoGroupFits|GroupAtMax|ClusterAtMax|CostLimit|BackedOff"}) > 0`,
    for: '15m',
    severity: 'warning',
    summary: 'Pods wait for a node that cannot be bought',
    description: 'The label reason says why; each pod has the whole answer.',
    runbook: `1. \`kubectl get events -A --field-selector reason=NotTriggerScaleUp\` has a sentence for each pod.
2. [Why?](reasons.md) explains each code, and how to try a change before making it.`,
    labels: { reason: 'GroupAtMax' },
    firing: [[`${prefix}pods_waiting{reason="GroupAtMax"}`, '3+0x180']],
    quiet: [
      [`${prefix}pods_waiting{reason="GroupAtMax"}`, '0+0x180'],
      [`${prefix}pods_waiting{reason="TooYoung"}`, '3+0x180'],
    ],
  },
  {
    name: 'VPSieAutoscalerRemovalsCalledOff',
    expr: `sum(increase(${prefix}scale_down_errors_total[1h])) > 5`,
    for: '5m',
    severity: 'info',
    summary: 'Removals of nodes keep being called off',
    description: 'Nodes that are not needed go on costing money.',
    runbook: `\`${prefix}scale_down_errors_total\` by \`error_type\`, and the events \`ScaleDownFailed\` of the nodes, name the pod or the
PodDisruptionBudget that stops the drain. Nothing is forced: free it, or protect the node for good with the annotation
\`autoscaler.vpsie.com/protected=true\`.`,
    firing: [[`${prefix}scale_down_errors_total{error_type="DrainFailed"}`, '0+1x180']],
    quiet: [[`${prefix}scale_down_errors_total{error_type="DrainFailed"}`, '3+0x180']],
  },
  {
    name: 'VPSieAutoscalerUnclaimedMachines',
    expr: `max(${prefix}machines_unclaimed) > 0`,
    for: '1h',
    severity: 'info',
    summary: 'Workers at VPSie that no VPSieNode owns',
    description: 'They cost money and are never touched by the autoscaler. Somebody should know them.',
    runbook: `The log lists them once an hour. A worker made by hand is fine. One that nobody knows can be deleted in VPSie's panel.`,
    firing: [[`${prefix}machines_unclaimed`, '2+0x180']],
    quiet: [[`${prefix}machines_unclaimed`, '0+0x180']],
  },
  {
    name: 'VPSieAutoscalerMachinesMissing',
    expr: `max(${prefix}vpsienodes_without_machine) > 0`,
    for: '30m',
    severity: 'warning',
    summary: 'VPSieNodes whose machine VPSie lists no more',
    description:
      'Somebody has deleted it at VPSie, or its list is wrong. It is replaced once its Node counts as dead.',
    runbook: `\`status.orphans\` of the NodeGroup names them. Look in VPSie's panel whether the machine is there. A VPSieNode whose
machine is surely gone can be deleted: \`kubectl -n kube-system delete vpsienode NAME\`.`,
    firing: [[`${prefix}vpsienodes_without_machine`, '1+0x180']],
    quiet: [[`${prefix}vpsienodes_without_machine`, '0+0x180']],
  },
  {
    name: 'VPSieAutoscalerMachineListsShort',
    expr: `max(${prefix}machine_lists_short) > 0`,
    for: '15m',
    severity: 'warning',
    summary: "VPSie's lists lack more machines than can be believed",
    description: 'Nothing is ordered or concluded from them meanwhile.',
    runbook: `\`status.orphans\` of the NodeGroups says which machines are missing while their Nodes live. It passes with VPSie's next
whole list; if it does not, ask VPSie's support with the cluster's identifier.`,
    firing: [[`${prefix}machine_lists_short`, '1+0x180']],
    quiet: [[`${prefix}machine_lists_short`, '0+0x180']],
  },
  {
    name: 'VPSieAutoscalerAgentsSilent',
    expr: `max(${prefix}agents{freshness="unknown"}) > 0`,
    for: '30m',
    severity: 'info',
    summary: 'Nodes without a report from their agent',
    description: 'They are kept, whether they are needed or not.',
    runbook: `1. \`kubectl -n kube-system get pods -l app.kubernetes.io/component=agent -o wide\`: does one run on each node?
2. Its log says what the controller answers; \`${prefix}agent_reports_total\` counts the answers by reason.`,
    firing: [[`${prefix}agents{freshness="unknown"}`, '1+0x180']],
    quiet: [[`${prefix}agents{freshness="unknown"}`, '0+0x180']],
  },
]
