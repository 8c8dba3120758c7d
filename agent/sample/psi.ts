import { InputError } from '../../common/errors.ts'

/** Microseconds since boot in which some, or all, tasks waited (kernel documentation, accounting/psi). */
export interface PressureTotals {
  cpuSome: number
  memorySome: number
  memoryFull: number
  ioSome: number
  ioFull: number
}

/** The texts of the three files of /proc/pressure. */
export interface PressureTexts {
  cpu: string
  memory: string
  io: string
}

/** Reads the totals. Throws `InputError` naming the file and line. */
export function parsePressure({ cpu, memory, io }: PressureTexts): PressureTotals {
  return {
    cpuSome: total('cpu', cpu, 'some'),
    memorySome: total('memory', memory, 'some'),
    memoryFull: total('memory', memory, 'full'),
    ioSome: total('io', io, 'some'),
    ioFull: total('io', io, 'full'),
  }
}

function total(file: string, text: string, line: 'some' | 'full'): number {
  const found = new RegExp(`^${line} .*\\btotal=(\\d+)$`, 'm').exec(text)?.[1]
  if (found === undefined) throw new InputError(`pressure/${file}`, `must have a line "${line} … total=N"`)
  return Number(found)
}
