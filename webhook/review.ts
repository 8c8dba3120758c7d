import { type Violation, violationText } from '../common/api/violation.ts'
import { InputError } from '../common/errors.ts'
import type { KubeObject } from '../common/kube/objects.ts'

/** The request of an admission.k8s.io/v1 AdmissionReview, as far as it is read. */
export interface AdmissionRequest {
  uid: string
  operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT'
  name: string
  namespace: string | undefined
  user: { username: string; groups: readonly string[] }
  object: KubeObject | undefined
  oldObject: KubeObject | undefined
  dryRun: boolean
  kind: string
  group: string
}

/** What a review comes to. */
export interface Verdict {
  /** None: allowed. */
  violations: readonly Violation[]
  /** Sentences for the person who writes, each short. */
  warnings: readonly string[]
  /** Operations of a JSON patch; only a mutating path may have any. */
  patch?: readonly PatchOperation[]
}

export interface PatchOperation {
  op: 'add' | 'replace' | 'remove'
  path: string
  value?: unknown
}

/** A name as a part of a JSON pointer (RFC 6901). */
export function pointerToken(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1')
}

export const allowed: Verdict = { violations: [], warnings: [] }

const operations = ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'] as const

/**
 * Reads a review. Throws `InputError` naming the field if it is none: such a call is answered with 400, and the
 * failure policy decides; a denial would be a lie.
 */
export function readReview(body: unknown): AdmissionRequest {
  const review = asRecord(body)
  if (review?.apiVersion !== 'admission.k8s.io/v1' || review.kind !== 'AdmissionReview') {
    const got = `${String(review?.apiVersion ?? 'nothing')} ${String(review?.kind ?? '')}`.trim()
    throw new InputError(
      'kind',
      `must be an AdmissionReview of admission.k8s.io/v1: current value is "${got.slice(0, 100)}"`,
    )
  }
  const request = asRecord(review.request)
  if (!request) throw new InputError('request', 'must be an object')
  const { uid } = request
  if (typeof uid !== 'string' || uid === '')
    throw new InputError('request.uid', 'must be a text that is not empty')
  const operation = operations.find((each) => each === request.operation)
  if (!operation) throw new InputError('request.operation', `must be one of ${operations.join(', ')}`)
  const user = asRecord(request.userInfo)
  const object = readObject('request.object', request.object)
  const oldObject = readObject('request.oldObject', request.oldObject)
  return {
    uid,
    operation,
    name: text(request.name) ?? object?.metadata.name ?? '',
    namespace: text(request.namespace),
    user: { username: text(user?.username) ?? '', groups: texts(user?.groups) },
    object,
    oldObject,
    dryRun: request.dryRun === true,
    kind: text(asRecord(request.kind)?.kind) ?? '',
    group: text(asRecord(request.kind)?.group) ?? '',
  }
}

function readObject(path: string, value: unknown): KubeObject | undefined {
  if (value === null || value === undefined) return undefined
  const object = asRecord(value)
  if (!object) throw new InputError(path, 'must be an object or null')
  const metadata = asRecord(object.metadata)
  if (!metadata) throw new InputError(`${path}.metadata`, 'must be an object')
  // The API server has checked the form of metadata; a name that generateName will give is not there yet.
  return { ...object, metadata: { ...metadata, name: text(metadata.name) ?? '' } }
}

function asRecord(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
const texts = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : []

// The API server cuts longer texts where there are many; kubectl shows one line for each.
const longestWarning = 119
const mostWarnings = 20
const longestMessage = 4096

/** The reply: of the request goes back its uid and, for kubectl's sentence, which object it is about. */
export function replyOf(request: AdmissionRequest, { violations, warnings, patch = [] }: Verdict): object {
  if (violations.length + warnings.length + patch.length === 0) return plainlyAllowed(request)
  const sorted = [...violations].sort((a, b) => (a.field < b.field ? -1 : a.field > b.field ? 1 : 0))
  const told = warnings.slice(0, mostWarnings).map((warning) => cut(warning, longestWarning))
  const response = {
    uid: request.uid,
    allowed: sorted.length === 0,
    ...(sorted.length > 0 ? { status: denial(request, sorted) } : {}),
    ...(told.length > 0 ? { warnings: told } : {}),
    ...(sorted.length === 0 && patch.length > 0
      ? { patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(patch)).toString('base64') }
      : {}),
  }
  return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response }
}

function plainlyAllowed({ uid }: AdmissionRequest): object {
  return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: { uid, allowed: true } }
}

function denial({ kind, group, name }: AdmissionRequest, violations: readonly Violation[]): object {
  const lines = violations.map(violationText)
  return {
    status: 'Failure',
    code: 422,
    reason: 'Invalid',
    message: cut(lines.length === 1 ? (lines[0] ?? '') : `[${lines.join(', ')}]`, longestMessage),
    details: {
      ...(name ? { name } : {}),
      group,
      kind,
      causes: violations.map(({ field, message, code }) => ({
        reason: code,
        message: cut(message, 512),
        field,
      })),
    },
  }
}

function cut(sentence: string, length: number): string {
  return sentence.length > length ? `${sentence.slice(0, length - 1)}…` : sentence
}
