import { InputError } from '../../common/errors.ts'
import type { MemoryUsage } from '../../common/report.ts'

/**
 * Reads /proc/meminfo (proc_meminfo(5)). The working set is what cannot be dropped at once: anonymous pages, cache and
 * buffers, less inactive file pages; close to what a kubelet reports for a node with cgroup v2, which runc adds up
 * from the root's memory.stat. Throws `InputError` naming what is missing.
 */
export function parseMeminfo(text: string): MemoryUsage {
  const fields = new Map<string, number>()
  for (const [, name = '', kB = ''] of text.matchAll(/^([\w()]+):\s+(\d+)(?: kB)?\s*$/gm)) {
    fields.set(name, Number(kB) * 1024)
  }
  const read = (name: string): number => {
    const value = fields.get(name)
    if (value === undefined)
      throw new InputError('meminfo', `must have a line "${name}:" with a number of kB`)
    return value
  }
  const totalBytes = read('MemTotal')
  if (totalBytes === 0) throw new InputError('meminfo', 'MemTotal must be greater than 0')
  const held = read('AnonPages') + read('Cached') + read('Buffers') - read('Inactive(file)')
  return {
    totalBytes,
    availableBytes: clamp(read('MemAvailable'), totalBytes),
    workingSetBytes: clamp(held, totalBytes),
  }
}

function clamp(value: number, most: number): number {
  return Math.min(most, Math.max(0, value))
}
