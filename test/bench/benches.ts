import type { Bench } from './bench.ts'
import { clusterAutoscaler } from './decide/cluster-autoscaler.ts'
import { karpenter } from './decide/karpenter.ts'

export const benches: readonly Bench[] = [...clusterAutoscaler, ...karpenter]
