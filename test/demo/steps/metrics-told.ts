import { agentMetrics } from '../../../agent/metrics.ts'
import { resources } from '../../../common/kube/resources.ts'
import type { MetricTable } from '../../../common/metrics.ts'
import { controllerMetrics } from '../../../controller/metrics.ts'
import { webhookMetrics } from '../../../webhook/metrics.ts'
import { expect, until } from '../../fixtures/wait.ts'
import type { Step } from '../story.ts'
import type { World } from '../world.ts'

const tables: readonly MetricTable[] = [controllerMetrics, webhookMetrics, agentMetrics]

/** Series that need a fault which the story does not have, or are over within a moment, with the test that sets them. */
export const elsewhere: Readonly<Record<string, string>> = {
  scale_down_errors_total: 'test/review/findings.test.ts',
  safety_check_failures_total: 'test/review/findings.test.ts',
  vpsienode_ttl_deletions_total: 'test/controller/nodes/join.test.ts',
  machines_unclaimed: 'test/controller/nodes/orphans.test.ts',
  vpsienodes_without_machine: 'test/controller/nodes/orphans.test.ts',
  nodes_without_vpsienode: 'test/controller/nodes/orphans.test.ts',
  machine_lists_short: 'test/controller/nodes/orphans.test.ts',
  events_dropped_total: 'test/common/kube/events.test.ts',
  agent_reports_skewed_total: 'test/controller/ingest/server.test.ts',
  vpsie_api_malformed_replies_total: 'test/controller/vpsie/client.test.ts',
  vpsie_api_rate_limited_total: 'test/controller/vpsie/limiter.test.ts',
  vpsie_api_rate_limit_wait_duration_seconds: 'test/controller/vpsie/limiter.test.ts',
  credential_rotation_failures_total: 'test/controller/vpsie/login.test.ts',
  webhook_requests_in_flight: 'test/webhook/limits.test.ts',
  webhook_panics_total: 'test/webhook/server.test.ts',
}

export const metricsTold: Step<World> = {
  name: 'Every series has been told',
  asked: 'what /metrics of all programs has shown through the story, beside what is declared',
  async run({ metrics, view }, tell, signal) {
    const declared = tables.flatMap(Object.keys).filter((name) => !(name in elsewhere))
    const unset = () => declared.filter((name) => !metrics.set.has(name))
    await until(
      'every declared series was set',
      () => unset().length === 0,
      { seen: () => unset().join(' ') },
      signal,
    )
    const pods = new Set(view.list(resources.pods).map(({ metadata }) => metadata.name))
    const named = [...metrics.values].filter(([, values]) => [...values].some((value) => pods.has(value)))
    expect(named.length === 0, `no label holds a pod's name: ${named.map(([label]) => label)}`)
    const largest = [...metrics.values]
      .filter(([label]) => !label.endsWith('{le}'))
      .sort(([, a], [, b]) => b.size - a.size)
    for (const [label, values] of largest.slice(0, 3)) tell(`${label} has ${values.size} values`)
    return `${declared.length} series of three programs were set by what happened`
  },
}
