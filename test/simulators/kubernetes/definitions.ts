import type { KubeObject } from '../../../common/kube/objects.ts'
import type { Kind } from './kinds.ts'
import { type CustomSchema, customSchema } from './schema.ts'
import type { Store } from './store.ts'

interface Definition extends KubeObject {
  spec: {
    group: string
    scope: 'Namespaced' | 'Cluster'
    names: { kind: string; plural: string; shortNames?: string[] }
    versions: { name: string; subresources?: { status?: object } }[]
  }
}

/** The kinds that CRDs have added. */
export interface Definitions {
  /** Serves the kind of a CRD from now on, or its new schema. */
  apply(definition: KubeObject): void
  schemaOf(kind: Kind): CustomSchema | undefined
}

export function createDefinitions(store: Store): Definitions {
  const schemas = new Map<string, CustomSchema>()
  return {
    apply(definition) {
      const { group, names, scope, versions } = (definition as Definition).spec
      const [version] = versions
      store.kinds.add({
        group,
        version: version?.name ?? '',
        kind: names.kind,
        plural: names.plural,
        shortNames: names.shortNames ?? [],
        namespaced: scope === 'Namespaced',
        status: version?.subresources?.status !== undefined,
        custom: true,
      })
      schemas.set(names.plural, customSchema(definition))
    },
    schemaOf: ({ plural }) => schemas.get(plural),
  }
}
