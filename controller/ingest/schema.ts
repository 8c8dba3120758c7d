import Type, { type Static } from 'typebox'
import { checkStructure } from '../../common/api/check.ts'
import { violationText } from '../../common/api/violation.ts'
import { TerminalError } from '../../common/errors.ts'
import { type Report, reportVersion } from '../../common/report.ts'

const share = Type.Number({ minimum: 0, maximum: 1 })
// Beyond any machine there is; a larger figure is a mistake.
const bytes = Type.Number({ minimum: 0, maximum: 2 ** 50 })
const text = (maxLength: number) => Type.String({ maxLength })

const schema = Type.Object({
  version: Type.Literal(reportVersion),
  node: Type.String({ minLength: 1, maxLength: 253 }),
  bootId: Type.String({ minLength: 1, maxLength: 128 }),
  seq: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
  at: Type.String({ maxLength: 40, format: 'date-time' }),
  uptimeSeconds: Type.Number({ minimum: 0, maximum: 1e10 }),
  windowSeconds: Type.Number({ minimum: 0, maximum: 86_400 }),
  samples: Type.Integer({ minimum: 0, maximum: 100_000 }),
  cores: Type.Integer({ minimum: 1, maximum: 65_536 }),
  cpu: Type.Object({
    busy: Type.Object({ min: share, avg: share, max: share, last: share }),
    steal: share,
    iowait: share,
  }),
  memory: Type.Object({ totalBytes: bytes, availableBytes: bytes, workingSetBytes: bytes }),
  psi: Type.Optional(
    Type.Object({ cpuSome: share, memorySome: share, memoryFull: share, ioSome: share, ioFull: share }),
  ),
  inventory: Type.Optional(
    Type.Object({
      os: Type.Optional(text(128)),
      kernel: Type.Optional(text(128)),
      model: Type.Optional(text(128)),
      diskBytes: Type.Optional(bytes),
    }),
  ),
  final: Type.Optional(Type.Boolean()),
})

/**
 * Reads a report. Throws `TerminalError` with status 400 whose message names every field that is wrong and what would
 * be right. Fields it does not know are ignored: a newer agent may send more.
 */
export function readReport(body: unknown): Report {
  const mistakes = [...checkStructure(schema, body).map(violationText), ...relations(body)]
  if (mistakes.length > 0) {
    const told = mistakes.slice(0, 8).join('; ')
    throw new TerminalError(`the report is malformed: ${told}`, { code: 'BadInput', status: 400 })
  }
  const report = body as Static<typeof schema>
  return report as Report
}

// What the agent rounds may differ in the last digits.
const rounding = 1e-4

/** What figures that are right one by one must hold together; nothing is said of what is not there. */
function relations(body: unknown): string[] {
  const { memory, cpu } = (body ?? {}) as Partial<Report>
  const { totalBytes = 0, availableBytes = 0, workingSetBytes = 0 } = memory ?? {}
  const { min = 0, avg = 0, max = 1, last = 0 } = cpu?.busy ?? {}
  const mistakes: string[] = []
  if (totalBytes === 0) mistakes.push('memory.totalBytes: must be greater than 0')
  else if (availableBytes > totalBytes || workingSetBytes > totalBytes) {
    mistakes.push(
      `memory: availableBytes and workingSetBytes must be at most totalBytes, which is ${totalBytes}`,
    )
  }
  if (min > avg + rounding || avg > max + rounding || last > max + rounding) {
    mistakes.push('cpu.busy: min must be at most avg, and avg and last at most max')
  }
  if (avg + (cpu?.steal ?? 0) + (cpu?.iowait ?? 0) > 1 + rounding) {
    mistakes.push('cpu: busy.avg, steal and iowait must be at most 1 together')
  }
  return mistakes
}
