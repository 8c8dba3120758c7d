import { annotations, labels } from '../../../common/api/names.ts'
import { identitiesOf, identitiesOfClaim } from '../../../common/api/ownership.ts'
import type { VPSieNode } from '../../../common/api/vpsienode.ts'
import type { Clock } from '../../../common/clock.ts'
import { resources } from '../../../common/kube/resources.ts'
import { isMovable } from '../../../controller/nodes/drain.ts'
import type { ClientCall } from '../../fixtures/kube-client.ts'
import type { Store } from '../../simulators/kubernetes/store.ts'
import type { VPSieInMemory } from '../../simulators/vpsie/memory.ts'
import type { SimulatedMachine } from '../../simulators/vpsie/model.ts'
import type { SimulatedCluster } from './cluster.ts'

/** What must stay zero, and a sentence for each time it did not. */
export interface Verdict {
  leaked: number
  doubled: number
  wronglyDeleted: number
  overBudget: number
  evictionsAgainstPdb: number
  sentences: string[]
}

interface Seen {
  store: Store
  vpsie: VPSieInMemory
  cluster: SimulatedCluster
  clock: Clock
  isVM: boolean
}

/** Sees the cloud as it is, which the controller cannot, and judges by that alone. */
export class Oracle {
  readonly verdict: Verdict = {
    leaked: 0,
    doubled: 0,
    wronglyDeleted: 0,
    overBudget: 0,
    evictionsAgainstPdb: 0,
    sentences: [],
  }
  readonly handMade = new Set<string>()
  /** Machines deleted by a person, not by us. */
  readonly vanished = new Set<string>()
  /** Machines that were marked protected while nothing was under way about them. */
  readonly protected = new Set<string>()
  readonly #seen: Seen
  readonly #limits: { maxNodes: number; maxMonthlyCost: number }
  readonly #deleted = new Set<string>()
  readonly #told = new Set<string>()

  constructor(seen: Seen, limits: { maxNodes: number; maxMonthlyCost: number }) {
    this.#seen = seen
    this.#limits = limits
  }

  /** After a call of a controller was carried out. */
  called({ verb, plural, name }: ClientCall): void {
    if (verb === 'delete' && plural === 'pods')
      this.#break('evictionsAgainstPdb', `pod ${name} was deleted by force`)
    if (verb !== 'evict') return
    const workload = name.replace(/-\d+$/, '')
    const { cluster } = this.#seen
    const left = cluster.healthy(workload)
    if (left < cluster.minAvailable(workload))
      this.#break('evictionsAgainstPdb', `eviction of ${name} left ${left} of ${workload}`)
  }

  /** After each step of time. */
  look(): void {
    const { vpsie } = this.#seen
    this.#lookAtDeletions()
    // What VPSie has agreed to delete costs nothing any more.
    const alive = vpsie.machines.filter((machine) => this.#isOurs(machine) && machine.state !== 'deleting')
    this.#lookAtCount(alive)
    this.#lookAtSpend(alive)
  }

  /** When everything has come to rest: machines and claims are one to one. */
  judgeRest(stuck: readonly VPSieNode[], reported: number): void {
    const { cloud } = this.#seen.vpsie
    if (cloud.reduceCalls > 0) this.#break('wronglyDeleted', 'VPSie was asked to choose a machine itself')
    if (cloud.pools.some(({ deleted }) => deleted)) this.#break('wronglyDeleted', 'a pool was deleted')
    const claims = this.#claims()
    for (const claim of stuck) this.#break('leaked', `claim ${textOf(claim)} has not come to rest`)
    const alive = this.#seen.vpsie.machines.filter((machine) => this.#isOurs(machine))
    const lost = alive.filter((machine) => !claims.some((claim) => isOwner(claim, machine)))
    // What a proxy's repetition made cannot be told from what people made: it may be left over, if it is reported.
    const strangers = this.#seen.isVM ? 0 : this.#handMadeAlive()
    if (lost.length > this.#repeats() || reported < lost.length + strangers)
      for (const { identifier } of lost) this.#break('leaked', `machine ${identifier} has no claim`)
    for (const machine of alive) {
      const owners = claims.filter((claim) => isOwner(claim, machine))
      if (owners.length > 1) this.#break('doubled', `${machine.identifier} has ${owners.length} claims`)
    }
    for (const claim of claims) {
      const own = this.#seen.vpsie.machines.filter(
        (machine) => machine.state !== 'deleted' && isOwner(claim, machine),
      )
      if (own.length > 1) this.#break('doubled', `claim ${textOf(claim)} has ${own.length} machines`)
      if (own.some(({ identifier }) => this.handMade.has(identifier)))
        this.#break('doubled', `claim ${textOf(claim)} has adopted a machine made by hand`)
      if (own.length === 0) this.#break('leaked', `claim ${textOf(claim)} has no machine`)
    }
  }

  #repeats(): number {
    return this.#seen.vpsie.machines.filter(({ orderedBy }) => orderedBy === 'repeat').length
  }

  #handMadeAlive(): number {
    return this.#seen.vpsie.machines.filter(
      ({ identifier, state }) => this.handMade.has(identifier) && state !== 'deleted',
    ).length
  }

  #claims(): VPSieNode[] {
    return this.#seen.store.list(resources.vpsieNodes)
  }

  #isOurs({ identifier, role, state }: SimulatedMachine): boolean {
    return role === 'slave' && state !== 'deleted' && !this.handMade.has(identifier)
  }

  #lookAtDeletions(): void {
    for (const machine of this.#seen.vpsie.machines) {
      const { identifier, state } = machine
      if ((state !== 'deleting' && state !== 'deleted') || this.#deleted.has(identifier)) continue
      this.#deleted.add(identifier)
      if (this.vanished.has(identifier)) continue
      if (machine.role === 'master' || this.handMade.has(identifier))
        this.#break('wronglyDeleted', `${identifier} is not ours`)
      if (this.#seen.cluster.isDead(machine)) continue
      const pods = this.#seen.cluster.podsOf(machine).filter(isMovable)
      if (pods.length > 0)
        this.#break('wronglyDeleted', `${identifier} ran ${pods.map(({ metadata }) => metadata.name)}`)
      if (this.protected.has(identifier)) this.#break('wronglyDeleted', `${identifier} was protected`)
    }
  }

  // Every machine is one that a claim owns or has on order, so there are never more of them than claims.
  #lookAtCount(alive: readonly SimulatedMachine[]): void {
    const claims = this.#claims().length
    if (alive.length - this.#repeats() > claims)
      this.#break('doubled', `${alive.length} machines for ${claims} claims`)
  }

  #lookAtSpend(alive: readonly SimulatedMachine[]): void {
    const { maxNodes, maxMonthlyCost } = this.#limits
    const claims = this.#claims()
    for (const group of ['workers', 'others']) {
      const own = claims.filter(({ metadata }) => metadata.labels?.[labels.nodeGroup] === group)
      const machines = alive.filter((machine) => own.some((claim) => isOwner(claim, machine)))
      const open = own.filter(
        (claim) =>
          identitiesOfClaim(claim).length === 0 &&
          claim.metadata.annotations?.[annotations.requestedAt] !== undefined,
      )
      // A repeated order of a plain VPS makes two of one host name; the second is a proxy's doing, and goes again.
      const repeated = this.#seen.isVM ? machines.filter(({ orderedBy }) => orderedBy === 'repeat').length : 0
      const count = machines.length - repeated + open.length
      const cost = count * 20
      if (count > maxNodes || cost > maxMonthlyCost)
        this.#break('overBudget', `${group} has ${count} machines for ${cost}`)
    }
  }

  #break(rule: Exclude<keyof Verdict, 'sentences'>, sentence: string): void {
    if (this.#told.has(`${rule} ${sentence}`)) return
    this.#told.add(`${rule} ${sentence}`)
    this.verdict[rule]++
    this.verdict.sentences.push(
      `at ${(this.#seen.clock.monotonic() / 1000).toFixed(0)} s ${rule}: ${sentence}`,
    )
  }
}

/** True if the claim's record names the machine. */
export function isOwner(claim: VPSieNode, { identifier, id, hostname }: SimulatedMachine): boolean {
  const names = identitiesOf({ uuid: identifier, numericID: id, hostname })
  return identitiesOfClaim(claim).some((identity) => names.includes(identity))
}

function textOf({ metadata, status, spec }: VPSieNode): string {
  return `${metadata.name} (${status?.phase ?? 'new'}, ${spec.vpsieNodeIdentifier ?? spec.vpsieInstanceID}, ${
    metadata.deletionTimestamp ? 'leaving' : 'staying'
  }, ${JSON.stringify(metadata.annotations)})`
}
