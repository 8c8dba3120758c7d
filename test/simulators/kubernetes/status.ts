/** A cause in `details.causes` of a Status. */
export interface StatusCause {
  reason?: string
  message?: string
  field?: string
}

export interface StatusDetails {
  name?: string
  group?: string
  kind?: string
  uid?: string
  causes?: StatusCause[]
  retryAfterSeconds?: number
}

/** metav1.Status as the API server sends it for a failed call. */
export interface Status {
  kind: 'Status'
  apiVersion: 'v1'
  metadata: Record<string, unknown>
  status: 'Success' | 'Failure'
  message?: string
  reason?: string
  details?: StatusDetails
  code: number
}

/** A refusal of the API server. Words and reasons are those of k8s.io/apimachinery pkg/api/errors. */
export class StatusError extends Error {
  override readonly name = 'StatusError'
  readonly code: number
  readonly reason: string
  readonly details: StatusDetails | undefined

  constructor(code: number, reason: string, message: string, details?: StatusDetails) {
    super(message)
    this.code = code
    this.reason = reason
    this.details = details
  }

  toStatus(): Status {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: this.message,
      ...(this.reason ? { reason: this.reason } : {}),
      ...(this.details ? { details: this.details } : {}),
      code: this.code,
    }
  }
}

/** How messages name a resource: `pods`, or `nodegroups.autoscaler.vpsie.com` with its group. */
export interface ResourceName {
  group: string
  plural: string
}

const qualified = ({ group, plural }: ResourceName) => (group ? `${plural}.${group}` : plural)

const details = ({ group, plural }: ResourceName, name: string): StatusDetails => ({
  ...(name ? { name } : {}),
  ...(group ? { group } : {}),
  kind: plural,
})

export function notFound(resource: ResourceName, name: string): StatusError {
  return new StatusError(
    404,
    'NotFound',
    `${qualified(resource)} "${name}" not found`,
    details(resource, name),
  )
}

export function alreadyExists(resource: ResourceName, name: string): StatusError {
  const message = `${qualified(resource)} "${name}" already exists`
  return new StatusError(409, 'AlreadyExists', message, details(resource, name))
}

export function conflict(resource: ResourceName, name: string, why: string): StatusError {
  const message = `Operation cannot be fulfilled on ${qualified(resource)} "${name}": ${why}`
  return new StatusError(409, 'Conflict', message, details(resource, name))
}

export const modified =
  'the object has been modified; please apply your changes to the latest version and try again'

/** 422; the message lists all causes as the API server does. `group` and `kind` are those of the object. */
export function invalid(group: string, kind: string, name: string, causes: StatusCause[]): StatusError {
  const list = causes.map(({ field, message }) => (field ? `${field}: ${message}` : `${message}`))
  const text = list.length === 1 ? list[0] : `[${list.join(', ')}]`
  const what = group ? `${kind}.${group}` : kind
  return new StatusError(422, 'Invalid', `${what} "${name}" is invalid: ${text}`, {
    name,
    ...(group ? { group } : {}),
    kind,
    causes,
  })
}

export function badRequest(message: string): StatusError {
  return new StatusError(400, 'BadRequest', message)
}

export function forbidden(resource: ResourceName, name: string, why: string): StatusError {
  const message = `${qualified(resource)}${name ? ` "${name}"` : ''} is forbidden: ${why}`
  return new StatusError(403, 'Forbidden', message, details(resource, name))
}

/** 410: the revision asked for was compacted away. */
export function expired(wanted: number, oldest: number): StatusError {
  return new StatusError(410, 'Expired', `too old resource version: ${wanted} (${oldest})`)
}

export function methodNotAllowed(): StatusError {
  return new StatusError(
    405,
    'MethodNotAllowed',
    'the server does not allow this method on the requested resource',
  )
}

export function unknownPath(): StatusError {
  return new StatusError(404, 'NotFound', 'the server could not find the requested resource', {})
}
