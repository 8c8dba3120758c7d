import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { replaceFile } from '../../fixtures/replace-file.ts'

/** How busy a simulated machine is: shares 0–1. */
export interface Load {
  cpu: number
  memory: number
  /** Share of time in which everything waits for memory. */
  memoryFull?: number
}

/** The part of a machine's /proc that agents read. */
export interface ProcFolder {
  readonly path: string
  load: Load
  /** Moves the counters on by `ms` under the present load and writes the files. */
  advance(ms: number): Promise<void>
}

const ticksPerSecond = 100

/** Makes the folder in the form of a Linux 6 kernel, with pressure counted. */
export async function createProc(
  path: string,
  machine: { cores: number; memoryBytes: number },
  load: Load,
): Promise<ProcFolder> {
  await mkdir(join(path, 'pressure'), { recursive: true })
  await mkdir(join(path, 'sys/kernel/random'), { recursive: true })
  await write(path, 'sys/kernel/random/boot_id', `${crypto.randomUUID()}\n`)
  // No machine is seen before its first second.
  let [busy, idle, fullMicros, uptime] = [0, ticksPerSecond * machine.cores, 0, 1]
  const folder: ProcFolder = {
    path,
    load,
    async advance(ms) {
      const ticks = (ms / 1000) * ticksPerSecond * machine.cores
      busy += ticks * folder.load.cpu
      idle += ticks * (1 - folder.load.cpu)
      fullMicros += ms * 1000 * (folder.load.memoryFull ?? 0)
      uptime += ms / 1000
      await Promise.all([
        write(path, 'stat', stat(busy, idle, machine.cores)),
        write(path, 'meminfo', meminfo(machine.memoryBytes, folder.load.memory)),
        write(path, 'uptime', `${uptime.toFixed(2)} ${uptime.toFixed(2)}\n`),
        write(path, 'pressure/cpu', pressure(0, undefined)),
        write(path, 'pressure/memory', pressure(fullMicros, fullMicros)),
        write(path, 'pressure/io', pressure(0, 0)),
      ])
    },
  }
  await folder.advance(0)
  return folder
}

function stat(busy: number, idle: number, cores: number): string {
  const line = (name: string, share: number) =>
    `${name} ${Math.round(busy * share)} 0 0 ${Math.round(idle * share)} 0 0 0 0 0 0`
  const each = Array.from({ length: cores }, (_, i) => line(`cpu${i}`, 1 / cores))
  return `${[line('cpu ', 1), ...each, 'intr 0', 'ctxt 0', 'btime 1700000000', 'processes 1'].join('\n')}\n`
}

function meminfo(totalBytes: number, used: number): string {
  const kB = (share: number) => Math.round((totalBytes / 1024) * share)
  const rows = {
    MemTotal: kB(1),
    MemFree: kB(1 - used),
    MemAvailable: kB(1 - used),
    Buffers: 0,
    Cached: 0,
    'Active(file)': 0,
    'Inactive(file)': 0,
    AnonPages: kB(used),
    SwapTotal: 0,
    SwapFree: 0,
  }
  return `${Object.entries(rows)
    .map(([name, value]) => `${`${name}:`.padEnd(16)}${String(value).padStart(8)} kB`)
    .join('\n')}\n`
}

function pressure(some: number, full: number | undefined): string {
  const line = (name: string, total: number) =>
    `${name} avg10=0.00 avg60=0.00 avg300=0.00 total=${Math.round(total)}\n`
  return line('some', some) + (full === undefined ? '' : line('full', full))
}

const write = (folder: string, name: string, text: string) => replaceFile(join(folder, name), text)
