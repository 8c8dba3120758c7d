import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Clock, withDeadline } from '../../common/clock.ts'
import type { MemoryUsage } from '../../common/report.ts'
import { parseMeminfo } from './meminfo.ts'
import { type PressureTotals, parsePressure } from './psi.ts'
import { type CpuTicks, parseStat } from './stat.ts'

/** The kernel's counters at one moment. */
export interface Sample {
  /** Milliseconds of a clock that never goes back. */
  at: number
  cpu: CpuTicks
  memory: MemoryUsage
  /** Undefined where the kernel does not count pressure. */
  psi: PressureTotals | undefined
}

// Reading takes a fraction of a millisecond; a file system that hangs must not hang the agent.
const readMs = 2_000

/** Reads one sample below the folder `proc`. Throws what cannot be read or understood, naming the file. */
export async function readSample(
  { clock }: { clock: Clock },
  proc: string,
  signal: AbortSignal,
): Promise<Sample> {
  const deadline = withDeadline(clock, readMs, signal)
  const read = (name: string) => readFile(join(proc, name), { encoding: 'utf8', signal: deadline })
  const [stat, meminfo, psi] = await Promise.all([read('stat'), read('meminfo'), readPressure(read)])
  return { at: clock.monotonic(), cpu: parseStat(stat), memory: parseMeminfo(meminfo), psi }
}

async function readPressure(read: (name: string) => Promise<string>): Promise<PressureTotals | undefined> {
  try {
    const [cpu = '', memory = '', io = ''] = await Promise.all(
      ['cpu', 'memory', 'io'].map((name) => read(`pressure/${name}`)),
    )
    return parsePressure({ cpu, memory, io })
  } catch (error) {
    // ENOENT: built without it. EOPNOTSUPP: built with it and switched off. Neither is a failure.
    const { code = '' } = error as NodeJS.ErrnoException
    if (['ENOENT', 'EOPNOTSUPP', 'ENOTDIR'].includes(code)) return undefined
    throw error
  }
}

/** The kernel's boot id, which changes when the machine restarts; `unknown` where it is not shown. */
export async function readBootId(proc: string): Promise<string> {
  try {
    return (await readFile(join(proc, 'sys/kernel/random/boot_id'), 'utf8')).trim().slice(0, 64) || 'unknown'
  } catch {
    return 'unknown'
  }
}
