import type { AutoscalerConfig, GlobalSettings } from '../../../common/api/autoscalerconfig.ts'
import { apiVersion, configName } from '../../../common/api/names.ts'
import type { NodeGroup } from '../../../common/api/nodegroup.ts'
import type { KubeObject, Node, Pod } from '../../../common/kube/objects.ts'
import { keyOf } from '../../../common/kube/resources.ts'
import type { DecideOptions } from '../../decide/options.ts'
import type { ClusterState } from '../../decide/state.ts'

/** All that a decision is made from. */
export interface Situation {
  readonly state: ClusterState
  readonly options: DecideOptions
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** Makes another situation of one; what it does not touch stays the same object. */
export type Edit = (situation: Situation) => Situation

type Part<K extends keyof ClusterState> = ClusterState[K]

function withPart<K extends keyof ClusterState>(
  { state, ...rest }: Situation,
  part: K,
  change: (before: Part<K>) => Part<K>,
): Situation {
  return { ...rest, state: { ...state, [part]: change(state[part]) } }
}

function mapOne<T extends KubeObject>(objects: readonly T[], key: string, change: (object: T) => T): T[] {
  return objects.map((object) => (keyOf(object) === key ? change(object) : object))
}

/** A pod that is otherwise. */
export const withPod =
  (key: string, change: (pod: Pod) => Pod): Edit =>
  (situation) =>
    withPart(situation, 'pods', (pods) => mapOne(pods, key, change))

/** The cluster without a pod. */
export const withoutPod =
  (key: string): Edit =>
  (situation) =>
    withPart(situation, 'pods', (pods) => pods.filter((pod) => keyOf(pod) !== key))

/** A Node, or with `undefined` all of them, otherwise. */
export const withNode =
  (name: string | undefined, change: (node: Node) => Node): Edit =>
  (situation) =>
    withPart(situation, 'nodes', (nodes) =>
      nodes.map((node) => (name === undefined || node.metadata.name === name ? change(node) : node)),
    )

/** A NodeGroup with some fields of its spec otherwise. */
export const withGroup =
  (key: string, spec: (before: NodeGroup['spec']) => Partial<NodeGroup['spec']>): Edit =>
  (situation) =>
    withPart(situation, 'nodeGroups', (groups) =>
      mapOne(groups, key, (group) => ({ ...group, spec: { ...group.spec, ...spec(group.spec) } })),
    )

/** A NodeGroup that keeps no room spare: no share of anything is nothing. */
export const withoutHeadroom = (key: string): Edit => withGroup(key, () => ({ headroom: { percent: 0 } }))

/** The AutoscalerConfig with some global settings otherwise. */
export const withSettings =
  (settings: Partial<GlobalSettings>): Edit =>
  (situation) =>
    withPart(situation, 'autoscalerConfig', (config) => {
      const before: AutoscalerConfig = config ?? {
        apiVersion,
        kind: 'AutoscalerConfig',
        metadata: { name: configName },
        spec: {},
      }
      const globalSettings = { ...before.spec.globalSettings, ...settings }
      return { ...before, spec: { ...before.spec, globalSettings } }
    })

/** Any other part of the state otherwise. */
export const withState =
  <K extends keyof ClusterState>(part: K, change: (before: Part<K>) => Part<K>): Edit =>
  (situation) =>
    withPart(situation, part, change)

export const withOptions =
  (options: Partial<DecideOptions>): Edit =>
  (situation) => ({ ...situation, options: { ...situation.options, ...options } })

/** The same cluster later. */
export const atTime =
  (now: number): Edit =>
  (situation) => ({ ...situation, now })

export const both =
  (...edits: readonly Edit[]): Edit =>
  (situation) =>
    edits.reduce((before, edit) => edit(before), situation)

/** An object with annotations set, or with `undefined` taken off. */
export function annotated<T extends KubeObject>(object: T, change: Record<string, string | undefined>): T {
  return {
    ...object,
    metadata: { ...object.metadata, annotations: merged(object.metadata.annotations, change) },
  }
}

/** An object with labels set, or with `undefined` taken off. */
export function labelled<T extends KubeObject>(object: T, change: Record<string, string | undefined>): T {
  return { ...object, metadata: { ...object.metadata, labels: merged(object.metadata.labels, change) } }
}

function merged(
  before: Readonly<Record<string, string>> | undefined,
  change: Record<string, string | undefined>,
): Record<string, string> {
  const all = Object.entries({ ...before, ...change })
  return Object.fromEntries(all.filter((entry): entry is [string, string] => entry[1] !== undefined))
}
