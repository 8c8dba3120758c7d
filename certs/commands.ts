import type { ActDeps } from './act.ts'
import { laggingReplicas, type ReplicaOptions } from './confirm.ts'
import { ensureObjects, untilTargetsExist } from './ensure.ts'
import { publishExternal } from './external.ts'
import { type ObserveOptions, observe } from './observe.ts'
import { type CertsOptions, hostsOf, timesOf } from './options.ts'
import { type RunOptions, runSteps } from './run.ts'
import { formatReport, isBroken, reportOf } from './status.ts'

export const commands = ['init', 'rotate', 'status'] as const
export type Command = (typeof commands)[number]

export type CommandDeps = Omit<ActDeps, 'lagging'> & {
  /** Standard output, for what `status` prints. */
  print: (text: string) => void
}

/**
 * Runs a command and gives its exit code. `init` makes what is missing and waits for nobody. `rotate` does every
 * step that is due, waits within its deadline, and leaves the rest to the next run. `status` reads and prints, and
 * gives 1 if a certificate is missing or has expired.
 */
export function runCommand(
  deps: CommandDeps,
  command: Command,
  options: CertsOptions,
  signal: AbortSignal,
): Promise<number> {
  if (command === 'status') return status(deps, options, signal)
  return keep(deps, options, command, signal)
}

async function keep(
  deps: CommandDeps,
  options: CertsOptions,
  command: 'init' | 'rotate',
  signal: AbortSignal,
): Promise<number> {
  const { log, clock, client, events } = deps
  const replicas = replicaOptionsOf(options)
  const actDeps: ActDeps = {
    log,
    clock,
    client,
    events,
    lagging: (leaf, authority, signal) => laggingReplicas(deps, replicas, leaf, authority, signal),
  }
  await ensureObjects(deps, options.namespace, signal)
  if (command === 'init') await untilTargetsExist(deps, options.namespace, signal)
  if (options.issuer === 'external') return publishExternal(deps, observeOptionsOf(options), signal)
  const deadlineMs = command === 'init' ? 0 : options['active-deadline']
  const force = command === 'rotate' && options.force
  const end = await runSteps(actDeps, { ...runOptionsOf(options), deadlineMs, force }, signal)
  log.info(end.do === 'wait' ? 'left to the next run' : 'done', { step: end })
  return 0
}

async function status(
  { client, clock, print }: CommandDeps,
  options: CertsOptions,
  signal: AbortSignal,
): Promise<number> {
  const now = clock.now()
  const runOptions = runOptionsOf(options)
  const observed = await observe({ client }, runOptions, now, signal)
  const report = reportOf(observed, runOptions.times, now)
  print(options.output === 'json' ? `${JSON.stringify(report, null, 2)}\n` : formatReport(report, now))
  return isBroken(report) ? 1 : 0
}

function observeOptionsOf(options: CertsOptions): ObserveOptions {
  return { namespace: options.namespace, hosts: hostsOf(options) }
}

function runOptionsOf(options: CertsOptions): Omit<RunOptions, 'deadlineMs'> {
  return {
    ...observeOptionsOf(options),
    caDays: options['ca-days'],
    leafDays: options['leaf-days'],
    times: timesOf(options),
  }
}

function replicaOptionsOf(options: CertsOptions): ReplicaOptions {
  const { webhook, ingest } = hostsOf(options)
  return {
    namespace: options.namespace,
    serverName: { webhook: webhook[0] ?? '', ingest: ingest[0] ?? '' },
    port: { webhook: options['webhook-port'], ingest: options['ingest-port'] },
    replicas: { webhook: options['webhook-replicas'], ingest: options['ingest-replicas'] },
  }
}
