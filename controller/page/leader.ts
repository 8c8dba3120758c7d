import { type Clock, withDeadline } from '../../common/clock.ts'
import { errorText } from '../../common/errors.ts'
import type { KubeClient, ObjectName } from '../../common/kube/client.ts'
import { resources } from '../../common/kube/resources.ts'
import type { Logger } from '../../common/log.ts'

const knownForMs = 5_000
const askMs = 3_000

/**
 * Tells who holds the lease, asked at most every five seconds; undefined if nobody, or if it cannot be told. A holder's
 * identity is `<pod>_<uuid>`; the pod is given.
 */
export function createLeaderLookup(
  { client, clock, log }: { client: Pick<KubeClient, 'get'>; clock: Clock; log: Logger },
  lease: ObjectName,
): () => Promise<string | undefined> {
  let known: { holder: string | undefined; until: number } | undefined
  return async () => {
    if (known && known.until > clock.monotonic()) return known.holder
    let holder: string | undefined
    try {
      const { spec } = await client.get(
        resources.leases,
        lease,
        withDeadline(clock, askMs, new AbortController().signal),
      )
      holder = podOf(spec?.holderIdentity)
    } catch (error) {
      log.debug('lease could not be read', { error: errorText(error) })
    }
    known = { holder, until: clock.monotonic() + knownForMs }
    return holder
  }
}

/** The pod of a lease's holder. */
export function podOf(identity: string | undefined): string | undefined {
  return identity?.split('_')[0] || undefined
}
