import { metricPrefix } from '../../common/metrics.ts'
import { call } from '../fixtures/http.ts'
import type { Programs } from './programs.ts'

/** What the programs' /metrics have told so far. */
export interface Collected {
  /** Names without prefix of series that have been above zero. */
  readonly set: ReadonlySet<string>
  /** All label values, by the name of series and label. */
  readonly values: ReadonlyMap<string, ReadonlySet<string>>
}

const everyMs = 500
const components = ['controller', 'webhook', 'agent'] as const

/** Reads /metrics of all programs again and again until `signal` aborts, as Prometheus does. */
export function collectMetrics(programs: Programs, signal: AbortSignal): Collected {
  const set = new Set<string>()
  const values = new Map<string, Set<string>>()

  async function look(port: number): Promise<void> {
    // A program that has just ended is not there to be read: the next look is at others.
    const reply = await call({ port, path: '/metrics' }).catch(() => undefined)
    for (const line of reply?.body.split('\n') ?? []) {
      const [, name = '', labels = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
      if (!name.startsWith(metricPrefix)) continue
      const short = name.slice(metricPrefix.length).replace(/_(bucket|sum|count)$/, '')
      if (Number(value) > 0) set.add(short)
      for (const [, label = '', text = ''] of labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) {
        const key = `${short}{${label}}`
        values.set(key, (values.get(key) ?? new Set()).add(text))
      }
    }
  }

  async function lookAtAll(): Promise<void> {
    const all = components.flatMap((component) => programs.list(component))
    await Promise.all(all.map(({ ports }) => look(ports.metrics ?? ports.health ?? 0)))
  }

  const again = async () => {
    while (!signal.aborted) {
      await lookAtAll()
      await new Promise((resolve) => setTimeout(resolve, everyMs))
    }
  }
  void again()
  return { set, values }
}
