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
  schemaOf(kind: Kind): CustomSchema | undefined
}

/** Serves the kinds of the CRDs in the store: a new one is established at once, one that goes takes its objects along. */
export function createDefinitions(store: Store): Definitions {
  const schemas = new Map<string, CustomSchema>()

  function establish(definition: Definition): void {
    const { group, names, scope, versions } = definition.spec
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
    const condition = (type: string, reason: string) => ({
      type,
      status: 'True',
      reason,
      message: '',
      lastTransitionTime: definition.metadata.creationTimestamp,
    })
    const status = {
      acceptedNames: names,
      storedVersions: versions.map(({ name }) => name),
      conditions: [
        condition('NamesAccepted', 'NoConflicts'),
        condition('Established', 'InitialNamesAccepted'),
      ],
    }
    if (store.find(plural, definition.metadata)) store.patch(plural, definition.metadata, { status })
  }

  function withdraw({ spec: { group, names } }: Definition): void {
    for (const { metadata } of store.list(names.plural)) {
      if (metadata.finalizers?.length) store.patch(names.plural, metadata, { metadata: { finalizers: null } })
      if (store.find(names.plural, metadata)) store.delete(names.plural, metadata)
    }
    store.kinds.remove({ group, plural: names.plural })
    schemas.delete(names.plural)
  }

  store.onChange((change) => {
    if (change.plural !== plural) return
    const definition = change.object as Definition
    if (change.type === 'DELETED') withdraw(definition)
    else establish(definition)
  })

  return { schemaOf: ({ plural }) => schemas.get(plural) }
}

const plural = 'customresourcedefinitions'
