import { agentMetrics } from '../../agent/metrics.ts'
import { agentOptions } from '../../agent/options.ts'
import { certsOptions } from '../../certs/options.ts'
import { annotations, finalizers, labels, taints } from '../../common/api/names.ts'
import { metricPrefix } from '../../common/metrics.ts'
import { logOptions } from '../../common/program.ts'
import { controllerMetrics } from '../../controller/metrics.ts'
import { controllerOptions } from '../../controller/options.ts'
import { alerts } from '../../manifests/monitoring/alerts.ts'
import { formerSeries } from '../../manifests/monitoring/predecessor.ts'
import { webhookMetrics } from '../../webhook/metrics.ts'
import { webhookOptions } from '../../webhook/options.ts'
import type { Page } from './pages.ts'

const flags = new Set([
  ...[logOptions, controllerOptions, webhookOptions, agentOptions, certsOptions].flatMap(Object.keys),
  // Of simulate, explain, doctor and the project's own scripts.
  ...[
    'state',
    'at',
    'set',
    'fit',
    'explain',
    'output',
    'help',
    'version',
    'context',
    'namespace',
    'page-port',
  ],
  ...[
    'keep',
    'json',
    'real',
    'runs',
    'seed',
    'rotations',
    'only',
    'use-kubeconfig',
    'check',
    'force',
    'logs',
  ],
])
const series = new Set([
  ...[controllerMetrics, webhookMetrics, agentMetrics].flatMap(Object.keys),
  ...Object.keys(formerSeries),
])
const marks = new Set<string>([
  ...[annotations, labels, finalizers, taints].flatMap((table) => Object.values(table) as string[]),
])
const alertNames = new Set(alerts.map(({ name }) => name))

/** Options, series, alerts, labels and annotations that the page names and nobody has. */
export function unknownNames({ file, words }: Page): string[] {
  const wrong = (what: string, name: string) => `${file}: there is no ${what} ${name}`
  return words.flatMap((word) => {
    const [, flag] = /^--([a-z][a-z0-9-]*)/.exec(word) ?? []
    if (flag !== undefined && !isOthers(flag)) return flags.has(flag) ? [] : [wrong('option', `--${flag}`)]
    const [, name] = new RegExp(`^${metricPrefix}([a-z_]+)`).exec(word) ?? []
    if (name !== undefined && name !== '')
      return series.has(name.replace(/_(bucket|sum|count)$/, '')) ? [] : [wrong('series', name)]
    if (/^VPSieAutoscaler[A-Z]\w+$/.test(word)) return alertNames.has(word) ? [] : [wrong('alert', word)]
    const [mark] = /^autoscaler\.vpsie\.com\/[a-z-]+/.exec(word) ?? []
    if (mark !== undefined && !mark.endsWith('/v'))
      return marks.has(mark) ? [] : [wrong('label or annotation', mark)]
    return []
  })
}

// Of kubectl, Node.js, the API server and kube-controller-manager, which pages may name as well.
function isOthers(flag: string): boolean {
  return [
    'build-arg',
    'target',
    'jitless',
    'optimize-for-size',
    'initial-old-space-size',
    'node-labels',
    'register-with-taints',
    'max-old-space-size',
    'max-semi-space-size',
    'heap-growing-percent',
    'dry-run',
    'egress-selector-config-file',
  ].includes(flag)
}
