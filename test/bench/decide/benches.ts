import type { Bench } from './bench.ts'
import { clusterAutoscaler } from './cluster-autoscaler.ts'
import { karpenter } from './karpenter.ts'

import { own } from './own.ts'

export const benches: readonly Bench[] = [...clusterAutoscaler, ...karpenter, ...own]
