import type { Call } from './call.ts'
import type { ShapedMachine } from './machines.ts'
import type { MachineHint, Offer } from './provider.ts'
import { type Cluster, readClusters, readHint, readOffers, readPools } from './replies.ts'

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
