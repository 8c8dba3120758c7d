/**
 * One mistake in an object, in the words and with the codes of Kubernetes' own validation
 * (k8s.io/apimachinery pkg/util/validation/field), so that kubectl shows ours and theirs alike.
 */
export interface Violation {
  /** Path such as `spec.labels[app]` or `spec.taints[0].key`. */
  field: string
  /** Sentence that says what is wrong, without the path. */
  message: string
  /** What stands there now; left out where it is absent, large or confidential. */
  value?: unknown
  /** metav1.CauseType. */
  code: CauseType
}

const prefixes = {
  FieldValueInvalid: 'Invalid value',
  FieldValueTypeInvalid: 'Invalid value',
  FieldValueRequired: 'Required value',
  FieldValueNotSupported: 'Unsupported value',
  FieldValueDuplicate: 'Duplicate value',
  FieldValueForbidden: 'Forbidden',
  FieldValueTooLong: 'Too long',
  FieldValueTooMany: 'Too many',
} as const

export type CauseType = keyof typeof prefixes

/** A value is shown up to this many characters. */
const longestShown = 128

export function invalid(field: string, value: unknown, detail: string): Violation {
  return withValue('FieldValueInvalid', field, value, detail)
}

/** `expected` is the name of a JSON type. */
export function wrongType(field: string, value: unknown, expected: string): Violation {
  return withValue('FieldValueTypeInvalid', field, value, `must be of type ${expected}`)
}

export function duplicate(field: string, value: unknown, detail = 'must be listed once'): Violation {
  return withValue('FieldValueDuplicate', field, value, detail)
}

export function unsupported(field: string, value: unknown, supported: readonly unknown[]): Violation {
  const list = supported.map((item) => JSON.stringify(item)).join(', ')
  return withValue('FieldValueNotSupported', field, value, `supported values: ${list}`)
}

export function required(field: string, detail?: string): Violation {
  return plain('FieldValueRequired', field, detail)
}

export function forbidden(field: string, detail: string): Violation {
  return plain('FieldValueForbidden', field, detail)
}

export function tooLong(field: string, limit: number): Violation {
  return plain('FieldValueTooLong', field, `may not be more than ${limit} characters`)
}

export function tooMany(field: string, count: number, limit: number): Violation {
  return withValue('FieldValueTooMany', field, count, `must have at most ${limit} items`)
}

/** The violation as one line: path and sentence. */
export function violationText({ field, message }: Violation): string {
  return field === '' ? message : `${field}: ${message}`
}

function plain(code: CauseType, field: string, detail?: string): Violation {
  return { field, message: join(prefixes[code], detail), code }
}

function withValue(code: CauseType, field: string, value: unknown, detail?: string): Violation {
  const shown = textOf(value)
  if (shown === undefined) return plain(code, field, detail)
  return { field, message: join(prefixes[code], shown, detail), value, code }
}

// Lists and maps are not shown: they are long, and may hold what nobody else should read.
function textOf(value: unknown): string | undefined {
  if (value === undefined || (typeof value === 'object' && value !== null)) return undefined
  const text = JSON.stringify(value)
  return text.length > longestShown ? undefined : text
}

function join(...parts: (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined && part !== '').join(': ')
}
