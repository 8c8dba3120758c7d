import { exponentialBuckets, type Metrics, type MetricTable } from '../common/metrics.ts'

/** What the webhook counts. Labels come from fixed tables: paths, operations, codes. */
export const webhookMetrics = {
  webhook_requests_total: {
    type: 'counter',
    help: 'Admission reviews, by path, operation, verdict (allowed, denied, failed) and dry run.',
    labels: ['path', 'operation', 'verdict', 'dry_run'],
  },
  webhook_validation_duration_seconds: {
    type: 'histogram',
    help: 'Time of a review, by resource, operation and result.',
    labels: ['resource', 'operation', 'result'],
    buckets: exponentialBuckets(0.0001, 2, 12),
  },
  webhook_namespace_validation_rejections_total: {
    type: 'counter',
    help: 'Objects refused because of their namespace, by kind and namespace class (own, other).',
    labels: ['resource_type', 'namespace'],
  },
  webhook_denials_total: {
    type: 'counter',
    help: 'Mistakes found in refused objects, by resource and code of the cause.',
    labels: ['resource', 'code'],
  },
  webhook_requests_in_flight: { type: 'gauge', help: 'Admission reviews at work now.' },
  webhook_panics_total: {
    type: 'counter',
    help: 'Reviews that met a bug of ours and were answered with 500, by the rule that has it (none: elsewhere).',
    labels: ['rule'],
    zero: [{ rule: 'none' }],
  },
  webhook_tls_certificate_not_after_seconds: {
    type: 'gauge',
    help: 'When the served certificate expires, in seconds since the epoch.',
  },
  webhook_tls_reloads_total: {
    type: 'counter',
    help: 'New content of the certificate files, by result.',
    labels: ['result'],
    zero: [{ result: 'loaded' }, { result: 'refused' }],
  },
} as const satisfies MetricTable

export type WebhookMetrics = Metrics<typeof webhookMetrics>
