import { readdirSync, readFileSync } from 'node:fs'

/** Bytes of a line of a process' status, such as `VmRSS`. */
export function statusOf(pid: number, name: string): number {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8')
  const [, kB = '0'] = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text) ?? []
  return Number(kB) * 1024
}

/**
 * Milliseconds that a process has computed since its start, all threads. Read from schedstat, which counts in
 * nanoseconds where stat has ticks of 10 ms; threads that ended are missing, and Node's do not end.
 */
export function cpuMsOf(pid: number): number {
  const tasks = `/proc/${pid}/task`
  const nanoseconds = readdirSync(tasks).map((task) =>
    Number(readFileSync(`${tasks}/${task}/schedstat`, 'utf8').split(' ')[0]),
  )
  return nanoseconds.reduce((sum, each) => sum + each, 0) / 1e6
}
