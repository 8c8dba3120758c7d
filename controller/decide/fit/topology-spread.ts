import { counted } from '../../../common/counted.ts'
import type { Bin } from '../shape/bins.ts'
import { smallestCount } from '../tally.ts'
import type { Spread } from '../topology.ts'
import type { Filter } from './filter.ts'

/** Hard spread constraints, with minDomains and both policies (plugin PodTopologySpread). */
export const topologySpread: Filter = {
  code: 'PodTopologySpread',
  refuses: (pod, bin, world) => world.topologyOf(pod).spreads.some((spread) => !allows(spread, bin)),
  explain(pod, bin, world) {
    const spread = world.topologyOf(pod).spreads.find((one) => !allows(one, bin))
    if (!spread) return ''
    const { tally, maxSkew } = spread
    const domain = bin.labels[tally.topologyKey]
    if (domain === undefined) return `the node has no label ${tally.topologyKey} to spread over`
    const here = tally.counts.get(domain) ?? 0
    return `${tally.topologyKey}=${domain} has ${counted(here, 'pod')}, the emptiest domain ${least(spread)}: one more exceeds maxSkew ${maxSkew}`
  },
}

function allows(spread: Spread, bin: Bin): boolean {
  const domain = bin.labels[spread.tally.topologyKey]
  return domain !== undefined && takesOneMore(spread, domain)
}

/** Whether the spread lets one more pod into the domain. */
export function takesOneMore(spread: Spread, domain: string): boolean {
  const { tally, maxSkew, own } = spread
  return (tally.counts.get(domain) ?? 0) + own - least(spread) <= maxSkew
}

/** Pods in the emptiest domain; 0 while there are fewer domains than wanted, as KEP-3022 has it. */
function least({ tally, minDomains }: Spread): number {
  if (tally.domains < minDomains) return 0
  const smallest = smallestCount(tally)
  return smallest === Number.POSITIVE_INFINITY ? 0 : smallest
}
