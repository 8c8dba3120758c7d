import type { Metrics, MetricTable } from '../../common/metrics.ts'

/** What a report was answered: the status and, of a refusal, why. */
export const reportResults = [
  'accepted',
  'malformed',
  'unauthenticated',
  'wrong-node',
  'wrong-machine',
  'out-of-order',
  'superseded',
  'too-large',
  'too-slow',
  'wrong-type',
  'throttled',
  'busy',
  'unverified',
  'handshake',
  'failed',
] as const
export type ReportResult = (typeof reportResults)[number]

export const freshness = ['fresh', 'unknown'] as const

export const ingestMetrics = {
  agent_reports_total: {
    type: 'counter',
    help: 'Reports of agents, by result; handshake is a connection that ended before it could carry one.',
    labels: ['result'],
    zero: reportResults.map((result) => ({ result })),
  },
  report_duration_seconds: {
    type: 'histogram',
    help: 'Time from the headers of a report to its answer, whatever that was.',
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  },
  agent_reports_skewed_total: {
    type: 'counter',
    help: 'Accepted reports whose clock is more than a minute away from ours; they count, for nothing is read from it.',
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
    help: "Questions to the API server about agents' tokens, by result: accepted, refused, error (it did not answer).",
    labels: ['result'],
    zero: [{ result: 'accepted' }, { result: 'refused' }, { result: 'error' }],
  },
} as const satisfies MetricTable

export type IngestMetrics = Metrics<typeof ingestMetrics>
