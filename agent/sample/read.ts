import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../../common/clock.ts'
import type { MemoryUsage } from '../../common/report.ts'
import { parseMeminfo } from './meminfo.ts'
import { type PressureTotals, parsePressure } from './psi.ts'
import { type CpuTicks, parseStat } from './stat.ts'
import { parseUptime } from './uptime.ts'

/** The kernel's counters at one moment. */
export interface Sample {
  /** Milliseconds of a clock that never goes back. */
  at: number
  /** Seconds since the machine's boot, those asleep included; undefined where it is not shown. */
  uptimeSeconds: number | undefined
  cpu: CpuTicks
  memory: MemoryUsage
  psi: PressureTotals | NoPressure
}

/** Why a kernel shows no pressure: built without it or told to leave it off, or built with it switched off. */
export type NoPressure = 'absent' | 'disabled'

/** Reads a file of /proc by its name there. */
export type ReadProc = (name: string) => Promise<string>

/**
 * Reads below `folder`, which is /proc or a mount of it. At once and not in the thread pool: the kernel makes these texts
 * up in 0.03 ms, a tenth of what the way through a thread costs, and what a promise leaves behind would double the
 * agent's memory. Should the kernel hang, so does the agent, and its liveness probe sees it.
 */
export const procReader =
  (folder: string): ReadProc =>
  async (name) =>
    readFileSync(join(folder, name), 'utf8')

/** Reads one sample. Throws what cannot be read, and `InputError` naming file and line of what is not understood. */
export async function readSample({ clock, read }: { clock: Clock; read: ReadProc }): Promise<Sample> {
  const [stat, meminfo, psi, uptimeSeconds] = await Promise.all([
    read('stat'),
    read('meminfo'),
    readPressure(read),
    readUptime(read),
  ])
  const at = clock.monotonic()
  return { at, uptimeSeconds, cpu: parseStat(stat), memory: parseMeminfo(meminfo), psi }
}

async function readPressure(read: ReadProc): Promise<PressureTotals | NoPressure> {
  try {
    const [cpu, memory, io] = await Promise.all([
      read('pressure/cpu'),
      read('pressure/memory'),
      read('pressure/io'),
    ])
    return parsePressure({ cpu, memory, io })
  } catch (error) {
    const code = codeOf(error)
    if (code === 'ENOENT') return 'absent'
    // The kernel says EOPNOTSUPP, which is the same number as ENOTSUP on Linux, and the name that Node gives it.
    if (code === 'ENOTSUP' || code === 'EOPNOTSUPP') return 'disabled'
    throw error
  }
}

async function readUptime(read: ReadProc): Promise<number | undefined> {
  try {
    return parseUptime(await read('uptime'))
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

/** The kernel's boot id, which changes when the machine restarts; `unknown` where it cannot be had. */
export async function readBootId(read: ReadProc): Promise<string> {
  try {
    return (await read('sys/kernel/random/boot_id')).trim().slice(0, 64) || 'unknown'
  } catch {
    // The random half of a report's bootId tells starts apart by itself; this one only helps a reader.
    return 'unknown'
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code
}
