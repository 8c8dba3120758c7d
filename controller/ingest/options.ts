import { defaultNamespace } from '../../common/api/names.ts'
import { certificateOptions } from '../../common/http/certificate.ts'
import type { OptionTable } from '../../common/options.ts'

/** How the agents' reports are taken. */
export const ingestOptions = {
  'ingest-addr': {
    type: 'string',
    default: ':8443',
    description: 'Address that agents report to, over TLS.',
  },
  'ingest-cert-file': {
    type: 'string',
    default: '/tls/tls.crt',
    description: 'Serving certificate of that address, PEM; followed while it changes.',
  },
  'ingest-key-file': { type: 'string', default: '/tls/tls.key', description: 'Its private key, PEM.' },
  ...certificateOptions,
  'report-interval': {
    type: 'duration',
    default: '15s',
    description: 'How often agents are asked to report; a node silent for 2.5 intervals is unknown.',
    min: 100,
    max: 600_000,
  },
  'forget-after': {
    type: 'duration',
    default: '10m',
    description: 'What a node reported is forgotten this long after its Node is gone.',
    min: 0,
  },
  'agent-service-account': {
    type: 'string',
    default: 'vpsie-autoscaler-agent',
    description: 'Service account of the agents.',
  },
  'agent-namespace': { type: 'string', default: defaultNamespace, description: 'Namespace of the agents.' },
  'ingest-max-nodes': {
    type: 'integer',
    default: '20000',
    description: 'Nodes whose reports are kept at most.',
    min: 1,
  },
} as const satisfies OptionTable
