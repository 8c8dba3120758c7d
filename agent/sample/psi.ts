import { InputError } from '../../common/errors.ts'
import type { Pressure } from '../../common/report.ts'

/**
 * Microseconds since boot in which some, or all, tasks waited (kernel documentation, accounting/psi). The running
 * averages beside them are of fixed windows that are not ours, and are not read.
 */
export type PressureTotals = Pressure

/** The texts of the three files of /proc/pressure. */
export interface PressureTexts {
  cpu: string
  memory: string
  io: string
}

/**
 * Reads the totals. `full` of the CPU says nothing about a whole machine, and kernels before 5.13 do not have it.
 * Throws `InputError` naming the file, and the line that is not as it should be.
 */
export function parsePressure({ cpu, memory, io }: PressureTexts): PressureTotals {
  return {
    cpuSome: totalOf('cpu', cpu, 'some'),
    memorySome: totalOf('memory', memory, 'some'),
    memoryFull: totalOf('memory', memory, 'full'),
    ioSome: totalOf('io', io, 'some'),
    ioFull: totalOf('io', io, 'full'),
  }
}

function totalOf(file: string, text: string, kind: 'some' | 'full'): number {
  const lines = text.split('\n')
  const index = lines.findIndex((line) => line.startsWith(`${kind} `))
  const line = lines[index]
  if (line === undefined) throw new InputError(`pressure/${file}`, `must have a line "${kind} … total=N"`)
  const total = /\btotal=(\d+)\s*$/.exec(line)?.[1]
  if (total === undefined) {
    throw new InputError(
      `pressure/${file}:${index + 1}`,
      `must be "${kind} … total=N": it is "${line.slice(0, 100)}"`,
    )
  }
  return Number(total)
}
