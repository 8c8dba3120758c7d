import { duplicate, invalid, required, type Violation } from '../common/api/violation.ts'
import type { Taint } from '../common/kube/objects.ts'

/*
 * Names of labels and taints, as the API server will hold a Node to them when it registers
 * (k8s.io/apimachinery pkg/util/validation), and those that are not ours to set.
 */

const namePart = /^[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?$/
const subdomain = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/
const longestName = 63
const longestPrefix = 253

// A kubelet whose Node carried any other would not be let in: NodeRestriction looks again after our labels are on it.
const free = new Set(['node.kubernetes.io'])

/** What is wrong with a qualified name; undefined if nothing is. */
export function qualifiedNameProblem(key: string): string | undefined {
  const [name = '', prefix, ...more] = key.split('/').reverse()
  if (more.length > 0) return 'must have at most one "/"'
  if (prefix !== undefined && (prefix.length > longestPrefix || !subdomain.test(prefix))) {
    return 'the part before "/" must be a DNS name in lower case'
  }
  if (name.length > longestName) return `the name part must have at most ${longestName} characters`
  if (!namePart.test(name))
    return 'the name part must be letters, digits, "-", "_" and ".", with a letter or digit at both ends'
  return undefined
}

/** Why a label or taint key is not for a NodeGroup to set; undefined if it is. */
export function reservedProblem(key: string): string | undefined {
  const [prefix = ''] = key.includes('/') ? key.split('/') : []
  if (prefix === 'autoscaler.vpsie.com') return 'is set by the autoscaler itself'
  const isKubernetes = /(^|\.)(kubernetes|k8s)\.io$/.test(prefix)
  return isKubernetes && !free.has(prefix) ? `prefix ${prefix} is reserved for Kubernetes` : undefined
}

function valueProblem(value: string): string | undefined {
  if (value === '' || (value.length <= longestName && namePart.test(value))) return undefined
  return `must be empty or at most ${longestName} letters, digits, "-", "_" and ".", with a letter or digit at both ends`
}

export function checkLabels(labels: Readonly<Record<string, unknown>>, field: string): Violation[] {
  return Object.entries(labels).flatMap(([key, value]) => {
    const at = `${field}[${key}]`
    const keyProblem = qualifiedNameProblem(key) ?? reservedProblem(key)
    const valueIsText = typeof value === 'string' ? valueProblem(value) : undefined
    return [
      ...(keyProblem ? [invalid(at, key, keyProblem)] : []),
      ...(valueIsText ? [invalid(at, value, valueIsText)] : []),
    ]
  })
}

/** Checks keys and values, and that no taint of the same key and effect came before. */
export function checkTaints(taints: readonly Partial<Taint>[], field: string): Violation[] {
  const seen = new Set<string>()
  return taints.flatMap(({ key, value, effect }, i) => {
    if (typeof key !== 'string') return []
    const at = `${field}[${i}]`
    const id = `${key}:${effect}`
    const isRepeated = seen.has(id)
    seen.add(id)
    if (key === '') return [required(`${at}.key`)]
    const keyProblem = qualifiedNameProblem(key) ?? reservedProblem(key)
    const textProblem = typeof value === 'string' ? valueProblem(value) : undefined
    return [
      ...(keyProblem ? [invalid(`${at}.key`, key, keyProblem)] : []),
      ...(textProblem ? [invalid(`${at}.value`, value, textProblem)] : []),
      ...(isRepeated ? [duplicate(at, id)] : []),
    ]
  })
}
