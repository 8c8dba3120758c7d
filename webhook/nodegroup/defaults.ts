import { isDeepStrictEqual } from 'node:util'
import { isAdopted } from '../../common/api/adoption.ts'
import type { AutoscalerConfig } from '../../common/api/autoscalerconfig.ts'
import { effectiveNodeGroup } from '../../common/api/defaults.ts'
import { annotations } from '../../common/api/names.ts'
import type { NodeGroup } from '../../common/api/nodegroup.ts'
import { type PatchOperation, pointerToken } from '../review.ts'

/**
 * The patch that fills the absent fields of a NodeGroup, from the AutoscalerConfig and then by our own defaults, and
 * marks a new one as adopted, so that all its settings count. Doing it twice changes nothing.
 */
export function defaultNodeGroup(
  nodeGroup: NodeGroup,
  config: AutoscalerConfig | null | undefined,
  isNew: boolean,
): PatchOperation[] {
  const { metadata, spec } = nodeGroup
  const adopted = metadata.annotations?.[annotations.adoptSettings] !== undefined
  const patch = isNew && !adopted ? annotate(metadata.annotations) : []
  // What is not known yet must not be filled in for good; nor may a group of the Go autoscaler's time come to show
  // fields that nobody set. The controller fills both in on reading.
  const isOld = !isNew && !isAdopted(nodeGroup)
  if (config === undefined || isOld || typeof spec !== 'object' || spec === null) return patch
  const filled = effectiveNodeGroup(nodeGroup, config ?? undefined).spec
  return [...patch, ...differences('/spec', spec as object, filled as object)]
}

function annotate(present: Readonly<Record<string, string>> | undefined): PatchOperation[] {
  const key = annotations.adoptSettings
  return present
    ? [{ op: 'add', path: `/metadata/annotations/${pointerToken(key)}`, value: 'true' }]
    : [{ op: 'add', path: '/metadata/annotations', value: { [key]: 'true' } }]
}

/** What must be added to `before` to make `after`, at the deepest place possible. Nothing is ever taken away. */
function differences(path: string, before: object, after: object): PatchOperation[] {
  return Object.entries(after).flatMap(([name, value]): PatchOperation[] => {
    const at = `${path}/${pointerToken(name)}`
    const present = (before as Record<string, unknown>)[name]
    if (isDeepStrictEqual(present, value)) return []
    if (isRecord(present) && isRecord(value)) return differences(at, present, value)
    return [{ op: 'add', path: at, value }]
  })
}

function isRecord(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
