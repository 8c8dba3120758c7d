import { stringify } from 'yaml'
import { type Alert, alerts } from './alerts.ts'

/** The rule file for Prometheus. */
export function rulesFile(): string {
  const rules = alerts.map((alert) => ({
    alert: alert.name,
    expr: alert.expr,
    for: alert.for,
    labels: { severity: alert.severity },
    annotations: annotationsOf(alert),
  }))
  return `# Alerts for Prometheus: what an operator has to look at. Generated: change manifests/monitoring/alerts.ts.\n${stringify(
    { groups: [{ name: 'vpsie-autoscaler', rules }] },
    { lineWidth: 120 },
  )}`
}

/** The tests of the rules for promtool: each alert with series that set it off, and with series that do not. */
export function rulesTestFile(): string {
  const tests = alerts.flatMap((alert) => [
    testOf(alert, alert.firing, [
      { exp_labels: { severity: alert.severity, ...alert.labels }, exp_annotations: annotationsOf(alert) },
    ]),
    testOf(alert, alert.quiet, []),
  ])
  return stringify({ rule_files: ['rules.yaml'], evaluation_interval: '1m', tests }, { lineWidth: 120 })
}

function testOf({ name }: Alert, input: Alert['firing'], expected: object[]): object {
  return {
    interval: '1m',
    input_series: input.map(([series, values]) => ({ series, values })),
    alert_rule_test: [{ eval_time: '150m', alertname: name, exp_alerts: expected }],
  }
}

function annotationsOf({ summary, description, name }: Alert): Record<string, string> {
  return { summary, description, runbook: `docs/alerts.md#${name.toLowerCase()}` }
}

/** The text of docs/alerts.md. */
export function alertsPage(): string {
  const chapters = alerts.map(
    ({ name, expr, for: time, severity, summary, description, runbook }) =>
      `## ${name}\n\n${summary}, for ${time} (${severity}). ${description}\n\n\`\`\`\n${expr}\n\`\`\`\n\n${runbook}\n`,
  )
  return `# Alerts\n\nWhat \`manifests/monitoring/rules.yaml\` tells, and what to do about it. Generated from \`manifests/monitoring/alerts.ts\`.\n\n${chapters.join('\n')}`
}
