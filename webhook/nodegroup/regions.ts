import { forbidden, invalid, required, unsupported } from '../../common/api/violation.ts'
import { none, type Rule } from '../rule.ts'
import { repeated } from '../settings/rules.ts'
import type { Settings } from '../settings/settings.ts'

const regionsInVM: Rule<Settings> = {
  name: 'one-datacenter',
  fields: ['multiRegion.enabled'],
  says: 'it is not true: managed workers are in the datacenter of their cluster',
  check({ settings: { multiRegion, datacenterID, provisioner } }) {
    if (!multiRegion?.enabled || provisioner === 'vm') return none
    return [
      forbidden(
        'spec.multiRegion.enabled',
        `managed workers are in the datacenter of their cluster, "${datacenterID}": must be false`,
      ),
    ]
  },
}

const regionNames: Rule<Settings> = {
  name: 'region-names',
  fields: ['multiRegion.datacenterIDs', 'multiRegion.primaryDatacenter'],
  says: 'with multiRegion enabled there is at least one datacenter, none is listed twice, and the primary of primary-backup is among them',
  cel: [
    'datacenterIDs must name at least one datacenter when multiRegion is enabled',
    'each must be listed once',
    'primaryDatacenter must be one of datacenterIDs with distributionStrategy primary-backup',
  ],
  check({ settings: { multiRegion } }) {
    if (!multiRegion) return none
    const { enabled, datacenterIDs = [], distributionStrategy, primaryDatacenter } = multiRegion
    const at = 'spec.multiRegion'
    const isPrimaryUnknown =
      distributionStrategy === 'primary-backup' && !datacenterIDs.includes(primaryDatacenter ?? '')
    return [
      ...repeated(datacenterIDs, `${at}.datacenterIDs`),
      ...(enabled && datacenterIDs.length === 0
        ? [required(`${at}.datacenterIDs`, 'must name at least one datacenter')]
        : []),
      ...(enabled && isPrimaryUnknown
        ? [unsupported(`${at}.primaryDatacenter`, primaryDatacenter, datacenterIDs)]
        : []),
    ]
  },
}

const regionShares: Rule<Settings> = {
  name: 'region-shares',
  fields: ['multiRegion.weightedDistribution'],
  says: 'with multiRegion enabled the shares of strategy weighted are of datacenters that are listed and add up to 100',
  cel: [
    'the shares of weightedDistribution must add up to 100 with distributionStrategy weighted',
    'weightedDistribution must name only datacenters of datacenterIDs',
  ],
  check({ settings: { multiRegion } }) {
    if (!multiRegion?.enabled || multiRegion.distributionStrategy !== 'weighted') return none
    const { weightedDistribution: shares = {}, datacenterIDs = [] } = multiRegion
    const at = 'spec.multiRegion.weightedDistribution'
    const sum = Object.values(shares).reduce((total, share) => total + share, 0)
    return [
      ...(sum === 100
        ? []
        : [invalid(at, undefined, `the shares must add up to 100: they add up to ${sum}`)]),
      ...Object.keys(shares)
        .filter((name) => !datacenterIDs.includes(name))
        .map((name) => unsupported(`${at}[${name}]`, name, datacenterIDs)),
    ]
  },
}

const regionMinimum: Rule<Settings> = {
  name: 'region-minimum',
  fields: ['multiRegion.minNodesPerRegion', 'maxNodes'],
  says: 'with multiRegion enabled minNodesPerRegion in every datacenter does not come to more than maxNodes',
  cel: ['minNodesPerRegion in every one of datacenterIDs must not come to more than maxNodes'],
  check({ settings: { multiRegion, maxNodes } }) {
    if (!multiRegion?.enabled || maxNodes === undefined) return none
    const { minNodesPerRegion = 1, datacenterIDs = [] } = multiRegion
    const least = minNodesPerRegion * datacenterIDs.length
    if (least <= maxNodes) return none
    const why = `in ${datacenterIDs.length} datacenters that is ${least}: must not come to more than maxNodes, which is ${maxNodes}`
    return [invalid('spec.multiRegion.minNodesPerRegion', minNodesPerRegion, why)]
  },
}

/** How a group spreads over datacenters. */
export const regionRules: readonly Rule<Settings>[] = [regionsInVM, regionNames, regionShares, regionMinimum]
