import { InputError } from '../../common/errors.ts'
import type { MemoryUsage } from '../../common/report.ts'

/**
 * Reads /proc/meminfo (proc_meminfo(5)). The working set is what cannot be dropped at once: anonymous pages, cache and
 * buffers, less inactive file pages; close to what a kubelet reports for a node with cgroup v2, which runc adds up
 * from the root's memory.stat. Throws `InputError` naming the line that is missing or not as it should be.
 */
export function parseMeminfo(text: string): MemoryUsage {
  const lines = text.split('\n')
  const bytes = (name: string) => bytesOf(lines, name)
  const totalBytes = bytes('MemTotal')
  if (totalBytes === 0) throw new InputError('meminfo', 'MemTotal must be greater than 0')
  const held = bytes('AnonPages') + bytes('Cached') + bytes('Buffers') - bytes('Inactive(file)')
  return {
    totalBytes,
    availableBytes: clamp(bytes('MemAvailable'), totalBytes),
    workingSetBytes: clamp(held, totalBytes),
  }
}

function bytesOf(lines: readonly string[], name: string): number {
  const index = lines.findIndex((line) => line.startsWith(`${name}:`))
  const line = lines[index]
  if (line === undefined) throw new InputError('meminfo', `must have a line "${name}: N kB"`)
  const kB = /^\s*(\d+) kB\s*$/.exec(line.slice(name.length + 1))?.[1]
  if (kB === undefined) {
    throw new InputError(`meminfo:${index + 1}`, `must be "${name}: N kB": it is "${line.slice(0, 100)}"`)
  }
  return Number(kB) * 1024
}

// The kernel takes the figures one after the other, so that sums of them may be a little outside.
function clamp(value: number, most: number): number {
  return Math.min(most, Math.max(0, value))
}
