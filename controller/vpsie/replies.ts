import Type from 'typebox'
import type { MachineHint, Offer, Pool } from './provider.ts'
import {
  badReply,
  checked,
  defined,
  flag,
  listOf,
  maybe,
  numeric,
  toFlag,
  toNumber,
  toText,
  toTime,
  wholeNumber,
  word,
} from './rows.ts'

/** The readers of replies that are alike in every dialect. All throw `BadReply` that names the wrong field. */

/** A Kubernetes cluster of the account. */
export interface Cluster {
  identifier: string
  name: string
  kubernetesVersion?: string
}

/** What a machine or a size is made of; memory in VPSie's unit, so compare it only with the same. */
export interface Shape {
  cpu: number
  ram: number
  disk: number
}

const clusterRows = listOf(
  Type.Object({
    identifier: Type.String({ minLength: 1 }),
    cluster_name: maybe(word),
    kube_version: maybe(word),
  }),
)

/** `GET /k8s/cluster/all`. */
export function readClusters(data: unknown): Cluster[] {
  return checked(clusterRows, data ?? [], 'data').map(({ identifier, cluster_name, kube_version }) => ({
    identifier,
    name: toText(cluster_name) ?? '',
    ...defined({ kubernetesVersion: toText(kube_version) }),
  }))
}

const poolRows = listOf(
  Type.Object({
    id: wholeNumber,
    identifier: word,
    group_name: maybe(word),
    boxsize_id: wholeNumber,
    dcIdentifier: maybe(word),
    nodes_count: wholeNumber,
    is_deleted: maybe(flag),
    cpu: maybe(numeric),
    ram: maybe(numeric),
    ssd: maybe(numeric),
  }),
)

/** `GET /k8s/node/groups/byClusterId/{cluster}`: pools, those marked deleted left out, with the shape of their size. */
export function readPools(data: unknown): { pool: Pool; shape: Shape | undefined }[] {
  const rows = checked(poolRows, data ?? [], 'data').filter(({ is_deleted }) => !toFlag(is_deleted))
  return rows.map((row) => ({
    pool: {
      id: Number(row.id),
      identifier: row.identifier,
      name: toText(row.group_name) ?? '',
      sizeID: Number(row.boxsize_id),
      nodeCount: Number(row.nodes_count),
      ...defined({ datacenterID: toText(row.dcIdentifier) }),
    },
    shape: toShape(row.cpu, row.ram, row.ssd),
  }))
}

type Scalar = number | string | null | undefined

/** The shape of a row that tells all of it. */
export function toShape(cpu: Scalar, ram: Scalar, disk: Scalar): Shape | undefined {
  const shape = { cpu: toNumber(cpu), ram: toNumber(ram), disk: toNumber(disk) }
  const { cpu: cores, ram: memory, disk: storage } = shape
  if (cores === undefined || memory === undefined || storage === undefined) return undefined
  return { cpu: cores, ram: memory, disk: storage }
}

const offerRows = listOf(
  Type.Object({
    id: wholeNumber,
    identifier: maybe(word),
    name: maybe(word),
    nickname: maybe(word),
    cpu: numeric,
    ram: numeric,
    disk: maybe(numeric),
    ssd: maybe(numeric),
    price: maybe(numeric),
    hourly_price: maybe(numeric),
  }),
)

// The month that vpsieinc/vpsie-k8s-autoscaler reckons with.
const hoursPerMonth = 730

/** `POST /k8s/offers`: sizes of a datacenter with their price a month. */
export function readOffers(data: unknown, datacenterID: string): Offer[] {
  return checked(offerRows, data, 'data').map((row, i) => {
    const hourly = toNumber(row.hourly_price)
    const monthlyPrice = toNumber(row.price) ?? (hourly === undefined ? undefined : hourly * hoursPerMonth)
    const diskGB = toNumber(row.disk ?? row.ssd)
    if (monthlyPrice === undefined) throw badReply(`data[${i}].price`, 'is absent')
    if (diskGB === undefined) throw badReply(`data[${i}].disk`, 'is absent')
    return {
      id: Number(row.id),
      name: toText(row.name ?? row.nickname) ?? String(row.id),
      cpu: Number(row.cpu),
      memoryMB: Number(row.ram),
      diskGB,
      monthlyPrice,
      datacenterID,
      ...defined({ identifier: toText(row.identifier) }),
    }
  })
}

const hint = Type.Object({ id: maybe(wholeNumber), identifier: maybe(word), hostname: maybe(word) })

/** The reply to an order: `true`, nothing at all, or whatever VPSie already knows of the machine. */
export function readHint(data: unknown): MachineHint {
  if (data === undefined || data === null || typeof data === 'boolean') return {}
  const { id, identifier, hostname } = checked(hint, data, 'data')
  return defined({ uuid: toText(identifier), numericID: toNumber(id), hostname: toText(hostname) })
}

/** What a log-in hands out. `expiresAt` in milliseconds since the epoch; absent if VPSie tells no readable time. */
export interface IssuedToken {
  token: string
  expiresAt?: number
}

const tokenReply = Type.Object({
  accessToken: Type.Object({
    token: Type.String({ minLength: 1, maxLength: 8192, pattern: '^[\\x21-\\x7e]+$', confidential: true }),
    expires: Type.Optional(Type.Unknown()),
  }),
})

/** `POST /auth/from/api`. */
export function readToken(envelope: unknown): IssuedToken {
  const { accessToken } = checked(tokenReply, envelope, 'reply')
  return { token: accessToken.token, ...defined({ expiresAt: toTime(accessToken.expires) }) }
}
