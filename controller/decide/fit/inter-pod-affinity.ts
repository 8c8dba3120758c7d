import { counted } from '../../../common/counted.ts'
import type { Bin } from '../shape/bins.ts'
import type { PodClass } from '../shape/classes.ts'
import type { Tally } from '../tally.ts'
import type { World } from '../world.ts'
import type { Filter } from './filter.ts'

/** Required affinity and anti-affinity, that of running pods included (plugin InterPodAffinity). */
export const interPodAffinity: Filter = {
  code: 'InterPodAffinity',
  refuses(pod, bin, world) {
    const topology = world.topologyOf(pod)
    return (
      topology.avoids.some(({ targets }) => here(targets, bin) > 0) ||
      topology.avoidedBy.some(({ carriers }) => here(carriers, bin) > 0) ||
      lacking(pod, bin, world) !== undefined
    )
  },
  explain(pod, bin, world) {
    const { avoids, avoidedBy } = world.topologyOf(pod)
    const met = avoids.find(({ targets }) => here(targets, bin) > 0)
    if (met)
      return `anti-affinity: ${counted(here(met.targets, bin), 'pod')} that it must not meet in ${domainText(met.targets, bin)}`
    const meets = avoidedBy.find(({ carriers }) => here(carriers, bin) > 0)
    if (meets)
      return `anti-affinity of ${counted(here(meets.carriers, bin), 'pod')} already in ${domainText(meets.carriers, bin)}`
    const missing = lacking(pod, bin, world)
    return missing ? `affinity: no pod it must be with is in ${domainText(missing, bin)}` : ''
  },
}

function here(tally: Tally, bin: Bin): number {
  const domain = bin.labels[tally.topologyKey]
  return domain === undefined ? 0 : (tally.counts.get(domain) ?? 0)
}

/** The affinity term that the bin does not meet. Where no pod meets them yet, one that meets its own goes anywhere. */
function lacking(pod: PodClass, bin: Bin, world: World): Tally | undefined {
  const { affinity, own } = world.topologyOf(pod)
  const first = own && affinity.every(({ total }) => total === 0)
  return affinity.find(
    (tally) => bin.labels[tally.topologyKey] === undefined || (!first && here(tally, bin) === 0),
  )
}

function domainText({ topologyKey }: Tally, { labels }: Bin): string {
  return `${topologyKey}=${labels[topologyKey] ?? '(no such label)'}`
}
