import { defaultNamespace } from '../common/api/names.ts'
import type { Options, OptionTable } from '../common/options.ts'
import { decideOptions } from './decide/options.ts'
import { ingestOptions } from './ingest/options.ts'
import { pageOptions } from './page/options.ts'
import { vpsieOptions } from './vpsie/options.ts'

const processOptions = {
  kubeconfig: {
    type: 'string',
    default: '',
    description: 'Kubeconfig file; empty means the service account of the pod.',
  },
  'pod-name': {
    type: 'string',
    default: '',
    description: 'Name of the pod this runs in, by which the leader is found; empty means the host name.',
  },
  namespaces: {
    type: 'list',
    default: defaultNamespace,
    description: 'Namespaces whose NodeGroups and VPSieNodes are looked after.',
  },
  'metrics-addr': { type: 'string', default: ':8080', description: 'Address of /metrics.' },
  'health-addr': { type: 'string', default: ':8081', description: 'Address of /healthz and /readyz.' },
  'leader-election': {
    type: 'boolean',
    default: 'true',
    description: 'Act only while holding the lease; turn off only with a single replica.',
  },
  'leader-election-id': {
    type: 'string',
    default: 'vpsie-autoscaler-leader',
    description: "Name of the lease; the Go autoscaler's, so that the two never act together.",
  },
  'leader-election-namespace': {
    type: 'string',
    default: defaultNamespace,
    description: 'Namespace of the lease.',
  },
  'lease-duration': {
    type: 'duration',
    default: '15s',
    description: 'How long others respect an unrenewed lease.',
    min: 1000,
  },
  'renew-deadline': {
    type: 'duration',
    default: '10s',
    description: 'The leader stops acting if it could not renew for so long.',
    min: 500,
  },
  'retry-period': {
    type: 'duration',
    default: '2s',
    description: 'How often the lease is tried or renewed.',
    min: 100,
  },
  'vpsie-secret-name': {
    type: 'string',
    default: 'vpsie-secret',
    description: 'Secret with the credentials of the VPSie API.',
  },
  'vpsie-secret-namespace': {
    type: 'string',
    default: defaultNamespace,
    description: 'Namespace of that Secret.',
  },
} as const satisfies OptionTable

const loopOptions = {
  'scan-interval': {
    type: 'duration',
    default: '10s',
    description: 'A decision is made at least this often.',
    min: 100,
  },
  'batch-idle-duration': {
    type: 'duration',
    default: '1s',
    description: 'A decision waits until nothing has changed for so long.',
  },
  'batch-max-duration': {
    type: 'duration',
    default: '10s',
    description: 'A decision waits no longer than this after the first change.',
  },
  'node-sync-interval': {
    type: 'duration',
    default: '10s',
    description: 'Machines on their way in or out are looked at this often.',
    min: 100,
  },
  'orphan-check-interval': {
    type: 'duration',
    default: '10m',
    description: 'All machines are listed this often even when none is on its way.',
    min: 1000,
  },
  'offers-refresh-interval': {
    type: 'duration',
    default: '1h',
    description: 'How old the price list may get.',
    min: 1000,
  },
} as const satisfies OptionTable

const machineOptions = {
  'add-settle-time': {
    type: 'duration',
    default: '15m',
    description: 'An order whose outcome is unknown is repeated no sooner than this.',
    min: 1000,
  },
  'launch-timeout': {
    type: 'duration',
    default: '10m',
    description: 'How long a machine may take to appear after its order.',
    min: 1000,
  },
  'register-timeout': {
    type: 'duration',
    default: '10m',
    description: 'How long a machine may take to register its Node.',
    min: 1000,
  },
  'join-timeout': {
    type: 'duration',
    default: '15m',
    description: 'How long a machine may take to become a ready Node.',
    min: 1000,
  },
  'failed-vpsienode-ttl': {
    type: 'duration',
    default: '30m',
    description: 'A failed VPSieNode is deleted, with its machine, after so long; 0 keeps it.',
    min: 0,
  },
  'max-pod-grace-period': {
    type: 'duration',
    default: '10m',
    description: 'Longest grace a pod gets where its NodeGroup says nothing.',
    min: 0,
  },
} as const satisfies OptionTable

/** Every option of the controller, those of its parts included. */
export const controllerOptions = {
  ...processOptions,
  ...loopOptions,
  ...machineOptions,
  ...decideOptions,
  ...ingestOptions,
  ...pageOptions,
  ...vpsieOptions,
} as const satisfies OptionTable

export type ControllerOptions = Options<typeof controllerOptions>

/** What several options must hold together; sentences for those that do not. */
export function controllerRelations(options: ControllerOptions): string[] {
  const mistakes: string[] = []
  if (options['renew-deadline'] >= options['lease-duration']) {
    mistakes.push(
      '--renew-deadline must be shorter than --lease-duration: a leader has to stop before another begins',
    )
  }
  if (options['retry-period'] >= options['renew-deadline']) {
    mistakes.push(
      '--retry-period must be shorter than --renew-deadline: one failed try must not end the lead',
    )
  }
  if (options['register-timeout'] > options['join-timeout']) {
    mistakes.push(
      '--register-timeout must not be longer than --join-timeout: a Node registers before it is ready',
    )
  }
  if (options.namespaces.length === 0) mistakes.push('--namespaces must name at least one namespace')
  return mistakes
}
