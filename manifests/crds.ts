import { stringify } from 'yaml'
import { customResourceDefinition, kinds } from '../common/api/crd.ts'

const head =
  '# Made from the schemas in common/api by `node manifests/generate.ts`; not to be edited by hand.\n'

/** The files of manifests/crds: name and text, one for each kind. */
export function crdFiles(): Map<string, string> {
  return new Map(
    kinds.map((kind) => [
      `${kind.resource.plural}.yaml`,
      head +
        stringify(customResourceDefinition(kind), {
          version: '1.1',
          lineWidth: 110,
          aliasDuplicateObjects: false,
        }),
    ]),
  )
}
