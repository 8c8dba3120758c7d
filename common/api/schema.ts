import Type, { type Static, type TSchema } from 'typebox'
import type { Condition, ObjectMeta, Quantities, Taint } from '../kube/objects.ts'
import { apiVersion } from './names.ts'

/**
 * Pieces our kinds are built from. A schema is plain JSON Schema with a few keywords of its own:
 * `default` is set by the API server; `builtInDefault` by us after AutoscalerConfig had its say (see defaults.ts);
 * `confidential` keeps a value out of messages (see check.ts); `x-kubernetes-*` are the API server's extensions.
 * crd.ts writes them into the CRDs.
 */

/** A CEL rule of the API server, kubernetes.io/docs/reference/using-api/cel. */
export interface Rule {
  rule: string
  message: string
  fieldPath?: string
  reason?: 'FieldValueInvalid' | 'FieldValueForbidden' | 'FieldValueRequired' | 'FieldValueDuplicate'
  /** `oldSelf` is an optional, so that the rule also runs on create: it can let an untouched old mistake pass. */
  optionalOldSelf?: boolean
}

/** The keyword that holds `rules` in a schema. */
export function rules(...list: Rule[]): { 'x-kubernetes-validations': Rule[] } {
  return { 'x-kubernetes-validations': list }
}

export const timestamp = (description: string) => Type.String({ format: 'date-time', description })

export const text = (description: string, maxLength: number, options: object = {}) =>
  Type.String({ description, maxLength, ...options })

/** Seconds from `minimum` to `maximum`. */
export const seconds = (description: string, minimum: number, maximum: number, options: object = {}) =>
  Type.Integer({ description, minimum, maximum, ...options })

export const percent = (description: string, options: object = {}) =>
  Type.Integer({ description, minimum: 0, maximum: 100, ...options })

/** A Kubernetes quantity of at least 0 (k8s.io/apimachinery pkg/api/resource), with any of its suffixes. */
export const quantityForm =
  '^\\+?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))))?$'

/** A map from any text; keys are bounded by the form of what they become (a label, a resource name). */
export const mapOf = <V extends TSchema>(value: V, options: object) =>
  Type.Unsafe<Record<string, Static<V>>>({ type: 'object', additionalProperties: value, ...options })

export const quantities = (description: string) =>
  Type.Unsafe<Quantities>(
    mapOf(
      Type.Union([Type.Integer(), Type.String()], {
        'x-kubernetes-int-or-string': true,
        pattern: quantityForm,
        minimum: 0,
        maxLength: 32,
      }),
      { description, maxProperties: 16 },
    ),
  )

/** A count of nodes, or a share of them such as "10%". */
export const countOrPercent = (description: string, options: object = {}) =>
  Type.Union([Type.Integer(), Type.String()], {
    description,
    'x-kubernetes-int-or-string': true,
    pattern: '^([0-9]|[1-9][0-9]|100)%$',
    minimum: 0,
    maxLength: 4,
    ...options,
  })

export const stringMap = (description: string, maxProperties: number, maxLength: number) =>
  mapOf(Type.String({ maxLength }), { description, maxProperties })

export const taintList = (description: string) =>
  Type.Unsafe<Taint[]>(
    Type.Array(
      Type.Object({
        key: text('Qualified name, as on a Node.', 316, { minLength: 1 }),
        value: Type.Optional(text('Label value.', 63)),
        effect: Type.Enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute'], { type: 'string' }),
        timeAdded: Type.Optional(timestamp('Ignored: the API server sets it on the Node.')),
      }),
      { description, maxItems: 32 },
    ),
  )

/**
 * Conditions keyed by type. Only type and status are demanded: conditions stored by the predecessor have no more,
 * and are whole again after our next write, which the static type describes.
 */
export const conditions = Type.Unsafe<Condition[]>(
  Type.Array(
    Type.Object({
      type: text('CamelCase name of the condition.', 316),
      status: Type.Enum(['True', 'False', 'Unknown'], { type: 'string' }),
      reason: Type.Optional(text('CamelCase word for why.', 1024)),
      message: Type.Optional(text('Sentence for people.', 32768)),
      lastTransitionTime: Type.Optional(timestamp('When status changed last.')),
      lastUpdateTime: Type.Optional(timestamp('Written by the predecessor only.')),
      observedGeneration: Type.Optional(
        Type.Integer({ minimum: 0, description: 'metadata.generation it speaks of.' }),
      ),
    }),
    { maxItems: 16, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] },
  ),
)

/** A whole kind: its spec and status beside what every object has. */
export function kindSchema<S extends TSchema, U extends TSchema>(
  kind: string,
  description: string,
  spec: S,
  status: U,
  objectRules: Rule[] = [],
) {
  return Type.Object(
    {
      apiVersion: Type.Optional(Type.Literal(apiVersion)),
      kind: Type.Optional(Type.Literal(kind)),
      metadata: Type.Unsafe<ObjectMeta>({ type: 'object' }),
      spec,
      status: Type.Optional(status),
    },
    { description, ...(objectRules.length > 0 ? rules(...objectRules) : {}) },
  )
}
