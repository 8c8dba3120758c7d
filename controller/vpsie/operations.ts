import type { MachineNames } from '../../common/api/ownership.ts'
import { TransientError } from '../../common/errors.ts'
import type { Call } from './call.ts'
import type { ShapedMachine } from './machines.ts'
import type { Machine, MachineHint, Offer, VMOrder } from './provider.ts'
import { type Cluster, readClusters, readHint, readOffers, readPools } from './replies.ts'
import { readVMs } from './vms.ts'

/**
 * The operations of VPSie's Kubernetes API, each as the request it is. Paths are those that the clients
 * vpsieinc/vpsie-k8s-autoscaler and govpsie agree on.
 */

const cluster = (clusterID: string) => `/k8s/cluster/byId/${encodeURIComponent(clusterID)}`

export function listClusters(): Call<Cluster[]> {
  return {
    operation: 'listClusters',
    method: 'GET',
    path: '/k8s/cluster/all',
    repeatable: true,
    read: ({ data }) => readClusters(data),
  }
}

export function listMachines(clusterID: string): Call<ShapedMachine[]> {
  return {
    operation: 'listMachines',
    method: 'GET',
    path: cluster(clusterID),
    repeatable: true,
    read: ({ data }, dialect) => dialect.readMachines(data),
  }
}

export function listPools(clusterID: string): Call<ReturnType<typeof readPools>> {
  return {
    operation: 'listPools',
    method: 'GET',
    path: `/k8s/node/groups/byClusterId/${encodeURIComponent(clusterID)}`,
    repeatable: true,
    read: ({ data }) => readPools(data),
  }
}

/** A POST that only reads. */
export function listOffers(datacenterID: string): Call<Offer[]> {
  return {
    operation: 'listOffers',
    method: 'POST',
    path: '/k8s/offers',
    json: { dcIdentifier: datacenterID },
    repeatable: true,
    read: ({ data }) => readOffers(data, datacenterID),
  }
}

/** The capital letters of `KubeSizeID` are VPSie's. */
export function createPool(
  clusterID: string,
  { name, sizeID }: { name: string; sizeID: number },
): Call<void> {
  return {
    operation: 'createPool',
    method: 'POST',
    path: '/k8s/cluster/add/group',
    json: { clusterIdentifier: clusterID, groupName: name, KubeSizeID: sizeID },
    repeatable: false,
    urgent: true,
    read: () => undefined,
  }
}

export function addWorker(clusterID: string, poolID: number): Call<MachineHint> {
  return {
    operation: 'addWorker',
    method: 'POST',
    path: `${cluster(clusterID)}/add/slave/group/${poolID}`,
    repeatable: false,
    urgent: true,
    read: ({ data }) => readHint(data),
  }
}

/** Deletes the machine that is named; VPSie's `reduce`, which chooses one itself, is never called. */
export function deleteWorker(clusterID: string, machineUUID: string): Call<void> {
  return {
    operation: 'deleteWorker',
    method: 'DELETE',
    path: `${cluster(clusterID)}/delete/slave`,
    json: { identifier: machineUUID },
    repeatable: true,
    urgent: true,
    read: () => undefined,
  }
}

export function listVMs(projectID: string): Call<Machine[]> {
  return {
    operation: 'listVMs',
    method: 'GET',
    path: '/vm',
    at: ({ vms }) => ({ prefix: vms.prefix, path: vms.list(projectID) }),
    repeatable: true,
    read: ({ data }) => readVMs(data),
  }
}

export function createVM(order: VMOrder): Call<MachineHint> {
  return {
    operation: 'createVM',
    method: 'POST',
    path: '/vm',
    at: ({ vms }) => ({ prefix: vms.prefix, path: '/vm', json: vms.order(order) }),
    secrets: order.secrets,
    repeatable: false,
    urgent: true,
    read: ({ data }) => readHint(data),
  }
}

export function deleteVM(machine: MachineNames): Call<void> {
  return {
    operation: 'deleteVM',
    method: 'DELETE',
    path: '/vm',
    at({ vms, name }) {
      const place = vms.remove(machine)
      if (!place) {
        const message = `dialect ${name} needs another identifier of the machine to delete it than is known`
        throw new TransientError(message, { code: 'BadReply', outcome: 'notSent' })
      }
      return { prefix: vms.prefix, ...place }
    },
    repeatable: true,
    urgent: true,
    read: () => undefined,
  }
}
