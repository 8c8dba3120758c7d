import type { VPSieNode } from '../../common/api/vpsienode.ts'
import { cents } from '../decide/money.ts'
import type { Offering } from '../decide/state.ts'

/** What claims cost, by the price list. */
export interface Prices {
  /** Account currency per month; undefined if the size is not on the list. */
  of(claim: VPSieNode): number | undefined
  /** Of all of them together, rounded to cents; a size that is not on the list counts nothing. */
  sum(claims: readonly VPSieNode[]): number
}

/** The prices of claims under a price list. An offering without a datacenter is sold everywhere. */
export function pricesOf(offerings: readonly Offering[]): Prices {
  const listed = new Map(
    offerings.map(({ name, datacenterID, monthlyPrice }) => [`${datacenterID ?? ''}/${name}`, monthlyPrice]),
  )
  const of = ({ spec }: VPSieNode) =>
    listed.get(`${spec.datacenterID}/${spec.instanceType}`) ?? listed.get(`/${spec.instanceType}`)
  return {
    of,
    sum: (claims) => cents(claims.reduce((total, claim) => total + (of(claim) ?? 0), 0)),
  }
}
