import { type RunningProgram, startProcess } from '../../fixtures/process.ts'
import { cpuMsOf, statusOf } from '../proc.ts'
import { makeCgroup } from './cgroup.ts'

/** What one process takes at one moment. */
export interface Footprint {
  /** Bytes; null where the process could not be given a cgroup of its own. */
  workingSet: number | null
  /** Resident bytes, pages of the binary included, which other processes share. */
  rss: number
  /** The part of it that is no file. */
  anonymous: number
  /** Milliseconds that it has computed since its start, all threads. */
  cpuMs: number
}

export interface Measured {
  readonly name: string
  readonly program: RunningProgram
  look(): Footprint
  stop(): Promise<void>
}

/** Starts a command, in a memory cgroup of its own if that can be had. */
export function startMeasured(name: string, [command = '', ...args]: readonly string[]): Measured {
  const cgroup = makeCgroup(name.replaceAll(/\W+/g, '-'))
  const program = cgroup
    ? startProcess('/bin/sh', ['-c', `echo $$ >${cgroup.procs}; exec "$@"`, 'sh', command, ...args], name)
    : startProcess(command, args, name)
  return {
    name,
    program,
    look: () => ({
      workingSet: cgroup?.workingSet() ?? null,
      rss: statusOf(program.pid, 'VmRSS'),
      anonymous: statusOf(program.pid, 'RssAnon'),
      cpuMs: cpuMsOf(program.pid),
    }),
    async stop() {
      await program.stop('SIGKILL')
      cgroup?.remove()
    },
  }
}
