import { metricPrefix } from '../../common/metrics.ts'

interface Panel {
  title: string
  /** Of Grafana: 24 columns. */
  width: number
  unit?: string
  type?: 'timeseries' | 'stat'
  queries: readonly (readonly [expr: string, legend: string])[]
}

const p = metricPrefix
const byGroup = '{{namespace}}/{{nodegroup}}'

// What an operator asks first stands first: is it alive, what does it cost, who waits, and why.
const panels: readonly Panel[] = [
  { title: 'Leaders', width: 4, type: 'stat', queries: [[`sum(${p}leader)`, '']] },
  {
    title: 'Nodes',
    width: 4,
    type: 'stat',
    queries: [[`sum(max by (nodegroup, namespace) (${p}nodegroup_current_nodes))`, '']],
  },
  {
    title: 'Cost a month',
    width: 4,
    type: 'stat',
    queries: [
      [`max(${p}cost_monthly{when="now"})`, 'now'],
      [`max(${p}cost_monthly{when="planned"})`, 'planned'],
    ],
  },
  {
    title: 'Pods that wait',
    width: 4,
    type: 'stat',
    queries: [[`sum(max by (namespace) (${p}pending_pods_current))`, '']],
  },
  {
    title: 'Agents',
    width: 4,
    type: 'stat',
    queries: [[`max by (freshness) (${p}agents)`, '{{freshness}}']],
  },
  {
    title: 'Certificates end in',
    width: 4,
    type: 'stat',
    unit: 's',
    queries: [[`min({__name__=~"${p}(webhook|ingest)_tls_certificate_not_after_seconds"} > 0) - time()`, '']],
  },
  {
    title: 'Nodes by group',
    width: 12,
    queries: [
      [`max by (nodegroup, namespace) (${p}nodegroup_current_nodes)`, `${byGroup} now`],
      [`max by (nodegroup, namespace) (${p}nodegroup_desired_nodes)`, `${byGroup} wanted`],
      [`max by (nodegroup, namespace) (${p}nodegroup_ready_nodes)`, `${byGroup} ready`],
    ],
  },
  {
    title: 'Pods that wait, by reason',
    width: 12,
    queries: [[`max by (reason) (${p}pods_waiting)`, '{{reason}}']],
  },
  {
    title: 'Nodes by verdict',
    width: 12,
    queries: [
      [`sum by (verdict) (max by (verdict, nodegroup, namespace) (${p}nodes_by_verdict))`, '{{verdict}}'],
    ],
  },
  {
    title: 'Why nodes are kept',
    width: 12,
    queries: [[`sum by (reason) (increase(${p}scale_down_blocked_total[1h]))`, '{{reason}}']],
  },
  {
    title: 'Actions an hour',
    width: 12,
    queries: [
      [`sum by (decision, reason) (increase(${p}scaling_decisions_total[1h]))`, '{{decision}} {{reason}}'],
    ],
  },
  {
    title: 'Removals called off an hour',
    width: 12,
    queries: [[`sum by (error_type) (increase(${p}scale_down_errors_total[1h]))`, '{{error_type}}']],
  },
  {
    title: 'Decision time, 99th percentile',
    width: 12,
    unit: 's',
    queries: [
      [
        `histogram_quantile(0.99, sum by (le, phase) (rate(${p}decision_phase_duration_seconds_bucket[10m])))`,
        '{{phase}}',
      ],
    ],
  },
  {
    title: 'From VPSieNode to ready Node, median',
    width: 12,
    unit: 's',
    queries: [
      [`histogram_quantile(0.5, sum by (le) (rate(${p}node_provisioning_duration_seconds_bucket[1h])))`, ''],
    ],
  },
  {
    title: 'VPSie requests a second',
    width: 12,
    unit: 'reqps',
    queries: [[`sum by (method, status) (rate(${p}vpsie_api_requests_total[5m]))`, '{{method}} {{status}}']],
  },
  {
    title: 'Admission reviews a second',
    width: 12,
    unit: 'reqps',
    queries: [[`sum by (path, verdict) (rate(${p}webhook_requests_total[5m]))`, '{{path}} {{verdict}}']],
  },
]

/** A dashboard for Grafana, in the JSON it imports. */
export function dashboardFile(): string {
  let x = 0
  let y = 0
  const placed = panels.map(({ title, width, unit = 'short', type = 'timeseries', queries }, index) => {
    const height = type === 'stat' ? 4 : 8
    const gridPos = { x, y, w: width, h: height }
    x += width
    if (x >= 24) {
      x = 0
      y += height
    }
    return {
      id: index + 1,
      title,
      type,
      gridPos,
      datasource: { type: 'prometheus', uid: '$datasource' },
      fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
      targets: queries.map(([expr, legendFormat], i) => ({
        refId: String.fromCharCode(65 + i),
        expr,
        legendFormat,
      })),
    }
  })
  const dashboard = {
    title: 'VPSie autoscaler',
    uid: 'vpsie-autoscaler',
    schemaVersion: 39,
    tags: ['kubernetes', 'autoscaler'],
    time: { from: 'now-6h', to: 'now' },
    refresh: '30s',
    templating: { list: [{ name: 'datasource', type: 'datasource', query: 'prometheus' }] },
    panels: placed,
  }
  return `${JSON.stringify(dashboard, null, 2)}\n`
}
