/**
 * The cloud as the rest of the controller sees it. Each call says what its errors mean for money:
 * a `TerminalError` was refused and made nothing; a `TransientError` with `outcome: 'notSent'` never left us;
 * any other failure of a paid call has an unknown outcome and must not be repeated at once.
 */
export interface VPSieProvider {
  /** Sizes on offer for Kubernetes in a datacenter, priced per month. */
  listOffers(datacenterID: string, signal: AbortSignal): Promise<Offer[]>
  /** All machines of a cluster, control plane included. The only way to learn what exists. */
  listMachines(clusterID: string, signal: AbortSignal): Promise<Machine[]>
  /** Size pools (VPSie's node groups) of a cluster, those marked deleted left out. */
  listPools(clusterID: string, signal: AbortSignal): Promise<Pool[]>
  /** Makes a size pool. VPSie allows one per size and cluster; the id is learnt by listing again. */
  createPool(clusterID: string, pool: { name: string; sizeID: number }, signal: AbortSignal): Promise<void>
  /** Orders one machine. Not idempotent and never repeated by the client. Often hands back no identity. */
  addWorker(clusterID: string, poolID: number, signal: AbortSignal): Promise<MachineHint>
  /** Deletes exactly this machine; one that is already gone is a success. */
  deleteWorker(clusterID: string, machineUUID: string, signal: AbortSignal): Promise<void>
}

export interface Offer {
  /** The `KubeSizeID`. */
  id: number
  identifier?: string
  name: string
  cpu: number
  memoryMB: number
  diskGB: number
  monthlyPrice: number
  datacenterID: string
}

export interface MachineHint {
  uuid?: string
  numericID?: number
  hostname?: string
}

export interface Machine extends MachineHint {
  /** UUID, else numeric id, else host name in lower case: what we call the machine by. */
  identity: string
  role: 'controlPlane' | 'worker' | 'unknown'
  addresses: string[]
  /** As VPSie spells it, where the dialect has it. */
  status?: string
  poolID?: number
  sizeID?: number
  /** Milliseconds since the epoch. */
  createdAt?: number
}

export interface Pool {
  /** Numeric id, used for adding workers. */
  id: number
  /** UUID, used for deleting the pool. */
  identifier: string
  name: string
  sizeID: number
  datacenterID?: string
  nodeCount: number
}
