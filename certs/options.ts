import { defaultNamespace } from '../common/api/names.ts'
import type { Options, OptionTable } from '../common/options.ts'
import type { LeafName } from './names.ts'
import type { RotationTimes } from './state.ts'

const clusterOptions = {
  kubeconfig: {
    type: 'string',
    default: '',
    description: 'Kubeconfig file; empty means the service account of the pod.',
  },
  namespace: {
    type: 'string',
    default: defaultNamespace,
    description: 'Namespace of the Secrets and Services.',
  },
  'cluster-domain': { type: 'string', default: 'cluster.local', description: 'DNS domain of the cluster.' },
  'webhook-service': {
    type: 'string',
    default: 'vpsie-autoscaler-webhook',
    description: 'Service through which the API server calls the webhook.',
  },
  'ingest-service': {
    type: 'string',
    default: 'vpsie-autoscaler-controller',
    description: 'Service through which agents reach the controller.',
  },
  'webhook-hosts': {
    type: 'list',
    default: '',
    description: 'Further names and addresses the webhook is called by, separated by commas.',
  },
  'ingest-hosts': {
    type: 'list',
    default: '',
    description: 'Further names and addresses the controller is called by, separated by commas.',
  },
} as const satisfies OptionTable

const rotationOptions = {
  issuer: {
    type: 'string',
    default: 'self',
    choices: ['self', 'external'],
    description:
      'Who makes the certificates: this job, or somebody else such as cert-manager, whose ca.crt is then only published.',
  },
  force: {
    type: 'boolean',
    default: 'false',
    description: 'rotate begins a rotation of the authority now, though none is due.',
  },
  'ca-days': {
    type: 'integer',
    default: '365',
    description: 'Life of an authority in days.',
    min: 2,
    max: 3650,
  },
  'leaf-days': {
    type: 'integer',
    default: '30',
    description: 'Life of a serving certificate in days.',
    min: 1,
    max: 825,
  },
  soak: {
    type: 'duration',
    default: '10m',
    description: 'How long API servers are given to take up a new authority before it signs.',
  },
  'agent-soak': { type: 'duration', default: '30m', description: 'The same for agents.' },
  'confirm-interval': {
    type: 'duration',
    default: '2m',
    description: 'Between two of the three looks at what every replica serves.',
  },
  'retire-after': {
    type: 'duration',
    default: '24h',
    description: 'How long the old authority stays trusted after that.',
  },
  'active-deadline': {
    type: 'duration',
    default: '13m',
    description: 'A wait that would end later is left to the next run.',
  },
} as const satisfies OptionTable

const replicaOptions = {
  'webhook-port': {
    type: 'integer',
    default: '9443',
    description: "The webhook pods' port.",
    min: 1,
    max: 65_535,
  },
  'ingest-port': {
    type: 'integer',
    default: '8443',
    description: "The controller pods' port.",
    min: 1,
    max: 65_535,
  },
  'webhook-replicas': {
    type: 'list',
    default: '',
    description: 'Addresses (host:port) of the webhook replicas; empty means the pods there are.',
  },
  'ingest-replicas': { type: 'list', default: '', description: 'The same for the controller.' },
} as const satisfies OptionTable

/** Options of the certificate job. */
export const certsOptions = {
  ...clusterOptions,
  ...rotationOptions,
  ...replicaOptions,
  output: {
    type: 'string',
    default: 'table',
    choices: ['table', 'json'],
    description: 'How status prints.',
    short: 'o',
  },
} as const satisfies OptionTable

export type CertsOptions = Options<typeof certsOptions>

/** Mistakes that only several options make together. */
export function certsRelations(options: CertsOptions): string[] {
  return options['leaf-days'] < options['ca-days']
    ? []
    : ['--leaf-days must be less than --ca-days, as no certificate outlives its authority']
}

/** Names and addresses each listener is called by. */
export function hostsOf(options: CertsOptions): Record<LeafName, string[]> {
  const service = (name: string) => {
    const [local, domain] = [`${name}.${options.namespace}`, options['cluster-domain']]
    return [`${local}.svc`, local, name, `${local}.svc.${domain}`]
  }
  return {
    webhook: [...new Set([...service(options['webhook-service']), ...options['webhook-hosts']])],
    ingest: [...new Set([...service(options['ingest-service']), ...options['ingest-hosts']])],
  }
}

/** The waits of a rotation. */
export function timesOf(options: CertsOptions): RotationTimes {
  return {
    soakMs: { webhook: options.soak, ingest: options['agent-soak'] },
    confirmIntervalMs: options['confirm-interval'],
    retireAfterMs: options['retire-after'],
  }
}
