import { annotations } from '../../common/api/names.ts'
import type { VPSieNode } from '../../common/api/vpsienode.ts'
import type { Cluster } from './cluster.ts'
import type { Group } from './groups.ts'
import { isLeaving, isReady, type Member } from './members.ts'

/** A replacement that is under way: the machines ordered for it, and the nodes that are to go. */
export interface Replacement {
  readonly group: Group
  readonly newcomers: readonly Member[]
  /** True once every newcomer can take pods. */
  readonly isReady: boolean
}

/** The Nodes that a claim was ordered in place of; empty for an ordinary one. */
export function replacedBy({ metadata }: VPSieNode): string[] {
  return metadata.annotations?.[annotations.replaces]?.split(',').filter((name) => name !== '') ?? []
}

/** Replacements under way by the name of each node that is to go; and the nodes still there, by newcomer. */
export function readReplacements({
  groups,
  world,
  memberOf,
}: Pick<Cluster, 'groups' | 'world' | 'memberOf'>) {
  const byNode = new Map<string, Replacement>()
  const waitsFor = new Map<string, string>()
  for (const group of groups) {
    for (const newcomer of group.staying) {
      const old = newcomer.claim ? replacedBy(newcomer.claim) : []
      const present = old.filter((name) => {
        const owner = memberOf.get(name)
        return owner?.group === group && owner.member.node !== undefined && !isLeaving(owner.member)
      })
      const [first] = present
      if (first !== undefined) waitsFor.set(newcomer.name, first)
      for (const name of present) {
        const newcomers = [...(byNode.get(name)?.newcomers ?? []), newcomer]
        byNode.set(name, { group, newcomers, isReady: newcomers.every(canTakePods) })
      }
    }
  }

  function canTakePods({ node, name }: Member): boolean {
    return node !== undefined && isReady(node) && world.bin(name)?.kind === 'node'
  }
  return { byNode, waitsFor }
}
