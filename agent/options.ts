import { errorText } from '../common/errors.ts'
import { parseAddress } from '../common/http/address.ts'
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

/** What several options must hold together, and forms that a type alone does not check; sentences of mistakes. */
export function agentRelations(options: AgentOptions): string[] {
  const { 'node-name': node, 'controller-url': urls, 'health-addr': address } = options
  const mistakes = urls.flatMap((url) => urlMistake(url) ?? [])
  if (!nodeName.test(node) || node.length > 253) {
    mistakes.push(`--node-name: must be the name of a Node: current value is "${node}"`)
  }
  if (urls.length === 0) mistakes.push('--controller-url: must name at least one controller')
  for (const name of ['token-file', 'ca-file', 'proc'] as const) {
    if (options[name] === '') mistakes.push(`--${name}: must not be empty`)
  }
  if (options['sample-interval'] > options['report-interval']) {
    mistakes.push('--sample-interval must not be longer than --report-interval: a report needs a sample')
  }
  if (address !== '' && address !== '0') mistakes.push(...addressMistakes(address))
  return mistakes
}

// A DNS subdomain, as Kubernetes asks of a Node (RFC 1123).
const nodeName = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/

function urlMistake(text: string): string | undefined {
  const url = URL.parse(text)
  const isPlain = url && url.username + url.password + url.search + url.hash === '' && url.pathname === '/'
  if (url?.protocol === 'https:' && isPlain) return undefined
  // A URL may carry a password, so that one is not told.
  const told = url?.password ? `${url.protocol}//…@${url.host}` : text
  return `--controller-url: must be https://host[:port] without a path: current value is "${told}"`
}

function addressMistakes(address: string): string[] {
  try {
    parseAddress(address, '--health-addr')
    return []
  } catch (error) {
    return [errorText(error)]
  }
}
