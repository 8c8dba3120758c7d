import { type Catalog, type ClusterSeed, type Size, uuid } from './catalog.ts'
import { Refusal, type SimulatedMachine, type SimulatedPool } from './model.ts'

export interface CloudOptions {
  catalog: Catalog
  /** From order to running. */
  bootMs: number
  /** From the order to delete until the machine is gone. */
  deleteMs: number
  /** Workers a cluster may have; Infinity for no limit. */
  quota: number
}

/**
 * The rules of the simulated cloud: no clock, no network. Every call is told the time, and `step` brings the state up
 * to a time. Sizes out of stock are refused; a cluster has one pool a size.
 */
export class Cloud {
  readonly machines: SimulatedMachine[] = []
  readonly pools: SimulatedPool[] = []
  readonly outOfStock = new Set<number>()
  quota: number
  /** Calls of `reduce`, which lets VPSie choose the victim. The autoscaler must never make one. */
  reduceCalls = 0
  readonly #options: CloudOptions

  constructor(options: CloudOptions, now: number) {
    this.#options = options
    this.quota = options.quota
    for (const cluster of options.catalog.clusters) {
      for (let i = 0; i < cluster.masters; i++)
        this.#make(cluster, 'master', undefined, this.size(options.catalog.sizes[0]?.id ?? 0), 'seed', now)
    }
    for (const machine of this.machines) Object.assign(machine, { state: 'running', runningAt: now })
  }

  get catalog(): Catalog {
    return this.#options.catalog
  }

  cluster(identifier: string): ClusterSeed {
    return found(
      this.catalog.clusters.find((cluster) => cluster.identifier === identifier),
      'Cluster',
    )
  }

  size(id: number): Size {
    return found(
      this.catalog.sizes.find((size) => size.id === id),
      'Size',
    )
  }

  pool(id: number): SimulatedPool {
    return found(
      this.pools.find((pool) => pool.id === id && !pool.deleted),
      'Group',
    )
  }

  poolsOf(clusterID: string): SimulatedPool[] {
    return this.pools.filter((pool) => pool.clusterID === clusterID && !pool.deleted)
  }

  /** Machines that exist, those being built or deleted included. */
  machinesOf(clusterID: string): SimulatedMachine[] {
    return this.machines.filter((machine) => machine.clusterID === clusterID && machine.state !== 'deleted')
  }

  /** Machines that existed at a time. */
  machinesAt(clusterID: string, at: number): SimulatedMachine[] {
    return this.machines.filter(
      ({ clusterID: of, createdAt, deletedAt = Infinity }) =>
        of === clusterID && createdAt <= at && deletedAt > at,
    )
  }

  addPool(clusterID: string, name: string, sizeID: number, now: number): SimulatedPool {
    const cluster = this.cluster(clusterID)
    const taken = this.poolsOf(clusterID).find((pool) => pool.size.id === sizeID)
    if (taken)
      throw new Refusal(400, `Group ${taken.name} has same selected Size, please select another size`)
    const n = this.pools.length + 1
    const pool = {
      id: 700 + n,
      identifier: uuid('7', n),
      name,
      clusterID,
      datacenterID: cluster.datacenterID,
      size: this.size(sizeID),
      createdAt: now,
      deleted: false,
    }
    this.pools.push(pool)
    return pool
  }

  /** Orders a worker in a pool, or by hand of a size without one. */
  order(clusterID: string, where: { poolID: number } | { sizeID: number }, now: number): SimulatedMachine {
    const cluster = this.cluster(clusterID)
    const pool = 'poolID' in where ? this.pool(where.poolID) : undefined
    if (pool && pool.clusterID !== clusterID) throw new Refusal(404, 'Group not found')
    const size = pool?.size ?? this.size('sizeID' in where ? where.sizeID : 0)
    const workers = this.machinesOf(clusterID).filter(({ role }) => role === 'slave').length
    if (workers >= this.quota)
      throw new Refusal(500, `Worker nodes count exceeds the allowed limit ${this.quota}`)
    if (this.outOfStock.has(size.id)) throw new Refusal(500, `No capacity available for size ${size.name}`)
    return this.#make(cluster, 'slave', pool, size, pool ? 'api' : 'hand', now)
  }

  /** Orders a plain VPS; it stands in no cluster, but in a project. */
  orderVM(
    vm: {
      projectID: string
      datacenterID: string
      sizeIdentifier: string
      hostname: string
      userData: string
    },
    now: number,
  ): SimulatedMachine {
    const size = found(
      this.catalog.sizes.find(({ id, identifier }) => [String(id), identifier].includes(vm.sizeIdentifier)),
      'Resource',
    )
    if (this.outOfStock.has(size.id)) throw new Refusal(500, `No capacity available for size ${size.name}`)
    const place = { identifier: projectKey(vm.projectID), name: 'vm', datacenterID: vm.datacenterID }
    const seed = { ...place, kubernetesVersion: '', masters: 0 }
    return this.#make(seed, 'slave', undefined, size, 'api', now, vm)
  }

  delete(clusterID: string, identifier: string, now: number): void {
    const machine = this.machinesOf(clusterID).find((candidate) => candidate.identifier === identifier)
    if (!machine) throw new Refusal(404, 'Node not found')
    if (machine.state === 'deleting') return
    machine.state = 'deleting'
    machine.deletedAt = now + this.#options.deleteMs
  }

  /** VPSie's own choice of a victim: the newest worker. */
  reduce(clusterID: string, now: number): void {
    this.reduceCalls++
    const newest = this.machinesOf(clusterID).findLast(
      ({ role, state }) => role === 'slave' && state !== 'deleting',
    )
    if (newest) this.delete(clusterID, newest.identifier, now)
  }

  /** Brings the state to `now`; returns the machines that came to run and those that are gone, in order of time. */
  step(now: number): { running: SimulatedMachine[]; deleted: SimulatedMachine[] } {
    const running = this.machines.filter(
      ({ state, createdAt }) => state === 'building' && now >= createdAt + this.#options.bootMs,
    )
    for (const machine of running) Object.assign(machine, { state: 'running', runningAt: now })
    const deleted = this.machines.filter(
      ({ state, deletedAt = Infinity }) => state === 'deleting' && now >= deletedAt,
    )
    for (const machine of deleted) machine.state = 'deleted'
    return { running, deleted }
  }

  /** When the state changes next by itself; undefined if never. */
  nextAt(): number | undefined {
    const times = this.machines.flatMap(({ state, createdAt, deletedAt }) => {
      if (state === 'building') return [createdAt + this.#options.bootMs]
      return state === 'deleting' && deletedAt !== undefined ? [deletedAt] : []
    })
    return times.length > 0 ? Math.min(...times) : undefined
  }

  #make(
    cluster: ClusterSeed,
    role: 'master' | 'slave',
    pool: SimulatedPool | undefined,
    size: Size,
    orderedBy: SimulatedMachine['orderedBy'],
    now: number,
    vm?: { hostname: string; userData: string },
  ): SimulatedMachine {
    const n = this.machines.length + 1
    const machine: SimulatedMachine = {
      id: 1000 + n,
      identifier: uuid('a', n),
      hostname: vm?.hostname ?? `${cluster.name}-${role}-${n.toString(16).padStart(4, '0')}`,
      ...(vm ? { userData: vm.userData } : {}),
      role,
      clusterID: cluster.identifier,
      datacenterID: cluster.datacenterID,
      poolID: pool?.id,
      size,
      address: `10.${64 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`,
      orderedBy,
      createdAt: now,
      state: 'building',
    }
    this.machines.push(machine)
    return machine
  }
}

/** Where the plain VPS of a project are kept. */
export function projectKey(projectID: string): string {
  return `project:${projectID}`
}

function found<T>(thing: T | undefined, what: string): T {
  if (thing === undefined) throw new Refusal(404, `${what} not found`)
  return thing
}
