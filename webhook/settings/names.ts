import { duplicate, invalid, type Violation } from '../../common/api/violation.ts'
import { none, type Rule } from '../rule.ts'
import type { Settings } from './settings.ts'

/*
 * Names of labels and taints, as the API server will hold a Node to them when it registers
 * (k8s.io/apimachinery pkg/util/validation), and those that are not ours to set.
 */

const namePart = /^[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?$/
const subdomain = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/
const longestName = 63
const longestPrefix = 253

/** What is wrong with a qualified name; undefined if nothing is. */
export function qualifiedNameProblem(key: string): string | undefined {
  const slash = key.indexOf('/')
  const name = key.slice(slash + 1)
  if (name.includes('/')) return 'must have at most one "/"'
  if (slash >= 0 && (slash > longestPrefix || !subdomain.test(key.slice(0, slash)))) {
    return 'the part before "/" must be a DNS name in lower case'
  }
  if (name.length > longestName)
    return `the name part must have at most ${longestName} characters: it has ${name.length}`
  if (!namePart.test(name))
    return 'the name part must be letters, digits, "-", "_" and ".", with a letter or digit at both ends'
  return undefined
}

const ofKubernetes = /(^|\.)(kubernetes|k8s)\.io$/

/** True for a key that Kubernetes keeps for itself. */
export function isOfKubernetes(key: string): boolean {
  const slash = key.indexOf('/')
  return slash >= 0 && ofKubernetes.test(key.slice(0, slash))
}

/** Why a label or taint key is not for a NodeGroup to set; undefined if it is. */
export function reservedProblem(key: string): string | undefined {
  const slash = key.indexOf('/')
  if (slash < 0) return undefined
  const prefix = key.slice(0, slash)
  if (prefix === 'autoscaler.vpsie.com') return 'is set by the autoscaler itself: use a prefix of your own'
  return isOfKubernetes(key)
    ? `prefix ${prefix} is reserved for Kubernetes: use a prefix of your own`
    : undefined
}

const reservedMessage =
  'keys of kubernetes.io, k8s.io, what is below them, and autoscaler.vpsie.com are not for a NodeGroup to set'

export const labelNames: Rule<Settings> = {
  name: 'label-names',
  fields: ['labels'],
  says: 'label names are qualified names with at most 63 characters after the "/", and of no reserved prefix: kubernetes.io, k8s.io, anything below the two, autoscaler.vpsie.com',
  cel: [
    'keys must be qualified names: at most one "/", a DNS name before it, at most 63 characters after',
    reservedMessage,
  ],
  check({ settings: { labels }, at }) {
    if (!labels) return none
    return Object.keys(labels).flatMap((key) => {
      const problem = qualifiedNameProblem(key) ?? reservedProblem(key)
      return problem ? [invalid(`${at}.labels[${key}]`, key, problem)] : none
    })
  },
}

export const taintNames: Rule<Settings> = {
  name: 'taint-names',
  fields: ['taints', 'startupTaints'],
  says: 'taint keys are of no reserved prefix either',
  cel: [reservedMessage],
  check: (subject) =>
    eachTaint(subject, ({ key }, at) => {
      const problem = qualifiedNameProblem(key) ?? reservedProblem(key)
      return problem ? [invalid(`${at}.key`, key, problem)] : none
    }),
}

export const distinctTaints: Rule<Settings> = {
  name: 'taints-distinct',
  fields: ['taints', 'startupTaints'],
  says: 'a key has each effect once, in both lists together: a Node has one list',
  schema: true,
  cel: ['a key with the same effect must not be in taints and in startupTaints'],
  check: (subject) =>
    eachTaint(subject, ({ key, effect }, at, before) =>
      before.some((other) => other?.key === key && other.effect === effect)
        ? [duplicate(at, `${key}:${effect}`)]
        : none,
    ),
}

type Taint = NonNullable<Settings['settings']['taints']>[number]

function eachTaint(
  { settings, at }: Settings,
  check: (taint: Taint, at: string, before: readonly Taint[]) => readonly Violation[],
): readonly Violation[] {
  if (!settings.taints && !settings.startupTaints) return none
  return (['taints', 'startupTaints'] as const).flatMap((field) => {
    const taints = settings[field] ?? []
    const before = field === 'taints' ? [] : (settings.taints ?? [])
    // One without a key is told by the schema.
    return taints.flatMap((taint, i) =>
      taint?.key ? check(taint, `${at}.${field}[${i}]`, [...before, ...taints.slice(0, i)]) : none,
    )
  })
}
