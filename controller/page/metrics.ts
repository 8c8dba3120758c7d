import type { Metrics, MetricTable } from '../../common/metrics.ts'

/** How a request to the page ended. */
export const pageResults = [
  'ok',
  'invalid',
  'unauthenticated',
  'forbidden',
  'throttled',
  'unavailable',
  'failed',
] as const
export type PageResult = (typeof pageResults)[number]

export const pageMetrics = {
  page_requests_total: {
    type: 'counter',
    help: 'Requests to the status page and to /v1, by result.',
    labels: ['result'],
    zero: pageResults.map((result) => ({ result })),
  },
  page_streams: { type: 'gauge', help: 'Status pages that are open and follow what happens.' },
} as const satisfies MetricTable

export type PageMetrics = Metrics<typeof pageMetrics>
