import type { TSchema } from 'typebox'
import type { AutoscalerConfig } from './autoscalerconfig.ts'
import { type NodeGroup, type NodeGroupSpec, nodeGroupSpec } from './nodegroup.ts'

type Complete<K extends keyof NodeGroupSpec> = { [P in K]-?: Required<NonNullable<NodeGroupSpec[P]>> }

type DefaultedSpec = Required<
  Pick<NodeGroupSpec, 'allowMixedInstances' | 'dryRun' | 'priority' | 'provisioner'>
> &
  Complete<'scaleUpPolicy' | 'scaleDownPolicy' | 'drain' | 'disruption'>

/** A NodeGroup in which every field that has a default is there. */
export type EffectiveNodeGroup = NodeGroup & { spec: NodeGroupSpec & DefaultedSpec }

/**
 * The NodeGroup with its absent fields filled, at any depth: first from the config's `nodeGroupDefaults`, then
 * from the defaults of the schema. What is there stays, false and 0 included; a list or map is one field. Gives a
 * new object that shares the untouched parts; filling twice changes nothing.
 */
export function effectiveNodeGroup(nodeGroup: NodeGroup, config?: AutoscalerConfig): EffectiveNodeGroup {
  const spec = fill(nodeGroupSpec, nodeGroup.spec, config?.spec.nodeGroupDefaults)
  // True because every field of DefaultedSpec has a default in the schema, which the test goes through.
  return { ...nodeGroup, spec: spec as EffectiveNodeGroup['spec'] }
}

interface ObjectSchema {
  properties?: Record<string, TSchema>
  default?: unknown
  builtInDefault?: unknown
}

function fill(schema: ObjectSchema, own: object, preset: object | undefined): object {
  const filled: Record<string, unknown> = { ...own }
  for (const [name, field] of Object.entries<ObjectSchema>(schema.properties ?? {})) {
    const presetValue = fieldOf(preset, name)
    const value = fieldOf(own, name) ?? presetValue ?? field.default ?? field.builtInDefault
    if (value === undefined) continue
    filled[name] = field.properties && isRecord(value) ? fill(field, value, asRecord(presetValue)) : value
  }
  return filled
}

function fieldOf(object: object | undefined, name: string): unknown {
  return object && Object.hasOwn(object, name) ? (object as Record<string, unknown>)[name] : undefined
}

function isRecord(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function asRecord(value: unknown): object | undefined {
  return isRecord(value) ? value : undefined
}
