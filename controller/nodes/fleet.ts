import { annotations } from '../../common/api/names.ts'
import type { NodeGroup } from '../../common/api/nodegroup.ts'
import type { MachineNames } from '../../common/api/ownership.ts'
import type { VPSieNode } from '../../common/api/vpsienode.ts'
import { TerminalError } from '../../common/errors.ts'
import type { Machine, Pool, VPSieProvider } from '../vpsie/provider.ts'

/** The machines that one list shows: the workers of a VPSie Kubernetes cluster, or the plain VPS of a project. */
export interface Fleet {
  readonly kind: 'managed' | 'vm'
  /** VPSie's identifier of the cluster or project. */
  readonly id: string
  /** What it is called in logs, and told apart by. */
  readonly key: string
  list(signal: AbortSignal): Promise<Machine[]>
  /** Size pools; plain VPS have none. */
  pools(signal: AbortSignal): Promise<Pool[]>
  createPool(pool: { name: string; sizeID: number }, signal: AbortSignal): Promise<void>
  /** True if enough is known of a machine to delete it. */
  canRemove(machine: MachineNames): boolean
  remove(machine: MachineNames, signal: AbortSignal): Promise<void>
}

/** True for a claim to a plain VPS. */
export function isVM({ metadata }: VPSieNode): boolean {
  return metadata.annotations?.[annotations.provisioner] === 'vm'
}

/** The fleet a claim's machine is in. */
export function fleetOfClaim(provider: VPSieProvider, claim: VPSieNode): Fleet {
  const { project, resourceIdentifier } = claim.spec
  return isVM(claim) ? vmFleet(provider, project) : managedFleet(provider, resourceIdentifier)
}

/** The fleet a NodeGroup's machines are in. */
export function fleetOfGroup(provider: VPSieProvider, { spec }: NodeGroup): Fleet {
  return spec.provisioner === 'vm'
    ? vmFleet(provider, spec.project)
    : managedFleet(provider, spec.resourceIdentifier)
}

function managedFleet(provider: VPSieProvider, id: string): Fleet {
  return {
    kind: 'managed',
    id,
    key: id,
    list: (signal) => provider.listMachines(id, signal),
    pools: (signal) => provider.listPools(id, signal),
    createPool: (pool, signal) => provider.createPool(id, pool, signal),
    canRemove: ({ uuid }) => uuid !== undefined,
    async remove({ uuid }, signal) {
      if (uuid !== undefined) await provider.deleteWorker(id, uuid, signal)
    },
  }
}

function vmFleet(provider: VPSieProvider, id: string): Fleet {
  return {
    kind: 'vm',
    id,
    key: `project ${id}`,
    list: (signal) => provider.listVMs(id, signal),
    pools: async () => [],
    createPool: () => Promise.reject(new TerminalError('plain VPS have no pools', { code: 'Invalid' })),
    canRemove: ({ uuid, numericID }) => uuid !== undefined || numericID !== undefined,
    remove: (machine, signal) => provider.deleteVM(machine, signal),
  }
}
