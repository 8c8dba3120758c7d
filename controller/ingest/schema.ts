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

function relations(body: unknown): string[] {
  const {
    totalBytes = 0,
    availableBytes = 0,
    workingSetBytes = 0,
  } = (body as { memory?: Partial<Report['memory']> } | null)?.memory ?? {}
  return totalBytes > 0 && (availableBytes > totalBytes || workingSetBytes > totalBytes)
    ? [`memory: availableBytes and workingSetBytes must be at most totalBytes, which is ${totalBytes}`]
    : totalBytes === 0
      ? ['memory.totalBytes: must be greater than 0']
      : []
}
