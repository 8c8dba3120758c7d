import type { Metrics, MetricTable } from '../../common/metrics.ts'

/** What a report was answered: the status and, of a refusal, why. */
export const reportResults = [
  'accepted',
  'malformed',
  'unauthenticated',
  'wrong-node',
  'out-of-order',
  'superseded',
  'too-large',
  'too-slow',
  'wrong-type',
  'throttled',
  'busy',
  'unverified',
  'failed',
] as const
export type ReportResult = (typeof reportResults)[number]

export const freshness = ['fresh', 'unknown'] as const

export const ingestMetrics = {
  agent_reports_total: {
    type: 'counter',
    help: 'Reports of agents, by result.',
    labels: ['result'],
    zero: reportResults.map((result) => ({ result })),
  },
  agents: {
    type: 'gauge',
    help: 'Nodes whose agent has reported and is not forgotten, by freshness: fresh, unknown (silent too long).',
    labels: ['freshness'],
    zero: freshness.map((each) => ({ freshness: each })),
  },
  ingest_tls_certificate_not_after_seconds: {
    type: 'gauge',
    help: 'When the certificate served to agents expires, in seconds since the epoch.',
  },
  ingest_tls_reloads_total: {
    type: 'counter',
    help: 'New content of the certificate files, by result.',
    labels: ['result'],
    zero: [{ result: 'loaded' }, { result: 'refused' }],
  },
  token_reviews_total: {
    type: 'counter',
    help: "Questions to the API server about agents' tokens, by result.",
    labels: ['result'],
    zero: [{ result: 'accepted' }, { result: 'refused' }, { result: 'error' }],
  },
} as const satisfies MetricTable

export type IngestMetrics = Metrics<typeof ingestMetrics>
