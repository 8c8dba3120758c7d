import { isOff } from '../../common/http/address.ts'
import type { RunningServer } from '../../common/http/server.ts'
import type { ControllerDeps } from '../deps.ts'
import { createExplainQuery } from '../explain/query.ts'
import { createLeaderLookup, podOf } from './leader.ts'
import { startPage } from './server.ts'
import { type View, viewOf } from './view.ts'

/** What the page shows of its process that nobody else needs to know. */
export interface Process {
  /** As it stands in the lease. */
  identity: string
  /** Milliseconds since the epoch; undefined before the first certificate. */
  certificateEnds: () => number | undefined
  breaker: () => View['vpsie']
}

/** Starts the page of the controller; undefined if it is switched off. */
export async function servePage(
  deps: ControllerDeps,
  { identity, certificateEnds, breaker }: Process,
  signal: AbortSignal,
): Promise<RunningServer | undefined> {
  const { client, clock, log, metrics, options, records, usage } = deps
  if (isOff(options['page-addr'])) return undefined
  const replica = podOf(identity) ?? identity
  const lease = { namespace: options['leader-election-namespace'], name: options['leader-election-id'] }
  const lookUp = createLeaderLookup({ client, clock, log }, lease)
  const leader = async () => (records.last ? replica : lookUp())
  return startPage(
    {
      client,
      log,
      clock,
      metrics,
      records,
      explain: createExplainQuery({ records, options, leader }),
      view: async (query) =>
        viewOf(
          {
            records,
            usage,
            replica,
            leader: await leader(),
            vpsie: breaker(),
            certificateEnds: certificateEnds(),
            now: clock.now(),
          },
          query,
        ),
    },
    {
      address: options['page-addr'],
      viewers: options['page-viewers'],
      ...(options['page-tls'] && {
        tls: {
          certFile: options['ingest-cert-file'],
          keyFile: options['ingest-key-file'],
          pollMs: options['cert-poll-interval'],
        },
      }),
    },
    signal,
  )
}
