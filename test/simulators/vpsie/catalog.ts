/** What the simulated cloud sells and has at start. Ids fit the builders of test/fixtures/objects.ts. */

export interface Size {
  /** The `KubeSizeID`. */
  id: number
  identifier: string
  name: string
  cpu: number
  memoryMB: number
  diskGB: number
  monthlyPrice: number
}

export interface Datacenter {
  identifier: string
  /** Begins the host names of its machines. */
  code: string
}

export interface ClusterSeed {
  identifier: string
  name: string
  datacenterID: string
  kubernetesVersion: string
  /** Running machines of the control plane. */
  masters: number
}

export interface Catalog {
  sizes: readonly Size[]
  datacenters: readonly Datacenter[]
  clusters: readonly ClusterSeed[]
}

export const defaultCatalog: Catalog = {
  sizes: [
    size(11, 'small', 2, 4096, 50, 20),
    size(12, 'medium', 4, 8192, 100, 38),
    size(13, 'large', 8, 16_384, 200, 74),
    size(14, 'memory', 4, 16_384, 100, 52),
  ],
  datacenters: [
    { identifier: 'dc-1', code: 'HEL' },
    { identifier: 'dc-2', code: 'FRA' },
  ],
  clusters: [
    {
      identifier: 'cluster-1',
      name: 'HEL-Kubernetes-49ab',
      datacenterID: 'dc-1',
      kubernetesVersion: '1.34.1',
      masters: 1,
    },
  ],
}

function size(
  id: number,
  name: string,
  cpu: number,
  memoryMB: number,
  diskGB: number,
  monthlyPrice: number,
): Size {
  return { id, identifier: uuid('5', id), name, cpu, memoryMB, diskGB, monthlyPrice }
}

/** A UUID that is the same in every run; `kind` is one hexadecimal digit that keeps kinds of things apart. */
export function uuid(kind: string, n: number): string {
  return `${kind.repeat(8)}-0000-4000-8000-${n.toString(16).padStart(12, '0')}`
}
