import { mkdirSync, readFileSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'

/** A memory cgroup of its own for one process, as a container has one. */
export interface Cgroup {
  /** Takes in the process that writes its id here. */
  readonly procs: string
  /** Bytes as a kubelet counts them: what is charged, less file pages that nobody has used lately. */
  workingSet(): number
  remove(): void
}

const layouts = [
  {
    folder: '/sys/fs/cgroup/memory',
    own: /^\d+:memory:(.*)$/m,
    usage: 'memory.usage_in_bytes',
    inactive: /^total_inactive_file (\d+)$/m,
  },
  {
    folder: '/sys/fs/cgroup',
    own: /^0::(.*)$/m,
    usage: 'memory.current',
    inactive: /^inactive_file (\d+)$/m,
  },
]

/** Makes one, of version 1 or 2; undefined where this user may not, or where version 2 does not pass memory on. */
export function makeCgroup(name: string): Cgroup | undefined {
  for (const { folder, own, usage, inactive } of layouts) {
    try {
      const [, parent = ''] = own.exec(readFileSync('/proc/self/cgroup', 'utf8')) ?? []
      const path = join(folder, parent, `${name}-${process.pid}`)
      mkdirSync(path)
      const number = (file: string) => Number(readFileSync(join(path, file), 'utf8'))
      const group = {
        procs: join(path, 'cgroup.procs'),
        workingSet() {
          const [, pages = '0'] = inactive.exec(readFileSync(join(path, 'memory.stat'), 'utf8')) ?? []
          return number(usage) - Number(pages)
        },
        remove: () => rmdirSync(path),
      }
      group.workingSet()
      return group
    } catch {
      // The next layout may be there; without any, the caller says so.
    }
  }
  return undefined
}
