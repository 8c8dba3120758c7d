import type { DialectName } from '../../../controller/vpsie/dialect.ts'
import { type Cloud, projectKey } from './cloud.ts'
import type { Faults, RequestName } from './faults.ts'
import { Refusal } from './model.ts'
import { clusterDetail, clusterRow, offerRow, orderRow, poolRow, vmRow } from './shapes.ts'

export interface RouteContext {
  cloud: Cloud
  faults: Faults
  dialect: DialectName
  /** Whether the order of a worker hands back who it is. */
  identityInReply: boolean
  now: number
  query: URLSearchParams
}

interface Route {
  name: RequestName
  method: string
  path: RegExp
  /** Gives `data`; undefined for an envelope without. */
  act(context: RouteContext, parts: string[], body: Record<string, unknown>): unknown
}

const routes: readonly Route[] = [
  {
    name: 'listClusters',
    method: 'GET',
    path: /^\/k8s\/cluster\/all$/,
    act: ({ cloud }) =>
      cloud.catalog.clusters.map((cluster) => clusterRow(cluster, cloud.machinesOf(cluster.identifier))),
  },
  {
    name: 'listMachines',
    method: 'GET',
    path: /^\/k8s\/cluster\/byId\/([^/]+)$/,
    act: ({ cloud, faults, dialect, now }, [id = '']) =>
      clusterDetail(dialect, cloud.cluster(id), faults.shown(cloud.machinesAt(id, now - faults.staleMs()))),
  },
  {
    name: 'listPools',
    method: 'GET',
    path: /^\/k8s\/node\/groups\/byClusterId\/([^/]+)$/,
    act({ cloud, dialect }, [id = '']) {
      cloud.cluster(id)
      const count = (poolID: number) =>
        cloud.machinesOf(id).filter((machine) => machine.poolID === poolID).length
      return cloud.pools
        .filter(({ clusterID }) => clusterID === id)
        .map((pool) => poolRow(dialect, pool, count(pool.id)))
    },
  },
  {
    name: 'listOffers',
    method: 'POST',
    path: /^\/k8s\/offers$/,
    act({ cloud, dialect }, _, { dcIdentifier }) {
      const known = cloud.catalog.datacenters.some(({ identifier }) => identifier === dcIdentifier)
      if (!known) throw new Refusal(404, 'Datacenter not found')
      return cloud.catalog.sizes.map((size) => offerRow(dialect, size))
    },
  },
  {
    name: 'createPool',
    method: 'POST',
    path: /^\/k8s\/cluster\/add\/group$/,
    act({ cloud, dialect, now }, _, { clusterIdentifier, groupName, KubeSizeID }) {
      if (typeof KubeSizeID !== 'number') throw new Refusal(400, 'Something was lost in the clouds')
      const pool = cloud.addPool(String(clusterIdentifier), String(groupName), KubeSizeID, now)
      return dialect === 'v2' ? { groupId: pool.identifier } : undefined
    },
  },
  {
    name: 'deletePool',
    method: 'DELETE',
    path: /^\/k8s\/cluster\/delete\/group\/([^/]+)$/,
    act({ cloud }, [identifier = '']) {
      const pool = cloud.pools.find((candidate) => candidate.identifier === identifier && !candidate.deleted)
      if (!pool) throw new Refusal(404, 'Group not found')
      pool.deleted = true
      return true
    },
  },
  {
    name: 'addWorker',
    method: 'POST',
    path: /^\/k8s\/cluster\/byId\/([^/]+)\/add\/slave\/group\/(\d+)$/,
    act({ cloud, identityInReply, now }, [id = '', poolID = '']) {
      const machine = cloud.order(id, { poolID: Number(poolID) }, now)
      return identityInReply ? orderRow(machine) : true
    },
  },
  {
    name: 'deleteWorker',
    method: 'DELETE',
    path: /^\/k8s\/cluster\/byId\/([^/]+)\/delete\/slave$/,
    act({ cloud, now }, [id = ''], { identifier }) {
      cloud.delete(id, String(identifier), now)
      return true
    },
  },
  {
    name: 'listVMs',
    method: 'GET',
    path: /^\/vm$/,
    act: ({ cloud, faults, dialect, now, query }) => {
      const project = query.get('projectId')
      const at = now - faults.staleMs()
      const all = [...new Set(cloud.machines.map(({ clusterID }) => clusterID))].filter((id) =>
        project === null ? id.startsWith(projectKey('')) : id === projectKey(project),
      )
      return faults.shown(all.flatMap((id) => cloud.machinesAt(id, at))).map((vm) => vmRow(dialect, vm))
    },
  },
  {
    name: 'createVM',
    method: 'POST',
    path: /^\/vm$/,
    act({ cloud, dialect, now }, _, body) {
      const { hostname, projectId, dcIdentifier, resourceIdentifier } = body
      const userData = dialect === 'v2' ? body.user_data : body.userData
      const image = dialect === 'v2' ? body.os_image_id : body.osIdentifier
      if (!hostname || !image) throw new Refusal(400, 'Something was lost in the clouds')
      cloud.orderVM(
        {
          hostname: String(hostname),
          projectID: String(projectId),
          datacenterID: String(dcIdentifier),
          sizeIdentifier: String(resourceIdentifier),
          userData: String(userData ?? ''),
        },
        now,
      )
      return true
    },
  },
  {
    name: 'deleteVM',
    method: 'DELETE',
    path: /^\/vm(?:\/(\d+))?$/,
    act({ cloud, now }, [id = ''], { vmIdentifier }) {
      const vm = cloud.machines.find((one) => (id ? String(one.id) === id : one.identifier === vmIdentifier))
      if (!vm?.clusterID.startsWith(projectKey(''))) throw new Refusal(404, 'VM not found')
      cloud.delete(vm.clusterID, vm.identifier, now)
      return true
    },
  },
  {
    name: 'reduce',
    method: 'DELETE',
    path: /^\/k8s\/cluster\/byId\/([^/]+)\/reduce(?:\/[^/]+)?$/,
    act({ cloud, now }, [id = '']) {
      cloud.reduce(id, now)
      return true
    },
  },
]

export interface RoutedRequest {
  name: RequestName
  /** Carries it out; gives `data`, or throws a `Refusal`. */
  act(context: RouteContext, body: Record<string, unknown>): unknown
}

/** The route of a path below the dialect's prefix. */
export function routeOf(method: string, path: string): RoutedRequest | undefined {
  for (const route of routes) {
    const match = route.method === method ? route.path.exec(path) : null
    if (match) {
      const parts = match.slice(1).map((part) => decodeURIComponent(part ?? ''))
      return { name: route.name, act: (context, body) => route.act(context, parts, body) }
    }
  }
  return undefined
}
