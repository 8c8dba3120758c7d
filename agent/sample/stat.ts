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

/** Reads /proc/stat. Throws `InputError` naming the line that is not as it should be. */
export function parseStat(text: string): CpuTicks {
  const lines = text.split('\n')
  const [total = ''] = lines
  const fields = total.trim().split(/\s+/)
  // Kernels before 2.6.11 have no steal; nothing that runs Kubernetes is that old, but a sandbox may be.
  const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0] = fields
    .slice(1)
    .map(Number)
  const figures = [user, nice, system, idle, iowait, irq, softirq, steal]
  if (fields[0] !== 'cpu' || fields.length < 5 || figures.some((value) => !(value >= 0))) {
    throw new InputError(
      'stat',
      `must begin with "cpu" and its figures: it begins with "${total.slice(0, 80)}"`,
    )
  }
  const cores = lines.filter((line) => /^cpu\d/.test(line)).length
  return { busy: user + nice + system + irq + softirq, idle, iowait, steal, cores: Math.max(1, cores) }
}
