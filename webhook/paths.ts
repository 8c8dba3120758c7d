import { validateAutoscalerConfig } from './autoscalerconfig/review.ts'
import type { Surroundings } from './caches.ts'
import { mutateNode } from './node/review.ts'
import { mutateNodeGroup, validateNodeGroup } from './nodegroup/review.ts'
import type { AdmissionRequest, Verdict } from './review.ts'
import { validateVPSieNode } from './vpsienode/review.ts'

export interface ReviewDeps {
  surroundings: Surroundings
  /** Where NodeGroups and VPSieNodes may be. */
  namespaces: readonly string[]
}

/** Reviews one object that is there and is not on its way out. Pure but for what it reads from the caches. */
export type Review = (
  deps: ReviewDeps,
  request: AdmissionRequest & { object: NonNullable<AdmissionRequest['object']> },
) => Verdict

/** What is served at which path; the manifests name them. */
export const paths: Readonly<Record<string, { resource: string; review: Review }>> = {
  '/mutate/nodegroups': { resource: 'nodegroups', review: mutateNodeGroup },
  '/validate/nodegroups': { resource: 'nodegroups', review: validateNodeGroup },
  '/validate/vpsienodes': { resource: 'vpsienodes', review: validateVPSieNode },
  '/validate/autoscalerconfigs': { resource: 'autoscalerconfigs', review: validateAutoscalerConfig },
  '/mutate/nodes': { resource: 'nodes', review: mutateNode },
}
