import { InputError } from '../../common/errors.ts'

/** Reads /proc/uptime (proc_uptime(5)): seconds since boot, those asleep included. Throws `InputError`. */
export function parseUptime(text: string): number {
  const [line = ''] = text.split('\n')
  const seconds = /^(\d+(?:\.\d+)?)(?:\s|$)/.exec(line)?.[1]
  if (seconds === undefined) {
    throw new InputError('uptime:1', `must begin with seconds since boot: it is "${line.slice(0, 100)}"`)
  }
  return Number(seconds)
}
