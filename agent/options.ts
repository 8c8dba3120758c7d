import type { Options, OptionTable } from '../common/options.ts'

/** Options of the agent. */
export const agentOptions = {
  'node-name': { type: 'string', default: null, description: 'Name of the Node it runs on.' },
  'controller-url': {
    type: 'list',
    default: 'https://vpsie-autoscaler-controller.kube-system.svc:8443',
    description: 'Where controllers take reports; every address behind a name is reported to.',
  },
  'token-file': {
    type: 'string',
    default: '/var/run/vpsie-autoscaler/token',
    description: 'Service account token for the controllers; read again when it changes.',
  },
  'ca-file': {
    type: 'string',
    default: '/var/run/vpsie-autoscaler/ca.crt',
    description: 'Authorities that the controllers are trusted by, PEM; read again when it changes.',
  },
  proc: { type: 'string', default: '/proc', description: "Folder that shows the kernel's figures." },
  'sample-interval': {
    type: 'duration',
    default: '5s',
    description: 'Between two samples.',
    min: 100,
    max: 60_000,
  },
  'report-interval': {
    type: 'duration',
    default: '15s',
    description: 'Between two reports, until a controller asks for another pace.',
    min: 100,
    max: 600_000,
  },
  'inventory-interval': {
    type: 'duration',
    default: '6h',
    description: 'Between two looks at what rarely changes: system, model, disk; 0 never looks.',
    min: 0,
  },
  'health-addr': {
    type: 'string',
    default: ':8081',
    description: 'Address of /healthz, /readyz and /metrics.',
  },
} as const satisfies OptionTable

export type AgentOptions = Options<typeof agentOptions>

/** What several options must hold together; sentences for those that do not. */
export function agentRelations(options: AgentOptions): string[] {
  const mistakes = options['controller-url']
    .filter((url) => !URL.canParse(url) || new URL(url).protocol !== 'https:')
    .map((url) => `--controller-url: must be https URLs: current value is "${url}"`)
  if (options['controller-url'].length === 0)
    mistakes.push('--controller-url must name at least one controller')
  if (options['sample-interval'] > options['report-interval']) {
    mistakes.push('--sample-interval must not be longer than --report-interval: a report needs a sample')
  }
  return mistakes
}
