import type { KubeObject } from '../../../common/kube/objects.ts'
import type { Admission, Admitter } from './admission.ts'
import type { DeleteOptions } from './deletion.ts'
import { jsonPatch, type Operation } from './json-patch.ts'
import { apiVersionOf, type Kind } from './kinds.ts'
import { isRecord, mergePatch } from './merge.ts'
import { checkBuiltIn, restrictKubelet } from './restrictions.ts'
import type { CustomSchema } from './schema.ts'
import { badRequest, invalid, StatusError } from './status.ts'
import { type Name, type Store, withName } from './store.ts'
import type { User } from './users.ts'

type Body = KubeObject & { status?: unknown; spec?: unknown }

export interface Write {
  kind: Kind
  name: Name
  subresource: string | undefined
  user: User
  dryRun: boolean
  /** What becomes of fields that the schema does not know. */
  fieldValidation: 'Ignore' | 'Warn' | 'Strict'
  warn: (text: string) => void
}

/** How the API server turns what a client sends into what is stored. */
export interface Writes {
  create(write: Write, body: unknown): Promise<KubeObject>
  /** Replaces the object, or its status. */
  update(write: Write, body: unknown): Promise<KubeObject>
  patch(write: Write, patch: unknown, contentType: string): Promise<KubeObject>
  delete(write: Write, options: DeleteOptions): KubeObject
}

const mostConflicts = 5

export function createWrites(
  store: Store,
  admitter: Admitter,
  schemaOf: (kind: Kind) => CustomSchema | undefined,
): Writes {
  async function admit(
    { kind, subresource, user, dryRun, warn }: Write,
    operation: Admission['operation'],
    object: Body,
    oldObject: Body | null,
  ): Promise<Body> {
    const schema = schemaOf(kind)
    checkBuiltIn(kind, object)
    restrictKubelet(user, kind, object, oldObject)
    const complete = (each: Body) => schema?.complete(each) ?? each
    const base = { kind, subresource, operation, oldObject, user, dryRun }
    const mutated = complete((await admitter.mutate({ ...base, object: complete(object) }, warn)) as Body)
    schema?.check(mutated, oldObject ?? undefined)
    await admitter.validate({ ...base, object: mutated }, warn)
    return mutated
  }

  /** The old object with what this write may change. */
  function changed({ kind, subresource }: Write, before: Body, wanted: Body): Body {
    const { resourceVersion, uid } = wanted.metadata
    const preconditions = {
      ...(resourceVersion ? { resourceVersion } : {}),
      ...(uid ? { uid } : {}),
    }
    if (subresource === 'status') {
      const metadata = kind.custom ? before.metadata : { ...before.metadata, ...labelsOf(wanted) }
      return { ...before, metadata: { ...metadata, ...preconditions }, status: wanted.status }
    }
    const { status: _, ...rest } = wanted
    const merged = { ...rest, metadata: { ...wanted.metadata, ...preconditions } }
    return kind.status && before.status !== undefined
      ? { ...merged, status: before.status }
      : kind.status
        ? merged
        : wanted
  }

  function checkFields({ kind, fieldValidation, warn }: Write, sent: KubeObject): void {
    const unknown = fieldValidation === 'Ignore' ? [] : (schemaOf(kind)?.unknownFields(sent) ?? [])
    const told = unknown.map((field) => `unknown field "${field}"`)
    if (fieldValidation === 'Strict' && told.length > 0)
      throw badRequest(`strict decoding error: ${told.join(', ')}`)
    for (const each of told) warn(each)
  }

  async function replace(write: Write, before: Body, wanted: Body): Promise<KubeObject> {
    const after = await admit(write, 'UPDATE', changed(write, before, wanted), before)
    if (write.dryRun) return after
    return store.update(write.kind.plural, after)
  }

  return {
    async create(write, body) {
      const object = readBody(write, body)
      checkFields(write, object)
      const { namespace } = object.metadata
      if (write.kind.namespaced && namespace) store.get('namespaces', { name: namespace })
      const { status: _, ...rest } = object
      const asked = write.kind.status && !write.kind.createsStatus ? rest : object
      const named = { ...asked, metadata: withName(object.metadata) } as Body
      const admitted = await admit(write, 'CREATE', named, null)
      return write.dryRun ? admitted : store.create(write.kind.plural, admitted)
    },

    async update(write, body) {
      const wanted = readBody(write, body)
      checkFields(write, wanted)
      if (write.kind.custom && !wanted.metadata.resourceVersion) throw versionRequired(write)
      return replace(write, store.get<Body>(write.kind.plural, write.name), wanted)
    },

    async patch(write, patch, contentType) {
      for (let attempt = 0; ; attempt++) {
        const before = store.get<Body>(write.kind.plural, write.name)
        const wanted = applyPatch(before, patch, contentType)
        if (attempt === 0) checkFields(write, wanted)
        try {
          // Without a version of the client's own, the server takes the one it has just read, and tries again.
          return await replace(write, before, wanted)
        } catch (error) {
          const isOurs = !namesVersion(patch) && attempt < mostConflicts
          if (!(error instanceof StatusError && error.code === 409 && isOurs)) throw error
        }
      }
    },

    delete({ kind, name, dryRun }, options) {
      if (dryRun) return store.get(kind.plural, name)
      return store.delete(kind.plural, name, options).object
    },
  }
}

function versionRequired({ kind, name }: Write): StatusError {
  const message = 'Invalid value: 0: must be specified for an update'
  return invalid(kind.group, kind.kind, name.name, [
    { reason: 'FieldValueInvalid', field: 'metadata.resourceVersion', message },
  ])
}

function labelsOf({ metadata }: Body): Partial<Body['metadata']> {
  const { labels, annotations } = metadata
  return { ...(labels ? { labels } : {}), ...(annotations ? { annotations } : {}) }
}

function readBody({ kind, name }: Write, body: unknown): Body {
  if (!isRecord(body) || !isRecord(body.metadata))
    throw badRequest('the body must be an object with metadata')
  const { apiVersion = apiVersionOf(kind), kind: named = kind.kind } = body as Partial<Body>
  if (apiVersion !== apiVersionOf(kind) || named !== kind.kind) {
    throw badRequest(
      `the object is ${apiVersion} ${named}, the path is for ${apiVersionOf(kind)} ${kind.kind}`,
    )
  }
  const metadata = body.metadata as unknown as Body['metadata']
  if (name.namespace && metadata.namespace && metadata.namespace !== name.namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
  }
  if (name.name && metadata.name !== name.name) {
    throw badRequest(
      `the name of the object (${metadata.name}) does not match the name on the URL (${name.name})`,
    )
  }
  return {
    ...body,
    metadata: { ...metadata, ...(name.namespace ? { namespace: name.namespace } : {}) },
  } as Body
}

// Strategic merge is taken as a plain merge patch: none of our programs sends one.
function applyPatch(before: Body, patch: unknown, contentType: string): Body {
  const [type = ''] = contentType.split(';')
  switch (type.trim()) {
    case 'application/merge-patch+json':
    case 'application/strategic-merge-patch+json':
      return mergePatch(before, patch) as Body
    case 'application/json-patch+json':
      return jsonPatch(before, patch as Operation[]) as Body
    default:
      throw new StatusError(
        415,
        'UnsupportedMediaType',
        `the body of the request was in an unknown format: ${type}`,
      )
  }
}

function namesVersion(patch: unknown): boolean {
  return isRecord(patch) && isRecord(patch.metadata) && patch.metadata.resourceVersion !== undefined
}
