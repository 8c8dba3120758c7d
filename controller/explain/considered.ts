import { counted } from '../../common/counted.ts'
import { keyOf } from '../../common/kube/resources.ts'
import { type Cluster, readCluster } from '../decide/cluster.ts'
import { objections, refusal } from '../decide/fit/fit.ts'
import { priceOf } from '../decide/groups.ts'
import { createLimits, type Limits } from '../decide/limits.ts'
import { cents } from '../decide/money.ts'
import type { Candidate } from '../decide/pack.ts'
import type { Plan, Reason } from '../decide/plan.ts'
import { isFinished } from '../decide/pods.ts'
import { add, isWithin, zero } from '../decide/resources.ts'
import { candidatesOf } from '../decide/scale-up.ts'
import type { PodClass } from '../decide/shape/classes.ts'
import type { Alternative, Subject } from './explanation.ts'
import type { Verdict } from './subject.ts'
import type { Situation } from './what-if/situation.ts'

const mostAlternatives = 30

/**
 * What there was to choose from, asked of the very filters, limits and templates that the decision uses, before anything
 * that the plan does. The cheapest first, what was chosen before all. `unreplaced` is the verdict about a node that is
 * replaced as it would be without that.
 */
export function considered(
  situation: Situation,
  plan: Plan,
  subject: Subject,
  verdict: Verdict,
  unreplaced = verdict,
): Alternative[] {
  const { state, options, now } = situation
  const cluster = readCluster(state, options, now)
  const limits = createLimits(cluster, new Set())
  const candidates = candidatesOf(cluster)
  const found =
    subject.kind === 'pod'
      ? ofPod(subject.name, verdict, candidates, limits, cluster)
      : subject.kind === 'node'
        ? ofNode(subject.name, verdict, unreplaced, plan, candidates, limits, cluster)
        : ofGroup(subject.name, plan, candidates, limits)
  const order = ({ verdict }: Alternative) => ['chosen', 'possible', 'no'].indexOf(verdict)
  return found
    .sort((a, b) => order(a) - order(b) || (a.monthlyCost ?? 0) - (b.monthlyCost ?? 0))
    .slice(0, mostAlternatives)
}

/** The nodes that are there, and a new one of each size. */
function ofPod(
  name: string,
  verdict: Verdict,
  candidates: readonly Candidate[],
  limits: Limits,
  cluster: Cluster,
): Alternative[] {
  const { world, pods, problems } = cluster
  const pod = pods.find((one) => keyOf(one) === name)
  if (!pod || isFinished(pod) || pod.spec.nodeName || problems.pods.has(pod)) return []
  const of = world.classOf(pod)
  return [
    ...existingFor(of, verdict, cluster),
    ...candidates.map((candidate): Alternative => {
      const { offering, group } = candidate.template
      const unfit = objections(of, candidate.sketch, world)
      const isChosen =
        verdict.verdict === 'scaleUp' && verdict.nodeGroup === group.key && verdict.offering === offering.name
      const reasons = isChosen
        ? []
        : ([unfit, limitOf(candidate, limits), spent(verdict, group.key)].find(({ length }) => length > 0) ??
          [])
      return {
        what: `a new node of ${sizeText(candidate)}`,
        verdict: judged(isChosen, reasons),
        monthlyCost: offering.monthlyPrice,
        reasons,
      }
    }),
  ]
}

/** What the plan has used up before it came to the pod. */
function spent({ verdict, reasons }: Verdict, group: string): readonly Reason[] {
  if (verdict !== 'unschedulable') return []
  const own = reasons.filter(({ object }) => object === group)
  return own.length > 0 ? own : reasons
}

/** The nodes that are there or on their way, as one: which holds it, or how often each filter refuses. */
function existingFor(of: PodClass, verdict: Verdict, { world }: Cluster): Alternative[] {
  const refusals = new Map<Reason['code'], number>()
  let free = 0
  for (const bin of world.bins) {
    const code = bin.closed ? 'NodeUnschedulable' : refusal(of, bin, world)
    if (code === undefined) free++
    else refusals.set(code, (refusals.get(code) ?? 0) + 1)
  }
  if (verdict.verdict === 'fits')
    return [{ what: `node ${verdict.node}, which is there`, verdict: 'chosen', reasons: [] }]
  if (world.bins.length === 0) return []
  const reasons = [...refusals]
    .sort(([, a], [, b]) => b - a)
    .map(([code, count]): Reason => ({ code, message: `refuses it on ${counted(count, 'node')}` }))
  const { length } = world.bins
  const what = length === 1 ? 'the node there or on the way' : `one of ${length} nodes there or on the way`
  return [{ what, verdict: free > 0 ? 'possible' : 'no', reasons }]
}

/** To keep it, to remove it, and one node of each cheaper size in its place. */
function ofNode(
  name: string,
  { verdict, reasons, moves = [] }: Verdict,
  removal: Verdict,
  plan: Plan,
  candidates: readonly Candidate[],
  limits: Limits,
  cluster: Cluster,
): Alternative[] {
  const owner = cluster.memberOf.get(name)
  if (!owner) return []
  const { group, member } = owner
  const price = priceOf(member, cluster.state.offerings)
  const load = loadOf(name, cluster)
  const targets = new Set(moves.map(({ to }) => to))
  const bought = plan.newNodes.filter((node) => targets.has(node.name)).map(({ offering }) => offering)
  const cheaper = candidates.filter(
    ({ template }) => template.group === group && template.offering.monthlyPrice < price,
  )
  return [
    {
      what: 'to keep it',
      verdict: verdict === 'keep' ? 'chosen' : 'possible',
      monthlyCost: 0,
      reasons: verdict === 'keep' ? reasons : [],
    },
    {
      what: 'to remove it',
      verdict: verdict === 'remove' ? 'chosen' : removal.verdict === 'remove' ? 'possible' : 'no',
      monthlyCost: -price,
      reasons: verdict === 'replace' && removal.verdict === 'remove' ? [] : removal.reasons,
    },
    ...cheaper.map((candidate): Alternative => {
      const unfit = load.flatMap((of) => objections(of, candidate.sketch, cluster.world)).slice(0, 3)
      const why =
        unfit.length > 0
          ? unfit
          : isTooMuch(load, candidate, cluster)
            ? [tooMuch]
            : limitOf(candidate, limits)
      const isChosen = verdict === 'replace' && bought.includes(candidate.template.offering.name)
      const against = [...why, ...(group.spec.costOptimization?.enabled ? [] : [switchedOff])]
      return {
        what: `one of ${sizeText(candidate)} in its place`,
        verdict: judged(isChosen, against),
        monthlyCost: cents(candidate.template.offering.monthlyPrice - price),
        reasons: against,
      }
    }),
  ]
}

function judged(isChosen: boolean, against: readonly Reason[]): Alternative['verdict'] {
  if (isChosen) return 'chosen'
  return against.length === 0 ? 'possible' : 'no'
}

const tooMuch: Reason = {
  code: 'NodeResourcesFit',
  message: 'its pods together ask for more than such a node has',
}
const switchedOff: Reason = {
  code: 'ScaleDownDisabled',
  message: 'costOptimization.enabled of the NodeGroup is not true',
}

/** Pods that would have to move, DaemonSets' left out. */
function loadOf(name: string, { world, podsOn }: Cluster): PodClass[] {
  return (podsOn.get(name) ?? [])
    .filter(({ metadata }) => !metadata.ownerReferences?.some(({ kind }) => kind === 'DaemonSet'))
    .map((pod) => world.classOf(pod))
}

function isTooMuch(load: readonly PodClass[], { sketch }: Candidate, { world }: Cluster): boolean {
  const sum = zero(world.space)
  for (const { requests } of load) add(sum, requests)
  return !isWithin(sum, sketch.free)
}

/** One more node of each size. */
function ofGroup(
  name: string,
  { newNodes }: Plan,
  candidates: readonly Candidate[],
  limits: Limits,
): Alternative[] {
  return candidates
    .filter(({ template }) => template.group.key === name)
    .map((candidate): Alternative => {
      const { offering, datacenterID } = candidate.template
      const isChosen = newNodes.some(
        (node) =>
          node.nodeGroup === name && node.offering === offering.name && node.datacenter === datacenterID,
      )
      const reasons = isChosen ? [] : limitOf(candidate, limits)
      return {
        what: `one more node of ${sizeText(candidate)}`,
        verdict: judged(isChosen, reasons),
        monthlyCost: candidate.template.offering.monthlyPrice,
        reasons,
      }
    })
}

function limitOf({ template }: Candidate, limits: Limits): Reason[] {
  const reason = limits.closed(template.group) ?? limits.full(template)
  return reason ? [reason] : []
}

function sizeText({ template: { offering, group, datacenterID } }: Candidate): string {
  const place = datacenterID === undefined ? '' : ` in ${datacenterID}`
  return `size ${offering.name}${place} (NodeGroup ${group.key})`
}
