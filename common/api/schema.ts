import Type, { type Static, type TSchema } from 'typebox'
import type { Condition, ObjectMeta, Quantities, Taint } from '../kube/objects.ts'
import { apiVersion, group } from './names.ts'

/**
 * Pieces our kinds are built from. A schema is plain JSON Schema with a few keywords of its own:
 * `default` is set by the API server; `builtInDefault` by us after AutoscalerConfig had its say (see defaults.ts);
 * `confidential` keeps a value out of messages and `form` says in words what a pattern wants (see check.ts);
 * `x-kubernetes-*` are the API server's extensions.
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

/** Forms of texts: as a pattern, and in words for the message. */
export const forms = {
  identifier: { pattern: '^[a-zA-Z0-9_-]+$', form: 'letters, digits, "-" and "_"' },
  size: { pattern: '^[a-zA-Z0-9._-]+$', form: 'letters, digits, ".", "-" and "_"' },
  image: { pattern: '^[a-zA-Z0-9_.-]*$', form: 'letters, digits, ".", "-" and "_"' },
  version: {
    pattern: '^v(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*)(-[0-9A-Za-z.-]+)?(\\+[0-9A-Za-z.-]+)?$',
    form: 'a version such as v1.34.1',
  },
  duration: {
    pattern: '^(0|([0-9]+(\\.[0-9]+)?(ms|s|m|h|d))+)$',
    form: 'a duration such as "15s", "10m" or "1h30m"',
  },
  cron: {
    pattern: '^\\S+( +\\S+){4}$',
    form: 'five fields separated by spaces: minute, hour, day of month, month, day of week',
  },
  objectName: {
    pattern: '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$',
    form: 'lower case letters, digits, "-" and ".", with a letter or digit at both ends',
  },
} as const

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
        form: 'a quantity such as "500m" or "2Gi"',
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
    form: 'a count, or a share such as "10%"',
    minimum: 0,
    maxLength: 4,
    ...options,
  })

/** A label value: empty, or with a letter or digit at both ends (k8s.io/apimachinery pkg/util/validation). */
const labelValue = {
  pattern: '^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$',
  form: 'empty, or letters, digits, "-", "_" and ".", with a letter or digit at both ends',
}

// A qualified name: a DNS name and "/" if it has a prefix, then at most 63 characters.
const dnsPart = '[a-z0-9]([-a-z0-9]*[a-z0-9])?'
const qualifiedName = `^(${dnsPart}([.]${dnsPart})*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$`
const ofKubernetes = '^([^/]*[.])?(kubernetes|k8s)[.]io/'

const reserved = (key: string) => `(${key}.matches('${ofKubernetes}') || ${key}.startsWith('${group}/'))`
const reservedMessage = `keys of kubernetes.io, k8s.io, what is below them, and ${group} are not for a NodeGroup to set`

/** Labels that people choose for Nodes. Keys that were there before pass, so that others can be put right one by one. */
export const labelMap = (description: string) =>
  mapOf(Type.String({ maxLength: 63, ...labelValue }), {
    description,
    maxProperties: 64,
    ...rules(
      {
        rule: `self.all(x, x in oldSelf.orValue({}) || x.matches('${qualifiedName}'))`,
        message:
          'keys must be qualified names: at most one "/", a DNS name before it, at most 63 characters after',
        optionalOldSelf: true,
      },
      {
        rule: `self.all(x, x in oldSelf.orValue({}) || !${reserved('x')})`,
        message: reservedMessage,
        optionalOldSelf: true,
      },
    ),
  })

/** Texts of which none may be there twice. */
export const distinct: Rule = {
  rule: 'self.all(x, self.exists_one(y, x == y))',
  message: 'each must be listed once',
  reason: 'FieldValueDuplicate',
}

/** Taints that people choose for Nodes: one for each key and effect. */
export const taintList = (description: string) =>
  Type.Unsafe<Taint[]>(
    Type.Array(
      Type.Object({
        key: text('Qualified name, as on a Node.', 317, {
          minLength: 1,
          pattern: qualifiedName,
          form: 'a name as of a label: at most one "/", a DNS name before it, at most 63 characters after',
          ...rules({ rule: `!${reserved('self')}`, message: reservedMessage }),
        }),
        value: Type.Optional(text('Label value.', 63, labelValue)),
        effect: Type.Enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute'], { type: 'string' }),
        timeAdded: Type.Optional(timestamp('Ignored: the API server sets it on the Node.')),
      }),
      {
        description,
        maxItems: 32,
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['key', 'effect'],
      },
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
