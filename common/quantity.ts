import { InputError } from './errors.ts'

// Suffixes of k8s.io/apimachinery pkg/api/resource.Quantity.
const suffixes: Record<string, number> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
}

const form = /^([+-]?(?:\d+\.?\d*|\.\d+))(?:([eE][+-]?\d+)|(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei))?$/

// Removes the noise of binary floating point before rounding up, so that "0.1" cores are 100 millicores, not 101.
function roundUp(value: number): number {
  const near = Math.round(value)
  return Math.abs(value - near) <= Math.abs(value) * 1e-12 ? near : Math.ceil(value)
}

/**
 * The number a Kubernetes quantity stands for ("1500m" is 1.5, "2Gi" is 2147483648).
 * Throws `InputError` naming `path` if it is none.
 */
export function parseQuantity(quantity: string | number, path: string): number {
  const match = form.exec(String(quantity).trim())
  if (!match)
    throw new InputError(path, `must be a quantity such as "500m" or "2Gi": current value is "${quantity}"`)
  const [, digits = '', exponent = '', suffix = ''] = match
  return exponent ? Number(digits + exponent) : Number(digits) * (suffixes[suffix] ?? 1)
}

/** Millicores of a CPU quantity, rounded up as kube-scheduler does (resource.Quantity.MilliValue). */
export function parseMillicores(quantity: string | number, path: string): number {
  return roundUp(parseQuantity(quantity, path) * 1000)
}

/** Whole units of any other quantity (bytes, pods, devices), rounded up (resource.Quantity.Value). */
export function parseUnits(quantity: string | number, path: string): number {
  return roundUp(parseQuantity(quantity, path))
}

/** Millicores as people write them: 1500 is "1500m", 2000 is "2". */
export function formatMillicores(millicores: number): string {
  return millicores % 1000 === 0 ? String(millicores / 1000) : `${millicores}m`
}

/** Bytes as people write them, in the largest binary unit that leaves at most one decimal place. */
export function formatBytes(bytes: number): string {
  for (const unit of ['Ti', 'Gi', 'Mi', 'Ki'] as const) {
    const value = bytes / (suffixes[unit] ?? 1)
    if (Math.abs(value) >= 1) return `${Math.round(value * 10) / 10}${unit}`
  }
  return String(bytes)
}
