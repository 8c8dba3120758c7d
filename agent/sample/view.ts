import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { InputError } from '../../common/errors.ts'

const sampled = ['stat', 'meminfo', 'pressure', 'pressure/cpu', 'pressure/memory', 'pressure/io']
const ownMounts = '/proc/self/mountinfo'

/**
 * Names of the sampled files below `folder` that lxcfs stands in for, by the text of a process' mountinfo (proc_pid_
 * mountinfo(5)). Some clusters mount it into every pod; its files tell what the container may use, not what the machine
 * does.
 */
export function imitatedFiles(mountinfo: string, folder: string): string[] {
  const mounts = mountinfo.split('\n').map((line) => {
    const [before = '', after = ''] = line.split(' - ')
    return { point: before.split(' ')[4], type: after.split(' ')[0] }
  })
  return sampled.filter((name) =>
    mounts.some(({ point, type }) => type === 'fuse.lxcfs' && point === join(folder, name)),
  )
}

/**
 * Makes the check that `folder` shows the machine. It throws `InputError` while it does not: a node whose usage is
 * unknown is kept, one that seems idle is not. Mounts of a container do not change, so that one good answer is enough.
 */
export function createViewCheck(
  folder: string,
  readMounts: () => Promise<string> = () => readFile(ownMounts, 'utf8'),
): () => Promise<void> {
  let isGood = false
  return async () => {
    if (isGood) return
    const [name] = imitatedFiles(await readMounts(), folder)
    if (name !== undefined) {
      throw new InputError(join(folder, name), "must be the kernel's own: it is mounted from lxcfs")
    }
    isGood = true
  }
}
