import { InputError } from '../../common/errors.ts'

/** Ticks since boot, over all CPUs (proc_stat(5)); guest time is inside `user` and `nice` already. */
export interface CpuTicks {
  /** user + nice + system + irq + softirq. */
  busy: number
  idle: number
  iowait: number
  steal: number
  /** CPUs that are online. */
  cores: number
}

/**
 * Reads /proc/stat: the line of all CPUs together, and how many have a line of their own. Throws `InputError` naming
 * the line that is not as it should be.
 */
export function parseStat(text: string): CpuTicks {
  const lines = text.split('\n')
  const index = lines.findIndex((line) => line.startsWith('cpu '))
  const [user, nice, system, idle, iowait = 0, irq = 0, softirq = 0, steal = 0] = ticksOf(lines, index)
  const cores = lines.filter((line) => /^cpu\d+ /.test(line)).length
  if (cores === 0) throw new InputError('stat', 'must have a line "cpuN …" for each CPU')
  const busy = user + nice + system + irq + softirq
  if (busy + idle + iowait + steal === 0) {
    throw new InputError(`stat:${index + 1}`, 'must count ticks: all are 0, as in a sandbox such as gVisor')
  }
  return { busy, idle, iowait, steal, cores }
}

// iowait, irq and softirq came with Linux 2.5.41 and 2.6.0, steal with 2.6.11; a sandbox may leave them out.
type Ticks = [user: number, nice: number, system: number, idle: number, ...more: number[]]

function ticksOf(lines: readonly string[], index: number): Ticks {
  const line = lines[index]
  if (line === undefined) throw new InputError('stat', 'must have a line "cpu …" of all CPUs together')
  const [, ...words] = line.trim().split(/\s+/)
  if (words.length < 4 || words.some((word) => !/^\d+$/.test(word))) {
    throw new InputError(
      `stat:${index + 1}`,
      `must be "cpu" and at least 4 whole numbers: it is "${line.slice(0, 100)}"`,
    )
  }
  return words.map(Number) as Ticks // at least 4, as just checked
}
