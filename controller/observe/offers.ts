import type { NodeGroup } from '../../common/api/nodegroup.ts'
import type { Clock } from '../../common/clock.ts'
import { errorText } from '../../common/errors.ts'
import type { Logger } from '../../common/log.ts'
import type { Offering } from '../decide/state.ts'
import type { Offer, VPSieProvider } from '../vpsie/provider.ts'

/** VPSie's price list, kept per datacenter. An old list is better than none, so it stays until a new one arrives. */
export interface Offers {
  /** Refreshes every datacenter's list that is older than `maxAgeMs`; a failure is logged and the old one kept. */
  refresh(datacenterIDs: readonly string[], signal: AbortSignal): Promise<void>
  /** True once the datacenter's list has been read. */
  isKnown(datacenterID: string): boolean
  /** The offer an entry of `offeringIDs` stands for: by decimal id, identifier, then name. */
  resolve(entry: string, datacenterID: string): Offer | undefined
}

/** Makes the price list. Datacenters that no NodeGroup names any more are dropped at the next refresh. */
export function createOffers(
  deps: { provider: Pick<VPSieProvider, 'listOffers'>; clock: Clock; log: Logger },
  maxAgeMs: number,
): Offers {
  const lists = new Map<string, { offers: Offer[]; at: number }>()

  async function refreshOne(datacenterID: string, signal: AbortSignal): Promise<void> {
    const known = lists.get(datacenterID)
    if (known && deps.clock.now() - known.at < maxAgeMs) return
    try {
      const offers = await deps.provider.listOffers(datacenterID, signal)
      lists.set(datacenterID, { offers, at: deps.clock.now() })
    } catch (error) {
      signal.throwIfAborted()
      deps.log.warn('could not read the offers of a datacenter', {
        datacenterID,
        kept: known !== undefined,
        error: errorText(error),
      })
    }
  }

  return {
    async refresh(datacenterIDs, signal) {
      for (const known of lists.keys()) if (!datacenterIDs.includes(known)) lists.delete(known)
      await Promise.all(datacenterIDs.map((datacenterID) => refreshOne(datacenterID, signal)))
    },
    isKnown: (datacenterID) => lists.has(datacenterID),
    resolve(entry, datacenterID) {
      return resolveOffer(entry, lists.get(datacenterID)?.offers ?? [])
    },
  }
}

function resolveOffer(entry: string, offers: readonly Offer[]): Offer | undefined {
  return (
    offers.find(({ id }) => String(id) === entry) ??
    offers.find(({ identifier }) => identifier === entry) ??
    offers.find(({ name }) => name === entry)
  )
}

/** The entries a NodeGroup may order: those of `offeringIDs` that VPSie sells, else `kubeSizeID`. */
export function entriesOf(nodeGroup: NodeGroup, offers: Offers): string[] {
  const { offeringIDs, kubeSizeID, datacenterID } = nodeGroup.spec
  const known = (offeringIDs ?? []).filter((entry) => offers.resolve(entry, datacenterID ?? '') !== undefined)
  return known.length > 0 || kubeSizeID === undefined ? known : [String(kubeSizeID)]
}

/**
 * The offerings of all groups as decisions know them. Each is named by the group's own entry, because that is the
 * text that labels and `VPSieNode.spec.instanceType` carry and it is always a valid label value.
 */
export function offeringsOf(nodeGroups: readonly NodeGroup[], offers: Offers): Offering[] {
  const found = new Map<string, Offering>()
  for (const nodeGroup of nodeGroups) {
    const datacenterID = nodeGroup.spec.datacenterID ?? ''
    for (const entry of entriesOf(nodeGroup, offers)) {
      const offer = offers.resolve(entry, datacenterID)
      if (offer) found.set(`${datacenterID}/${entry}`, toOffering(entry, offer))
    }
  }
  return [...found.values()]
}

const kubeletMaxPods = 110

function toOffering(name: string, offer: Offer): Offering {
  return {
    name,
    cpuMillicores: offer.cpu * 1000,
    memoryBytes: offer.memoryMB * 2 ** 20,
    diskBytes: offer.diskGB * 2 ** 30,
    pods: kubeletMaxPods,
    monthlyPrice: offer.monthlyPrice,
    datacenterID: offer.datacenterID,
    available: true,
    extended: {},
  }
}
