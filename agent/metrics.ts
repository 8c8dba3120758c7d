import type { Clock } from '../common/clock.ts'
import type { Metrics, MetricTable } from '../common/metrics.ts'
import type { Pusher } from './push/pusher.ts'
import type { Sampler } from './sampler.ts'

export const sampleResults = ['taken', 'failed', 'skipped'] as const

export const pushResults = ['accepted', 'rejected', 'refused', 'failed', 'superseded', 'overflowed'] as const
export type PushResult = (typeof pushResults)[number]

/** What the agent counts of itself. */
export const agentMetrics = {
  agent_samples_total: {
    type: 'counter',
    help: 'Samples of /proc, by result: taken, failed (a file could not be read), skipped (the machine had slept, a counter went back, CPUs came or went).',
    labels: ['result'],
    zero: sampleResults.map((result) => ({ result })),
  },
  agent_last_sample_age_seconds: {
    type: 'gauge',
    help: 'Time since the last sample, or since the start before the first.',
  },
  agent_pushes_total: {
    type: 'counter',
    help: 'Reports for a controller, by result: accepted, rejected (it will never be taken), refused (the token), failed, superseded (a later one was taken first), overflowed (too many waited).',
    labels: ['result'],
    zero: pushResults.map((result) => ({ result })),
  },
  agent_push_duration_seconds: {
    type: 'histogram',
    help: 'Time from the start of a push to its answer, or to its failure.',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15],
  },
  agent_backlog: { type: 'gauge', help: 'Reports that wait for a controller, over all of them.' },
  agent_controllers: { type: 'gauge', help: 'Addresses of controllers that are reported to.' },
} as const satisfies MetricTable

export type AgentMetrics = Metrics<typeof agentMetrics>

interface Watched {
  clock: Clock
  sampler: Pick<Sampler, 'last'>
  pusher: Pick<Pusher, 'targets' | 'waiting'>
}

/** Lets the gauges be taken at the moment they are read. */
export function watchGauges(metrics: AgentMetrics, { clock, sampler, pusher }: Watched): void {
  const started = clock.monotonic()
  const gauges = {
    agent_last_sample_age_seconds: () => (clock.monotonic() - (sampler.last?.at ?? started)) / 1000,
    agent_backlog: () => pusher.waiting,
    agent_controllers: () => pusher.targets,
  }
  for (const [name, value] of Object.entries(gauges)) {
    const gauge = metrics[name as keyof typeof gauges]
    Object.assign(gauge, { collect: () => gauge.set(value()) })
  }
}
