import type { Options, OptionTable } from '../../common/options.ts'

const connectionOptions = {
  'vpsie-url': {
    type: 'string',
    default: 'https://api.vpsie.com',
    description: "Where the VPSie API is; a 'url' in the credentials Secret goes before it.",
  },
  'vpsie-dialect': {
    type: 'string',
    default: 'auto',
    choices: ['auto', 'v2', 'apps-v2'],
    description: 'Path prefix and reply shapes of the VPSie API; auto asks the API itself.',
  },
  'vpsie-ca-file': {
    type: 'string',
    default: '',
    description: 'PEM file with the authorities of a private VPSie cloud; empty means the usual ones.',
  },
  'vpsie-connect-timeout': {
    type: 'duration',
    default: '5s',
    description: 'How long a connection to the VPSie API may take to open.',
    min: 10,
  },
  'vpsie-timeout': {
    type: 'duration',
    default: '30s',
    description: 'How long one request to the VPSie API may take in all.',
    min: 10,
  },
  'vpsie-max-reply-bytes': {
    type: 'integer',
    default: '10485760',
    description: 'A longer reply of the VPSie API is refused.',
    min: 1024,
  },
} as const satisfies OptionTable

const careOptions = {
  'vpsie-requests-per-minute': {
    type: 'integer',
    default: '100',
    description: 'Requests to the VPSie API a minute, also the most at once.',
    min: 4,
  },
  'vpsie-create-share': {
    type: 'integer',
    default: '25',
    description: 'Percent of those requests that only orders, deletions and log-ins may use.',
    min: 1,
    max: 90,
  },
  'vpsie-attempts': {
    type: 'integer',
    default: '4',
    description: 'Tries of a VPSie request that is harmless to repeat; an order is only ever sent once.',
    min: 1,
    max: 20,
  },
  'vpsie-retry-wait': {
    type: 'duration',
    default: '500ms',
    description: 'Upper bound of the wait before the second try; it doubles with each.',
    min: 1,
  },
  'vpsie-breaker-failures': {
    type: 'integer',
    default: '5',
    description: 'Failures in a row after which the VPSie API is left alone.',
    min: 1,
  },
  'vpsie-breaker-successes': {
    type: 'integer',
    default: '2',
    description: 'Probes in a row that must succeed before the VPSie API is used in full again.',
    min: 1,
  },
  'vpsie-breaker-open': {
    type: 'duration',
    default: '30s',
    description: 'How long the VPSie API is left alone before it is probed.',
    min: 1,
  },
  'vpsie-token-refresh-before': {
    type: 'duration',
    default: '5m',
    description: 'An access token is renewed this long before it expires.',
    min: 0,
  },
} as const satisfies OptionTable

/** Everything about talking to VPSie; the numbers are the predecessor's where it had them. */
export const vpsieOptions = { ...connectionOptions, ...careOptions } as const satisfies OptionTable

export type VPSieOptions = Options<typeof vpsieOptions>
