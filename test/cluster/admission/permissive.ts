import type { KubeObject } from '../../../common/kube/objects.ts'
import { kustomize } from '../../../manifests/kustomize.ts'

interface Definition extends KubeObject {
  spec: { versions: { schema: { openAPIV3Schema: object } }[] }
}

/** Our CustomResourceDefinitions as they would be without any rule, so that what breaks them can be stored. */
export function permissiveDefinitions(): KubeObject[] {
  const anything = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }
  return (kustomize('crds') as Definition[]).map(({ spec, ...definition }) => ({
    ...definition,
    spec: {
      ...spec,
      versions: spec.versions.map((version) => ({
        ...version,
        schema: { openAPIV3Schema: { type: 'object', properties: { spec: anything, status: anything } } },
      })),
    },
  }))
}
