import { keyOf } from '../../common/kube/resources.ts'
import { compareText } from './groups.ts'
import { type Lot, waiting } from './lots.ts'
import type { NewNode, PodDecision, Reason } from './plan.ts'
import { amountText, at, type ResourceSpace } from './resources.ts'
import type { Purchase } from './scale-up.ts'
import type { Bin } from './shape/bins.ts'

/** How bins are called in the plan: a machine to buy is `new-N`, in the order of purchase, after those `before`. */
export function namesOf(purchases: readonly Purchase[], before = 0): (bin: Bin) => string {
  const names = new Map(purchases.map(({ bin }, i) => [bin, `new-${before + i + 1}`]))
  return (bin) => names.get(bin) ?? bin.name
}

/** What became of the pods of the lots; `whyNot` tells it for the rest of a lot. */
export function podDecisions(
  lots: readonly Lot[],
  purchases: readonly Purchase[],
  space: ResourceSpace,
  whyNot: (lot: Lot) => Reason[],
): PodDecision[] {
  const bought = new Map(purchases.map((purchase) => [purchase.bin, purchase]))
  const nameOf = namesOf(purchases)
  return lots.flatMap((lot) => {
    if (lot.headroomOf) return []
    let next = 0
    const placed = lot.places.flatMap(({ bin, count }) => {
      const decision = placedDecision(bin, nameOf(bin), bought.get(bin), () => needsOf(lot, space))
      const members = lot.pods.slice(next, next + count)
      next += count
      return members.map((pod) => ({ pod: keyOf(pod), ...decision }))
    })
    if (waiting(lot) === 0) return placed
    const reasons = whyNot(lot)
    return [
      ...placed,
      ...lot.pods
        .slice(next)
        .map((pod): PodDecision => ({ pod: keyOf(pod), verdict: 'unschedulable', reasons })),
    ]
  })
}

/** What a pod of the lot asks for, in words. */
function needsOf({ pod: { requests } }: Lot, space: ResourceSpace): string {
  const asked = space.names.flatMap((name, place) => {
    const amount = at(requests, place)
    return amount > 0 && name !== 'pods' ? [`${amountText(space, place, amount)} ${name}`] : []
  })
  return asked.length > 0 ? `needs ${asked.join(', ')}` : 'needs a place'
}

function placedDecision(
  bin: Bin,
  name: string,
  purchase: Purchase | undefined,
  needs: () => string,
): Omit<PodDecision, 'pod'> {
  const where = { node: name, ...(bin.nodeGroup === undefined ? {} : { nodeGroup: bin.nodeGroup }) }
  if (purchase) {
    const { offering, group } = purchase.candidate.template
    const price = `${offering.monthlyPrice} a month`
    const message = `${needs()}: gets a new node of size ${offering.name}, ${price}, in NodeGroup ${group.key}`
    return {
      verdict: 'scaleUp',
      ...where,
      offering: offering.name,
      reasons: [{ code: 'NewNode', message, object: group.key }],
    }
  }
  const upcoming = bin.kind === 'upcoming'
  const message = upcoming ? `fits on ${bin.name}, which is on its way` : `fits on node ${bin.name} as it is`
  return {
    verdict: 'fits',
    ...where,
    reasons: [{ code: upcoming ? 'FitsUpcoming' : 'FitsExisting', message, object: bin.name }],
  }
}

/** The machines to buy with the pods they are for. */
export function newNodes(lots: readonly Lot[], purchases: readonly Purchase[]): NewNode[] {
  const pods = new Map<Bin, string[]>(purchases.map(({ bin }) => [bin, []]))
  for (const lot of lots) {
    let next = 0
    for (const { bin, count } of lot.places) {
      pods.get(bin)?.push(...lot.pods.slice(next, next + count).map(keyOf))
      next += count
    }
  }
  const nameOf = namesOf(purchases)
  return purchases.map(({ bin, candidate: { template } }) => ({
    name: nameOf(bin),
    nodeGroup: template.group.key,
    offering: template.offering.name,
    ...(template.datacenterID === undefined ? {} : { datacenter: template.datacenterID }),
    pods: (pods.get(bin) ?? []).sort(compareText),
    monthlyPrice: template.offering.monthlyPrice,
  }))
}
