import { InputError } from '../../common/errors.ts'
import { keyOf } from '../../common/kube/resources.ts'
import { readCluster } from './cluster.ts'
import { objections } from './fit/fit.ts'
import type { DecideOptions } from './options.ts'
import type { Reason } from './plan.ts'
import { isFinished } from './pods.ts'
import type { ClusterState } from './state.ts'

/**
 * Whether one pod could run on one node beside everything else that runs; a pod that has a node is taken off it
 * first. Throws `InputError` if there is no such pod or node.
 */
export function fitOf(
  state: ClusterState,
  options: DecideOptions,
  now: number,
  pod: string,
  node: string,
): { fits: boolean; reasons: Reason[] } {
  const { world, pods } = readCluster(state, options, now)
  const found = pods.find((one) => keyOf(one) === pod)
  const bin = world.bin(node)
  if (!found || isFinished(found)) throw new InputError('--fit', `no unfinished pod "${pod}" in the state`)
  if (!bin) throw new InputError('--fit', `no node "${node}" in the state`)
  const of = world.classOf(found)
  const home = world.bin(found.spec.nodeName || found.status?.nominatedNodeName || '')
  if (home) world.place(of, home, -1)
  const gates = (found.spec.schedulingGates ?? []).map(
    ({ name }): Reason => ({ code: 'SchedulingGates', message: `waits for gate ${name}` }),
  )
  const claims = (found.spec.resourceClaims ?? []).map(
    ({ name }): Reason => ({
      code: 'DynamicResources',
      message: `resource claim ${name} is not decided here`,
    }),
  )
  const reasons = [...gates, ...objections(of, bin, world), ...claims]
  return { fits: reasons.length === 0, reasons }
}
