import { counted } from '../../common/counted.ts'
import type { Cluster } from './cluster.ts'
import { objections } from './fit/fit.ts'
import type { Group } from './groups.ts'
import type { Limits } from './limits.ts'
import type { Lot } from './lots.ts'
import type { Candidate } from './pack.ts'
import type { Reason } from './plan.ts'

/** Why the lot's pods got no node: for each group the limit that holds it back, or what its best size lacks. */
export function whyNot(
  lot: Lot,
  candidates: readonly Candidate[],
  limits: Limits,
  cluster: Cluster,
): Reason[] {
  if (cluster.steps.isOver) return [cluster.steps.reason]
  cluster.steps.take(candidates.length)
  const groups = cluster.groups.filter(({ isDeleted }) => !isDeleted)
  const found = groups.map((group) =>
    ofGroup(
      lot,
      group,
      candidates.filter(({ template }) => template.group === group),
      limits,
      cluster,
    ),
  )
  const held = found.filter(({ isLimit }) => isLimit).flatMap(({ reasons }) => reasons)
  const unfit = found.filter(({ isLimit }) => !isLimit).flatMap(({ reasons }) => reasons)
  if (held.length > 0) return [...held, ...unfit]
  const message =
    groups.length === 0
      ? 'there is no NodeGroup'
      : `none of ${counted(groups.length, 'NodeGroup')} can hold it`
  return [{ code: 'NoGroupFits', message }, ...unfit]
}

interface Answer {
  isLimit: boolean
  reasons: Reason[]
}

function ofGroup(
  lot: Lot,
  group: Group,
  candidates: readonly Candidate[],
  limits: Limits,
  cluster: Cluster,
): Answer {
  const fitting = candidates.filter(({ sketch }) => objections(lot.pod, sketch, cluster.world).length === 0)
  const [first] = fitting
  if (!first) return { isLimit: false, reasons: bestObjections(lot, group, candidates, cluster) }
  const limit = limitOf(lot, first, fitting, limits)
  const gone = 'could hold it, but not next to what the plan puts there before'
  return { isLimit: true, reasons: [limit ?? { code: 'NoGroupFits', message: gone, object: group.key }] }
}

function limitOf(
  lot: Lot,
  { template }: Candidate,
  fitting: readonly Candidate[],
  limits: Limits,
): Reason | undefined {
  const { group, offering } = template
  const patience = group.spec.scaleUpPolicy.stabilizationWindowSeconds
  if (lot.waitedMs < patience * 1000)
    return {
      code: 'TooYoung',
      message: `its pods wait ${patience} s before nodes are added`,
      object: group.key,
    }
  if (group.spec.dryRun)
    return {
      code: 'DryRun',
      message: `would get a node of size ${offering.name}, but dryRun is true`,
      object: group.key,
    }
  return (
    limits.closed(group) ??
    fitting.map((candidate) => limits.full(candidate.template)).find((reason) => reason !== undefined)
  )
}

/** What the size lacks that lacks least; of those equally near the largest. */
function bestObjections(
  lot: Lot,
  group: Group,
  candidates: readonly Candidate[],
  { world }: Cluster,
): Reason[] {
  const all = candidates.map(({ sketch, template }) => ({
    reasons: objections(lot.pod, sketch, world, group.key).map((reason) => ({
      ...reason,
      message: `${template.offering.name}: ${reason.message}`,
    })),
    size: sketch.allocatable[0] ?? 0,
  }))
  const [nearest] = all.sort((a, b) => a.reasons.length - b.reasons.length || b.size - a.size)
  return (
    nearest?.reasons ?? [{ code: 'NoGroupFits', message: 'none of its sizes is sold', object: group.key }]
  )
}
