import type { Metrics, MetricTable } from '../common/metrics.ts'

export const pushResults = ['accepted', 'dropped', 'refused', 'failed'] as const

/** What the agent counts of itself. */
export const agentMetrics = {
  agent_samples_total: {
    type: 'counter',
    help: 'Samples of /proc, by result: taken, failed (a file could not be read), skipped (the machine had slept).',
    labels: ['result'],
    zero: [{ result: 'taken' }, { result: 'failed' }, { result: 'skipped' }],
  },
  agent_pushes_total: {
    type: 'counter',
    help: 'Reports sent to a controller, by result: accepted, dropped (it will never be accepted), refused (the token), failed.',
    labels: ['result'],
    zero: pushResults.map((result) => ({ result })),
  },
  agent_backlog: { type: 'gauge', help: 'Reports that wait for a controller, over all of them.' },
} as const satisfies MetricTable

export type AgentMetrics = Metrics<typeof agentMetrics>
