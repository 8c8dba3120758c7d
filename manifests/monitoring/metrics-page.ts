import { agentMetrics } from '../../agent/metrics.ts'
import { type MetricTable, metricPrefix } from '../../common/metrics.ts'
import { controllerMetrics } from '../../controller/metrics.ts'
import { webhookMetrics } from '../../webhook/metrics.ts'
import { formerSeries } from './predecessor.ts'

const programs: readonly [string, MetricTable][] = [
  ['Controller', controllerMetrics],
  ['Webhook', webhookMetrics],
  ['Agent', agentMetrics],
]

/** The text of docs/metrics.md: every series of every program. */
export function metricsPage(): string {
  const chapters = programs.map(([title, table]) => {
    const rows = Object.entries(table).map(
      ([name, { type, help, labels = [] }]) =>
        `| \`${metricPrefix}${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(' ')} | ${help} |`,
    )
    return `## ${title}\n\n| name | type | labels | meaning |\n|---|---|---|---|\n${rows.join('\n')}\n`
  })
  return `# Metrics

Every program tells its series at \`/metrics\` of its plain port. Names that the Go autoscaler had mean the same here. No
label holds the name of a pod; \`node\` is the only one that grows with the cluster, and it goes with its node. Besides
these there are the usual \`process_\` and \`nodejs_\` series. Generated from the tables in the code. Alerts on them:
[alerts](alerts.md); a dashboard for Grafana: \`manifests/monitoring/dashboard.json\`.

${chapters.join('\n')}
## Series of the Go autoscaler

Those that are not in the tables above, and what tells the same. The others mean the same under the same name.

| name | instead |
|---|---|
${Object.entries(formerSeries)
  .map(([name, instead]) => `| \`${metricPrefix}${name}\` | ${instead} |`)
  .join('\n')}
`
}
