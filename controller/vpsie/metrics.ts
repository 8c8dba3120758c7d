import { exponentialBuckets, type Metrics, type MetricTable } from '../../common/metrics.ts'

/** What is asked of the VPSie API: the values of label `method`. */
export const operations = [
  'authenticate',
  'listClusters',
  'listMachines',
  'listPools',
  'listOffers',
  'createPool',
  'addWorker',
  'deleteWorker',
  'listVMs',
  'createVM',
  'deleteVM',
] as const

export type Operation = (typeof operations)[number]

export const breakerStates = ['closed', 'open', 'half-open'] as const

const byMethod = operations.map((method) => ({ method }))
const requestBuckets = exponentialBuckets(0.01, 2, 13)

const requestMetrics = {
  vpsie_api_requests_total: {
    type: 'counter',
    help: 'Requests sent to the VPSie API, by operation and HTTP status ("none" if no reply came).',
    labels: ['method', 'status'],
  },
  vpsie_api_request_duration_seconds: {
    type: 'histogram',
    help: 'Time from sending a request to the end of its reply, by operation.',
    labels: ['method'],
    buckets: requestBuckets,
    zero: byMethod,
  },
  vpsie_api_errors_total: {
    type: 'counter',
    help: 'Requests that failed, by operation and error code.',
    labels: ['method', 'error_type'],
  },
  vpsie_api_retries_total: {
    type: 'counter',
    help: 'Requests that were sent again after a failure, by operation.',
    labels: ['method'],
    zero: byMethod,
  },
  vpsie_api_malformed_replies_total: {
    type: 'counter',
    help: 'Replies that were not what the dialect promises, by operation.',
    labels: ['method'],
    zero: byMethod,
  },
  vpsie_api_rate_limited_total: {
    type: 'counter',
    help: 'Requests that had to wait for our own rate limit, by operation.',
    labels: ['method'],
    zero: byMethod,
  },
  vpsie_api_rate_limit_wait_duration_seconds: {
    type: 'histogram',
    help: 'How long they waited, by operation.',
    labels: ['method'],
    buckets: exponentialBuckets(0.001, 2, 16),
  },
  vpsie_api_clock_offset_seconds: {
    type: 'gauge',
    help: 'How far the clock of VPSie is ahead of ours, by the Date of its last reply, seconds.',
  },
} as const satisfies MetricTable

const breakerMetrics = {
  vpsie_api_circuit_breaker_state: {
    type: 'gauge',
    help: '1 for the state the circuit breaker is in, by state.',
    labels: ['state'],
    zero: breakerStates.map((state) => ({ state })),
  },
  vpsie_api_circuit_breaker_opened_total: { type: 'counter', help: 'Times the circuit breaker opened.' },
  vpsie_api_circuit_breaker_state_changes_total: {
    type: 'counter',
    help: 'Changes of the circuit breaker, by old and new state.',
    labels: ['from_state', 'to_state'],
  },
  vpsie_api_circuit_breaker_half_open_attempts_total: { type: 'counter', help: 'Probes sent.' },
  vpsie_api_circuit_breaker_half_open_successes_total: { type: 'counter', help: 'Probes that succeeded.' },
  vpsie_api_circuit_breaker_half_open_failures_total: { type: 'counter', help: 'Probes that failed.' },
  vpsie_api_circuit_breaker_rejected_total: {
    type: 'counter',
    help: 'Requests not sent because the circuit breaker was not closed.',
  },
} as const satisfies MetricTable

const credentialMetrics = {
  credential_rotation_attempts_total: { type: 'counter', help: 'Times changed credentials were taken up.' },
  credential_rotation_successes_total: { type: 'counter', help: 'Times VPSie then accepted them.' },
  credential_rotation_failures_total: { type: 'counter', help: 'Times VPSie then refused them.' },
  credential_rotation_duration_seconds: {
    type: 'histogram',
    help: 'From taking up changed credentials to their first acceptance.',
    buckets: exponentialBuckets(0.1, 2, 10),
  },
  credential_expires_at_timestamp: {
    type: 'gauge',
    help: 'When the access token expires, seconds since the epoch; 0 for a static one.',
  },
  credential_valid: { type: 'gauge', help: '1 if VPSie accepted the credentials when last asked.' },
} as const satisfies MetricTable

/** The series of the VPSie client, with the predecessor's names. */
export const vpsieMetrics = {
  ...requestMetrics,
  ...breakerMetrics,
  ...credentialMetrics,
} as const satisfies MetricTable

export type VPSieMetrics = Metrics<typeof vpsieMetrics>
