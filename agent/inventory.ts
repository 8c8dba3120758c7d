import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Clock } from '../common/clock.ts'
import { errorText } from '../common/errors.ts'
import type { Logger } from '../common/log.ts'
import type { Inventory } from '../common/report.ts'

/** Reads the inventory in a process of its own; gives what that printed. */
export type RunChild = (signal: AbortSignal) => Promise<string>

interface Deps {
  clock: Clock
  log: Logger
  run?: RunChild
}

const withinMs = 30_000
const mostBytes = 16 * 1024
const mostChars = 128

/**
 * Runs `script` with this Node and its flags, by default the child that looks at the machine; it is killed when it takes
 * too long.
 */
export function childRunner(
  script = fileURLToPath(new URL('inventory-child.ts', import.meta.url)),
  timeout = withinMs,
): RunChild {
  return async (signal) => {
    const options = { timeout, maxBuffer: mostBytes, killSignal: 'SIGKILL', signal } as const
    return (await promisify(execFile)(process.execPath, [...process.execArgv, script], options)).stdout
  }
}

/** What rarely changes about the machine; undefined, with a line in the log, if it cannot be had. Never throws. */
export async function readInventory(
  { log, run = childRunner() }: Omit<Deps, 'clock'>,
  signal: AbortSignal,
): Promise<Inventory | undefined> {
  try {
    return inventoryOf(JSON.parse(await run(signal)))
  } catch (error) {
    if (!signal.aborted) log.warn('inventory could not be read', { error: errorText(error) })
    return undefined
  }
}

/**
 * Looks every `intervalMs`, 0 never, until `signal` aborts. The function it gives hands out what was last found, for
 * every report: which of them a controller takes, and when a new one comes up, is not known here.
 */
export function followInventory(
  deps: Deps,
  intervalMs: number,
  signal: AbortSignal,
): () => Inventory | undefined {
  let found: Inventory | undefined
  const run = async () => {
    while (intervalMs > 0 && !signal.aborted) {
      found = (await readInventory(deps, signal)) ?? found
      await deps.clock.sleep(intervalMs, signal).catch(() => undefined)
    }
  }
  void run()
  return () => found
}

/** Takes over what has the form of an inventory: one wrong field must not make controllers refuse whole reports. */
function inventoryOf(value: unknown): Inventory {
  const { os, kernel, model, diskBytes } = (value ?? {}) as Record<keyof Inventory, unknown>
  const texts = Object.entries({ os, kernel, model }).flatMap(([name, text]) =>
    typeof text === 'string' && text.trim() !== '' ? [[name, text.trim().slice(0, mostChars)]] : [],
  )
  const isSize = typeof diskBytes === 'number' && diskBytes > 0 && diskBytes <= 2 ** 50
  return { ...Object.fromEntries(texts), ...(isSize ? { diskBytes } : {}) }
}
