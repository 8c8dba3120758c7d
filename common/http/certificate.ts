import { type Clock, toTimestamp } from '../clock.ts'
import { errorText, isAbort } from '../errors.ts'
import type { Logger } from '../log.ts'
import type { OptionTable } from '../options.ts'
import { type CertificatePair, checkPair, type PairFiles, type PairTexts, readPair } from './pair.ts'

/** The certificate a listener serves now, for a metric and for readiness. */
export interface ServedCertificate {
  readonly pair: CertificatePair
  /** Why the files as they are now do not replace `pair`; undefined if they are what is served. */
  readonly lastError: string | undefined
  /** Called with the outcome whenever new content was found. Returns how to stop. */
  onReload(listener: (outcome: ReloadOutcome) => void): () => void
}

export const reloadOutcomes = ['loaded', 'refused'] as const
export type ReloadOutcome = (typeof reloadOutcomes)[number]

/** The option of every program that serves TLS. */
export const certificateOptions = {
  'cert-poll-interval': {
    type: 'duration',
    default: '10s',
    description: 'How often the files of the serving certificate are looked at for new content.',
    min: 100,
    max: 600_000,
  },
} as const satisfies OptionTable

export interface CertificateOptions extends PairFiles {
  /** Between two readings of the files; default 10 000 ms, as controller-runtime and cert-manager have it. */
  pollMs?: number
}

interface Deps {
  log: Logger
  clock: Clock
}

/**
 * Waits until the files hold a usable pair, then follows their content until `signal` aborts. Content is compared,
 * not file events: a Secret volume is renewed by swapping a symbolic link, which events show badly.
 * A pair that is unusable is refused and logged once, and the last good one stays. Rejects only with abort.
 */
export async function followCertificate(
  { log, clock }: Deps,
  options: CertificateOptions,
  signal: AbortSignal,
): Promise<ServedCertificate> {
  const { pollMs = 10_000 } = options
  const listeners = new Set<(outcome: ReloadOutcome) => void>()
  let last: Reading = {}
  const read = async (): Promise<Reading> => {
    const next = await readAgain(options, last, clock.now())
    const outcome = outcomeOf(last, next)
    last = next
    if (outcome) logOutcome(log, options, last)
    if (outcome) for (const listener of listeners) listener(outcome)
    return last
  }
  let { pair: first } = await read()
  while (first === undefined) {
    await clock.sleep(pollMs, signal)
    first = (await read()).pair
  }
  const pair = first
  void poll({ log, clock }, read, pollMs, signal)
  return {
    get pair() {
      return last.pair ?? pair
    },
    get lastError() {
      return last.error
    },
    onReload(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

/** Keeps a gauge at the end of what is served (seconds since the epoch) and counts what was found, by `result`. */
export function tellCertificate(
  certificate: ServedCertificate | undefined,
  {
    notAfter,
    reloads,
  }: { notAfter: { set(value: number): void }; reloads: { inc(labels: { result: string }): void } },
): void {
  if (!certificate) return
  const tell = () => notAfter.set(certificate.pair.notAfter / 1000)
  tell()
  certificate.onReload((result) => {
    reloads.inc({ result })
    tell()
  })
}

/** Why a listener with this certificate is not ready at `now` (milliseconds); undefined if it is. */
export function certificateProblem(served: ServedCertificate | undefined, now: number): string | undefined {
  if (served === undefined) return 'no certificate yet'
  if (now >= served.pair.notAfter) return `certificate expired at ${toTimestamp(served.pair.notAfter)}`
  return undefined
}

/** What the files held: the last good pair and its text, and what is wrong with the content since. */
interface Reading {
  texts?: PairTexts
  pair?: CertificatePair
  error?: string
}

// Refused content is checked again each time: "not yet valid" heals by waiting.
async function readAgain(files: PairFiles, last: Reading, now: number): Promise<Reading> {
  try {
    const texts = await readPair(files)
    if (texts.certificate === last.texts?.certificate && texts.key === last.texts.key && !last.error)
      return last
    return { texts, pair: checkPair(texts.certificate, texts.key, now) }
  } catch (error) {
    return { ...last, error: errorText(error) }
  }
}

function outcomeOf(last: Reading, next: Reading): ReloadOutcome | undefined {
  if (next.error !== undefined) return next.error === last.error ? undefined : 'refused'
  const same = next.pair?.certificate === last.pair?.certificate && next.pair?.key === last.pair?.key
  return same ? undefined : 'loaded'
}

function logOutcome(log: Logger, { certFile }: PairFiles, { pair, error }: Reading): void {
  const served = pair && { fingerprint: pair.fingerprint, notAfter: toTimestamp(pair.notAfter) }
  if (error !== undefined) log.warn('certificate refused', { file: certFile, reason: error, served })
  else log.info('certificate loaded', { file: certFile, served })
}

async function poll(
  deps: Deps,
  read: () => Promise<Reading>,
  pollMs: number,
  signal: AbortSignal,
): Promise<void> {
  try {
    for (;;) {
      await deps.clock.sleep(pollMs, signal)
      await read()
    }
  } catch (error) {
    if (!isAbort(error, signal)) deps.log.error('certificate files are followed no more', { error })
  }
}
