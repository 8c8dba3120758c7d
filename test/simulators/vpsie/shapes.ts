import type { DialectName } from '../../../controller/vpsie/dialect.ts'
import type { ClusterSeed, Size } from './catalog.ts'
import type { SimulatedMachine, SimulatedPool } from './model.ts'

/**
 * Rows as VPSie's replies carry them, in the two shapes its public clients know: `v2` that of
 * vpsieinc/vpsie-k8s-autoscaler, `apps-v2` that of govpsie. Where they differ, so do these.
 */

type Row = Record<string, unknown>

const spaced = (ms: number) => new Date(ms).toISOString().slice(0, 19).replace('T', ' ')

/** `GET /k8s/cluster/all`. */
export function clusterRow(cluster: ClusterSeed, machines: readonly SimulatedMachine[]): Row {
  const price = machines.reduce((total, { size }) => total + size.monthlyPrice, 0)
  return {
    cluster_name: cluster.name,
    identifier: cluster.identifier,
    count: machines.length,
    kube_version: cluster.kubernetesVersion,
    price,
    lb_id: null,
    managerCount: machines.filter(({ role }) => role === 'master').length,
    slaveCount: machines.filter(({ role }) => role === 'slave').length,
    created_on: '2026-01-01 00:00:00',
  }
}

/** `GET /k8s/cluster/byId/{cluster}`. */
export function clusterDetail(
  dialect: DialectName,
  cluster: ClusterSeed,
  machines: readonly SimulatedMachine[],
): Row {
  const row = clusterRow(cluster, machines)
  if (dialect === 'apps-v2') return { ...row, nodes: machines.map(appsNode) }
  const ofRole = (role: SimulatedMachine['role']) =>
    machines.filter((machine) => machine.role === role).map(v2Node)
  return { ...row, nodes: machines.map(v2Node), masters: ofRole('master'), slaves: ofRole('slave') }
}

function v2Node({ identifier, hostname, address, state, role, size }: SimulatedMachine): Row {
  return {
    identifier,
    hostname,
    ip: address,
    status: state,
    role,
    cpu: size.cpu,
    ram: size.memoryMB,
    disk: size.diskGB,
  }
}

function appsNode({ id, hostname, address, role, createdAt }: SimulatedMachine): Row {
  return {
    id,
    user_id: 42,
    hostname,
    default_ip: address,
    private_ip: null,
    node_type: role === 'master' ? 1 : 2,
    node_id: 5000 + id,
    datacenter_id: 3,
    created_on: new Date(createdAt).toISOString(),
  }
}

/** `GET /k8s/node/groups/byClusterId/{cluster}`. Deleted pools stay listed, marked as such. */
export function poolRow(dialect: DialectName, pool: SimulatedPool, nodeCount: number): Row {
  const { size } = pool
  const written = dialect === 'apps-v2' ? new Date(pool.createdAt).toISOString() : spaced(pool.createdAt)
  return {
    id: pool.id,
    group_name: pool.name,
    user_id: 42,
    boxsize_id: size.id,
    datacenter_id: 3,
    dcIdentifier: pool.datacenterID,
    ram: size.memoryMB,
    cpu: size.cpu,
    ssd: size.diskGB,
    traffic: 1000,
    notes: null,
    nodes_count: nodeCount,
    cluster_id: 9,
    project_id: 71_128,
    is_active: 1,
    is_deleted: pool.deleted ? 1 : 0,
    identifier: pool.identifier,
    created_on: written,
    last_updated: written,
    dropped_on: null,
  }
}

/** `POST /k8s/offers`. Numbers come as texts in one dialect, and the disk has another name. */
export function offerRow(dialect: DialectName, size: Size): Row {
  const { id, identifier, name, cpu, memoryMB, diskGB, monthlyPrice } = size
  if (dialect === 'v2') {
    return {
      id,
      name,
      cpu,
      ram: memoryMB,
      disk: diskGB,
      price: monthlyPrice,
      hourly_price: monthlyPrice / 730,
    }
  }
  return { id, identifier, nickname: name, cpu, ram: memoryMB, ssd: diskGB, price: monthlyPrice.toFixed(2) }
}

/** What the order of a worker may hand back beside `true`. */
export function orderRow({ id, identifier, hostname }: SimulatedMachine): Row {
  return { id, identifier, status: 'building', hostname }
}

/** One plain VPS in a list. */
export function vmRow(dialect: DialectName, vm: SimulatedMachine): Row {
  const { id, identifier, hostname, address, size, state, createdAt } = vm
  const common = { id, identifier, hostname, default_ip: address, boxsize_id: size.id, cpu: size.cpu }
  return dialect === 'v2'
    ? {
        ...common,
        name: hostname,
        status: state,
        ram: size.memoryMB,
        ssd: size.diskGB,
        created_on: spaced(createdAt),
      }
    : {
        ...common,
        private_ip: null,
        power: state === 'running' ? 1 : 0,
        is_active: 1,
        is_deleted: 0,
        created_on: spaced(createdAt),
      }
}
