import { defaultNamespace } from '../common/api/names.ts'
import { certificateOptions } from '../common/http/certificate.ts'
import type { Options, OptionTable } from '../common/options.ts'

/** Options of the webhook. */
export const webhookOptions = {
  kubeconfig: {
    type: 'string',
    default: '',
    description: 'Kubeconfig file; empty means the service account of the pod.',
  },
  address: { type: 'string', default: ':9443', description: 'Where the API server calls, over TLS.' },
  'cert-file': {
    type: 'string',
    default: '/tls/tls.crt',
    description: 'Serving certificate, PEM; followed while it changes.',
  },
  'key-file': { type: 'string', default: '/tls/tls.key', description: 'Its private key, PEM.' },
  ...certificateOptions,
  'tls-min-version': {
    type: 'string',
    default: '1.3',
    choices: ['1.2', '1.3'],
    description: 'Lowest TLS version that is spoken.',
  },
  'health-addr': {
    type: 'string',
    default: ':8081',
    description: 'Address of /healthz, /readyz and /metrics.',
  },
  namespaces: {
    type: 'list',
    default: defaultNamespace,
    description: 'Namespaces in which NodeGroups and VPSieNodes are admitted.',
  },
  'controller-service-account': {
    type: 'string',
    default: 'system:serviceaccount:kube-system:vpsie-autoscaler-controller',
    description: "The controller's user name: its own writes are let through.",
  },
  'max-concurrent-reviews': {
    type: 'integer',
    default: '64',
    description: 'Reviews at work at once; more are answered with 503.',
    min: 1,
  },
  'lame-duck': {
    type: 'duration',
    default: '12s',
    description:
      'After the stop signal it goes on serving for so long, until no API server sends here any more.',
    min: 0,
    max: 300_000,
  },
} as const satisfies OptionTable

export type WebhookOptions = Options<typeof webhookOptions>

/** What several options must hold together; sentences for those that do not. */
export function webhookRelations({ namespaces }: WebhookOptions): string[] {
  return namespaces.length === 0 ? ['--namespaces must name at least one namespace'] : []
}
