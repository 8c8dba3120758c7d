import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Clock } from '../common/clock.ts'
import { errorText } from '../common/errors.ts'
import type { Logger } from '../common/log.ts'
import type { Inventory } from '../common/report.ts'

const child = fileURLToPath(new URL('inventory-child.ts', import.meta.url))
const withinMs = 30_000
const mostBytes = 16 * 1024

/** What rarely changes about the machine; undefined, with a line in the log, if it cannot be had. Never throws. */
export async function readInventory(
  { log }: { log: Logger },
  signal: AbortSignal,
): Promise<Inventory | undefined> {
  try {
    const options = { timeout: withinMs, maxBuffer: mostBytes, signal }
    const { stdout } = await promisify(execFile)(process.execPath, [child], options)
    return JSON.parse(stdout) as Inventory
  } catch (error) {
    if (!signal.aborted) log.warn('inventory could not be read', { error: errorText(error) })
    return undefined
  }
}

/**
 * Looks every `intervalMs`, 0 never, until `signal` aborts. The function it gives hands out each inventory once: it
 * goes along with the next report.
 */
export function followInventory(
  { clock, log }: { clock: Clock; log: Logger },
  intervalMs: number,
  signal: AbortSignal,
): () => Inventory | undefined {
  let news: Inventory | undefined
  const run = async () => {
    while (intervalMs > 0 && !signal.aborted) {
      news = (await readInventory({ log }, signal)) ?? news
      await clock.sleep(intervalMs, signal).catch(() => undefined)
    }
  }
  void run()
  return () => {
    const handed = news
    news = undefined
    return handed
  }
}
