import { admissionCases, reviewOf } from '../../fixtures/admission-cases.ts'
import type { Chance } from '../../fixtures/chance.ts'

/** One call as it goes over the wire, and what may come back. */
export interface FuzzCall {
  method: string
  path: string
  headers: Record<string, string>
  body: Buffer
  /** Statuses that are right. */
  expected: readonly number[]
  /** The reply must be a review of this uid. */
  uid?: string
  /** The connection is cut after so many bytes of the body. */
  cutAfter?: number
}

const paths = [
  '/validate/nodegroups',
  '/validate/vpsienodes',
  '/validate/autoscalerconfigs',
  '/mutate/nodegroups',
  '/mutate/nodes',
]
const cases = admissionCases()
const strange: readonly unknown[] = [
  null,
  0,
  -0,
  -1,
  1.5,
  1e308,
  2 ** 53,
  true,
  false,
  '',
  ' ',
  'a',
  '0',
  'null',
  '\u0000',
  '\ud800',
  '𝒳',
  '../..',
  '{{',
  '{{ a }}',
  '* * * * *',
  '99 99 99 99 99',
  'Europe/Berlin',
  '1h',
  '10%',
  [],
  [null],
  [[]],
  {},
  { a: null },
  { key: 'a', effect: 'NoSchedule' },
]
const names = [
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'length',
  'spec',
  'metadata',
  'a b',
  '',
  '[0]',
  'x]',
  'a.b',
  'kubernetes.io/x',
]

/** A call by chance: a case as it is, mutated in its tree or its bytes, or a call that is no review at all. */
export function nextCall(chance: Chance): FuzzCall {
  const kind = chance.below(100)
  const review = reviewOf(chance.of(cases), `uid-${chance.below(1e9)}`)
  const sound = reviewCall(chance, review)
  const { uid: _, ...unread } = sound
  if (kind < 15) return sound
  if (kind < 70) return reviewCall(chance, mutated(chance, review, 1 + chance.below(6)))
  if (kind < 85) return { ...unread, ...brokenBytes(chance, sound.body) }
  if (kind < 95) return wrongCall(chance, unread)
  return { ...unread, cutAfter: chance.below(sound.body.length), expected: [] }
}

function reviewCall(chance: Chance, review: unknown): FuzzCall {
  const body = Buffer.from(JSON.stringify(review))
  return {
    method: 'POST',
    path:
      chance.of(paths) +
      chance.of(['', '?timeout=3s', '?timeout=10s', '?timeout=x', '?timeout=-1s', '?a=b&timeout=30s']),
    headers: {
      'content-type': chance.of(['application/json', 'application/json; charset=utf-8', 'Application/JSON']),
    },
    body,
    ...expectation(body),
  }
}

/** What an admission review is, said a second time: whatever is one is answered with 200, whatever is none with 400. */
function expectation(body: Buffer): Pick<FuzzCall, 'expected' | 'uid'> {
  let review: Tree
  try {
    review = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body))
  } catch {
    return { expected: [400] }
  }
  const request = review?.request as Tree
  const isRecord = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value)
  const isObject = (value: unknown) =>
    value === undefined ||
    value === null ||
    (isRecord(value) && isRecord((value as Record<string, unknown>).metadata))
  const isReview =
    isRecord(review) &&
    review?.apiVersion === 'admission.k8s.io/v1' &&
    review.kind === 'AdmissionReview' &&
    isRecord(request) &&
    typeof request?.uid === 'string' &&
    request.uid !== '' &&
    ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'].includes(request.operation as string) &&
    isObject(request.object) &&
    isObject(request.oldObject)
  return isReview ? { expected: [200], uid: String(request?.uid) } : { expected: [400] }
}

type Tree = Record<string, unknown> | null | undefined

/** A copy with so many places changed: replaced, removed, added, doubled, or made deep or long. */
function mutated(chance: Chance, review: unknown, times: number): unknown {
  const copy = structuredClone(review)
  for (let i = 0; i < times; i++) mutateOne(chance, copy)
  return copy
}

function mutateOne(chance: Chance, root: unknown): void {
  let at = root as Record<string, unknown>
  let key = 'request'
  // Most changes are deep in the objects, where the rules are.
  for (let depth = 0; depth < 3 + chance.below(6); depth++) {
    const next = at[key]
    if (typeof next !== 'object' || next === null || Object.keys(next).length === 0) break
    at = next as Record<string, unknown>
    key = chance.of(Object.keys(at))
  }
  switch (chance.below(7)) {
    case 0:
      delete at[key]
      break
    case 1:
      if (Array.isArray(at)) at.push(structuredClone(chance.of(strange)))
      else addField(at, chance.of(names), structuredClone(chance.of(strange)))
      break
    case 2:
      if (Array.isArray(at)) at.push(...structuredClone(at))
      else at[key] = [at[key], at[key]]
      break
    case 3:
      at[key] = deep(1 + chance.below(800))
      break
    case 4:
      at[key] = chance.of(['x', '/', 'a.', '1h', '* ']).repeat(1 + chance.below(5000))
      break
    case 5:
      at[key] = structuredClone(chance.of(cases).object)
      break
    default:
      at[key] = structuredClone(chance.of(strange))
  }
}

/** Even one called `__proto__`, which an assignment would not add. */
function addField(at: object, name: string, value: unknown): void {
  Object.defineProperty(at, name, { value, enumerable: true, configurable: true, writable: true })
}

function deep(levels: number): unknown {
  let value: unknown = null
  for (let i = 0; i < levels; i++) value = i % 2 === 0 ? [value] : { a: value }
  return value
}

function brokenBytes(chance: Chance, body: Buffer): Pick<FuzzCall, 'body' | 'expected' | 'uid'> {
  const broken = Buffer.from(body)
  const at = chance.below(broken.length)
  const edit = chance.below(5)
  if (edit === 0) broken[at] = chance.below(256)
  const bytes =
    edit === 0
      ? broken
      : edit === 1
        ? broken.subarray(0, at)
        : edit === 2
          ? Buffer.concat([broken, Buffer.from('}')])
          : edit === 3
            ? Buffer.from([0xef, 0xbb, 0xbf, ...broken])
            : Buffer.from('['.repeat(1 + chance.below(100_000)))
  return { body: bytes, ...expectation(bytes) }
}

function wrongCall(chance: Chance, call: FuzzCall): FuzzCall {
  switch (chance.below(5)) {
    case 0:
      return {
        ...call,
        path: chance.of([
          '/',
          '/validate',
          '/validate/nodes',
          '//validate/nodegroups',
          '/%00',
          '/validate/nodegroups/',
        ]),
        expected: [404],
      }
    case 1:
      return { ...call, method: chance.of(['PUT', 'PATCH', 'DELETE']), expected: [405] }
    case 2:
      return {
        ...call,
        headers: { 'content-type': chance.of(['text/plain', '', 'application/jsonx', 'application']) },
        expected: [415],
      }
    case 3:
      return { ...call, headers: { ...call.headers, 'content-encoding': 'gzip' }, expected: [415] }
    default:
      return {
        ...call,
        headers: { ...call.headers, 'content-length': String(8 * 2 ** 20) },
        cutAfter: call.body.length,
        expected: [413],
      }
  }
}
