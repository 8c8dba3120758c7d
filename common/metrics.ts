import { Counter, Gauge, Histogram, Registry } from 'prom-client'

/** Prefix of every series; the predecessor's, so that dashboards keep working. */
export const metricPrefix = 'vpsie_autoscaler_'

/** One declared series. Its owner's `metrics.ts` holds the table; names come without the prefix. */
export interface MetricDeclaration {
  type: 'counter' | 'gauge' | 'histogram'
  /** A sentence that says what is counted and names the labels. */
  help: string
  labels?: readonly string[]
  /** Upper bounds of a histogram's buckets, in the unit of the name. */
  buckets?: readonly number[]
  /** Label sets that start at zero, so that rates and alerts work before the first event. */
  zero?: readonly Record<string, string>[]
}

export type MetricTable = Readonly<Record<string, MetricDeclaration>>

type MetricOf<D extends MetricDeclaration> = D['type'] extends 'counter'
  ? Counter
  : D['type'] extends 'gauge'
    ? Gauge
    : Histogram

/** The prom-client metrics of a table, by their unprefixed names. */
export type Metrics<T extends MetricTable> = { readonly [K in keyof T]: MetricOf<T[K]> }

/** Registers every series of `table` in `registry`. Call it once per table, in `main.ts`. */
export function createMetrics<const T extends MetricTable>(registry: Registry, table: T): Metrics<T> {
  const metrics = Object.entries(table).map(([name, declaration]) => [
    name,
    create(registry, name, declaration),
  ])
  return Object.fromEntries(metrics) as Metrics<T>
}

function create(
  registry: Registry,
  name: string,
  declaration: MetricDeclaration,
): Counter | Gauge | Histogram {
  const { type, help, labels = [], buckets, zero = labels.length === 0 ? [{}] : [] } = declaration
  const base = { name: metricPrefix + name, help, labelNames: [...labels], registers: [registry] }
  if (type === 'histogram') {
    const histogram = new Histogram(buckets ? { ...base, buckets: [...buckets] } : base)
    for (const set of zero) histogram.zero(set)
    return histogram
  }
  if (type === 'gauge') return seed(new Gauge(base), zero, (gauge, set) => gauge.set(set, 0))
  return seed(new Counter(base), zero, (counter, set) => counter.inc(set, 0))
}

function seed<M>(
  metric: M,
  zero: readonly Record<string, string>[],
  start: (metric: M, set: Record<string, string>) => void,
): M {
  for (const set of zero) start(metric, set)
  return metric
}

/** Bounds `start · factor^i` for i = 0..count-1, as Prometheus' client libraries make them. */
export function exponentialBuckets(start: number, factor: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => start * factor ** i)
}

export { Registry }
