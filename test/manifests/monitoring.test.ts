import { readFileSync } from 'node:fs'
import t from 'tap'
import { parse } from 'yaml'
import { agentMetrics } from '../../agent/metrics.ts'
import { type MetricTable, metricPrefix } from '../../common/metrics.ts'
import { controllerMetrics } from '../../controller/metrics.ts'
import { alerts } from '../../manifests/monitoring/alerts.ts'
import { webhookMetrics } from '../../webhook/metrics.ts'
import { elsewhere } from '../demo/steps/metrics-told.ts'

const tables: MetricTable = { ...controllerMetrics, ...webhookMetrics, ...agentMetrics }
const monitoring = new URL('../../manifests/monitoring/', import.meta.url)

/** Names of series that the text asks for, with the suffixes of histograms taken off. */
function seriesIn(text: string): string[] {
  const alternatives = text.replaceAll(/\(webhook\|ingest\)/g, 'webhook')
  return [...alternatives.matchAll(new RegExp(`${metricPrefix}([a-z_]+)`, 'g'))].map(([, name = '']) =>
    name.replace(/_bucket$/, ''),
  )
}

for (const file of ['rules.yaml', 'dashboard.json']) {
  t.test(`${file} asks for no series that no program has`, async (t) => {
    const names = seriesIn(readFileSync(new URL(file, monitoring), 'utf8'))
    t.ok(names.length > 5)
    for (const name of names) t.ok(Object.hasOwn(tables, name), name)
  })
}

t.test('no alert asks for a label that its series does not have', async (t) => {
  // Of the scrape, not of the series.
  const fromScrape = ['pod', '__name__']
  for (const { name, expr } of alerts) {
    for (const [, series = '', selector = ''] of expr.matchAll(/vpsie_autoscaler_([a-z_]+)\{([^}]*)\}/g)) {
      for (const [, label = ''] of selector.matchAll(/([a-z_]+)=~?"/g)) {
        const known = [...(tables[series]?.labels ?? []), ...fromScrape]
        t.ok(known.includes(label), `${name}: ${series} has no label ${label}`)
      }
    }
  }
})

t.test('only labels of fixed tables or of objects that are forgotten with their series exist', async (t) => {
  const allowed = new Set(
    `nodegroup namespace node verdict reason when freshness result controller error_type phase from_phase to_phase
    constraint decision check_type method status state code resource resource_type operation path dry_run event_type object_kind cause rule
    from_state to_state source`
      .split(/\s+/)
      .filter((label) => label !== ''),
  )
  for (const [name, { labels = [] }] of Object.entries(tables))
    for (const label of labels) t.ok(allowed.has(label), `${name} has label ${label}`)
})

t.test('every series that the story does not set is set by the test that is named for it', async (t) => {
  for (const [name, file] of Object.entries(elsewhere)) {
    t.ok(Object.hasOwn(tables, name), `${name} is declared`)
    t.ok(
      readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8').includes(name),
      `${file} has ${name}`,
    )
  }
})

t.test('every alert is tried with series that set it off, and with others that do not', async (t) => {
  const tests = parse(readFileSync(new URL('rules.test.yaml', monitoring), 'utf8')).tests as {
    alert_rule_test: { alertname: string; exp_alerts?: unknown[] }[]
  }[]
  const tried = tests.flatMap(({ alert_rule_test }) => alert_rule_test)
  for (const { name } of alerts) {
    const own = tried.filter(({ alertname }) => alertname === name)
    t.ok(
      own.some(({ exp_alerts = [] }) => exp_alerts.length > 0),
      `${name} fires`,
    )
    t.ok(
      own.some(({ exp_alerts = [] }) => exp_alerts.length === 0),
      `${name} stays quiet`,
    )
  }
})

t.test(
  'every alert has a series that sets it off, but for one about a program that is not there',
  async (t) => {
    for (const { name, expr, firing } of alerts) t.ok(firing.length > 0 || expr.startsWith('absent('), name)
  },
)
