import { labels } from '../../common/api/names.ts'
import type { NodeGroup } from '../../common/api/nodegroup.ts'
import { counted } from '../../common/counted.ts'
import { errorText } from '../../common/errors.ts'
import { keyOf, resources } from '../../common/kube/resources.ts'
import { createOffers, entriesOf, type Offers } from '../observe/offers.ts'
import type { DoctorDeps } from './doctor.ts'
import { type Finding, failed, ok, warning } from './finding.ts'

/** VPSie takes the credentials, and knows the clusters, sizes and prices that the NodeGroups name. */
export async function vpsie(deps: DoctorDeps, signal: AbortSignal): Promise<Finding[]> {
  const { provider, client, options } = deps
  const secret = `${options['vpsie-secret-namespace']}/${options['vpsie-secret-name']}`
  let clusters: readonly { identifier: string }[]
  try {
    clusters = await provider.listClusters(signal)
  } catch (error) {
    signal.throwIfAborted()
    return [
      failed(
        'VPSie',
        errorText(error),
        `put working credentials into Secret ${secret}, and see that VPSie can be reached`,
      ),
    ]
  }
  const findings = [
    ok(
      'VPSie',
      `the credentials of Secret ${secret} are taken; the account has ${counted(clusters.length, 'cluster')}`,
    ),
    ...clockOf(provider.clockOffsetMs),
  ]
  const groups: NodeGroup[] = []
  for (const namespace of options.namespaces)
    groups.push(...(await client.list(resources.nodeGroups, { namespace }, signal)).items)
  const offers = createOffers(deps, 0)
  await offers.refresh([...new Set(groups.map(({ spec }) => spec.datacenterID ?? ''))], signal)
  return [...findings, ...groups.flatMap((group) => ofGroup(group, clusters, offers))]
}

/** Whether a machine is ours is told by when it was made, too: an hour off, and it is not found (nodes/adopt.ts). */
function clockOf(offsetMs: number | undefined): Finding[] {
  if (offsetMs === undefined) return []
  const seconds = Math.abs(Math.round(offsetMs / 1000))
  const message = `the clock of VPSie is ${seconds} s ${offsetMs < 0 ? 'behind' : 'ahead of'} this one`
  const advice = 'let the nodes of the controller keep time by NTP'
  if (seconds > 1800) return [failed('clock', message, advice)]
  return [seconds > 60 ? warning('clock', message, advice) : ok('clock', message)]
}

function ofGroup(group: NodeGroup, clusters: readonly { identifier: string }[], offers: Offers): Finding[] {
  const about = `NodeGroup ${keyOf(group)}`
  const { spec, metadata } = group
  if (metadata.labels?.[labels.managed] !== 'true')
    return [
      warning(
        about,
        'it is not acted on',
        `kubectl -n ${metadata.namespace} label nodegroup ${metadata.name} ${labels.managed}=true`,
      ),
    ]
  if (spec.provisioner !== 'vm' && !clusters.some(({ identifier }) => identifier === spec.resourceIdentifier))
    return [
      failed(
        about,
        `the account has no cluster "${spec.resourceIdentifier}"`,
        'correct spec.resourceIdentifier',
      ),
    ]
  const sold = entriesOf(group, offers)
  const unknown = (spec.offeringIDs ?? []).filter((entry) => !sold.includes(entry))
  if (sold.length === 0)
    return [
      failed(
        about,
        `VPSie sells none of its sizes in datacenter "${spec.datacenterID}": ${unknown.join(', ')}`,
        'correct spec.offeringIDs',
      ),
    ]
  const prices = sold.map((entry) => {
    const offer = offers.resolve(entry, spec.datacenterID ?? '')
    return `${entry} for ${offer?.monthlyPrice ?? '?'} a month`
  })
  return unknown.length > 0
    ? [
        warning(
          about,
          `VPSie does not sell there: ${unknown.join(', ')}; it buys ${prices.join(', ')}`,
          'correct spec.offeringIDs',
        ),
      ]
    : [ok(about, `it buys ${prices.join(', ')}`)]
}
