import { isDeepStrictEqual } from 'node:util'
import type { NodeGroup } from '../../common/api/nodegroup.ts'
import { isOf } from '../../common/api/ownership.ts'
import { duplicate, forbidden, unsupported, type Violation } from '../../common/api/violation.ts'
import type { Surroundings } from '../caches.ts'
import { checkTemplate } from './checks.ts'

export interface Found {
  violations: Violation[]
  warnings: string[]
}

/** Fields that say where a group's machines are: they cannot change while there are any. */
const fixed = ['resourceIdentifier', 'datacenterID', 'project', 'provisioner'] as const

/** The rules about a NodeGroup that other objects decide; what is not known yet is skipped, and said. */
export function checkRelations(
  nodeGroup: NodeGroup,
  old: NodeGroup | undefined,
  { nodeGroups, vpsieNodes, configMap }: Surroundings,
  namespaces: readonly string[],
): Found {
  const violations = checkNamespace(nodeGroup, namespaces)
  const warnings: string[] = []
  const groups = nodeGroups()
  const claims = vpsieNodes()
  if (groups === undefined || claims === undefined) {
    warnings.push(
      'other objects are not known yet: uniqueness of the name and running machines were not checked',
    )
  }
  violations.push(...checkUnique(nodeGroup, groups ?? []))
  const own = (claims ?? []).filter((claim) => isOf(claim, nodeGroup))
  const template = checkConfigMap(nodeGroup, configMap)
  violations.push(...template.violations)
  warnings.push(...template.warnings)
  if (old) violations.push(...checkFixed(nodeGroup, old, own.length))
  const { maxNodes } = nodeGroup.spec ?? {}
  if (own.length > maxNodes && old && old.spec.maxNodes !== maxNodes) {
    warnings.push(
      `spec.maxNodes ${maxNodes} is below the ${own.length} machines there are; they go only when unneeded`,
    )
  }
  return { violations, warnings }
}

/** A template that is kept in a ConfigMap is rendered as it is now; it is rendered again for each machine. */
function checkConfigMap({ metadata, spec }: NodeGroup, configMap: Surroundings['configMap']): Found {
  const { name, key } = spec.cloudInit?.configMapRef ?? {}
  if (!name || !key) return { violations: [], warnings: [] }
  const field = 'spec.cloudInit.configMapRef'
  const found = configMap(`${metadata.namespace}/${name}`)
  if (found === undefined)
    return {
      violations: [],
      warnings: [`${field}: ConfigMaps are not known yet, so the template was not checked`],
    }
  const template = found?.data?.[key]
  if (template !== undefined) return { violations: checkTemplate(template, spec, field), warnings: [] }
  const lacking = found === null ? `ConfigMap ${metadata.namespace}/${name}` : `key ${key} of the ConfigMap`
  // The ConfigMap may be applied after the group; no machine is ordered without it.
  return {
    violations: [],
    warnings: [`${field}: ${lacking} does not exist; no machine is ordered until it does`],
  }
}

function checkNamespace({ metadata }: NodeGroup, namespaces: readonly string[]): Violation[] {
  if (namespaces.includes(metadata.namespace ?? '')) return []
  return [unsupported('metadata.namespace', metadata.namespace ?? '', namespaces)]
}

// Nodes name their group by a label, which has no room for a namespace.
function checkUnique({ metadata }: NodeGroup, groups: readonly NodeGroup[]): Violation[] {
  const twin = groups.find(
    (other) => other.metadata.name === metadata.name && other.metadata.namespace !== metadata.namespace,
  )
  return twin
    ? [
        {
          ...duplicate('metadata.name', metadata.name),
          message: `Duplicate value: "${metadata.name}": namespace ${twin.metadata.namespace} has a NodeGroup of this name`,
        },
      ]
    : []
}

function checkFixed(nodeGroup: NodeGroup, old: NodeGroup, machines: number): Violation[] {
  if (machines === 0) return []
  return fixed
    .filter((name) => !isDeepStrictEqual(nodeGroup.spec[name], old.spec[name]))
    .map((name) =>
      forbidden(`spec.${name}`, `cannot change while the group has machines: it has ${machines}`),
    )
}
