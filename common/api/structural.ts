import type { TSchema } from 'typebox'

/** Keywords that a CustomResourceDefinition spells as JSON Schema does. */
const kept = [
  'description',
  'type',
  'format',
  'default',
  'enum',
  'minimum',
  'maximum',
  'minLength',
  'maxLength',
  'pattern',
  'minItems',
  'maxItems',
  'maxProperties',
  'x-kubernetes-int-or-string',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-validations',
]

/** Keywords that are for our programs only, or that CustomResourceDefinitions may not have. */
const dropped = ['builtInDefault', 'confidential', 'form', 'const']

/** Keywords that are translated below. */
const translated = ['properties', 'required', 'items', 'additionalProperties', 'anyOf', 'uniqueItems']

type Written = Record<string, unknown>

/**
 * The schema as a structural one of apiextensions.k8s.io/v1
 * (kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions). Throws on a keyword it
 * does not know: dropping one in silence would let the API server accept what our own check refuses.
 */
export function structuralSchema(schema: TSchema): Written {
  const source = schema as Written
  for (const keyword of Object.keys(source)) {
    if (![...kept, ...dropped, ...translated].includes(keyword)) {
      throw new Error(`Cannot write the schema as keyword "${keyword}" has no counterpart in a CRD`)
    }
  }
  const written: Written = {}
  for (const keyword of kept) if (source[keyword] !== undefined) written[keyword] = source[keyword]
  if ('const' in source) written.type = 'string'
  if (source.uniqueItems) written['x-kubernetes-list-type'] = 'set'
  if (source.anyOf) written.anyOf = (source.anyOf as TSchema[]).map(structuralSchema)
  if (Array.isArray(source.required) && source.required.length > 0) written.required = source.required
  for (const keyword of ['items', 'additionalProperties']) {
    if (source[keyword]) written[keyword] = structuralSchema(source[keyword] as TSchema)
  }
  if (source.properties) {
    const fields = Object.entries(source.properties as Record<string, TSchema>)
    written.properties = Object.fromEntries(fields.map(([name, field]) => [name, structuralSchema(field)]))
  }
  return written
}
