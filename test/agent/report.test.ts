import t from 'tap'
import { bootIdOf, startReports } from '../../agent/report.ts'
import { maxReportBytes } from '../../common/report.ts'
import { readReport } from '../../controller/ingest/schema.ts'
import { virtualClock } from '../fixtures/clock.ts'
import { figures } from './fixtures/objects.ts'

const pressure = { cpuSome: 0.123456, memorySome: 0.1, memoryFull: 0.001, ioSome: 1, ioFull: 0 }
const inventory = { os: 'Debian GNU/Linux 13', kernel: '6.12', model: 'KVM', diskBytes: 5e10 }

function start(uptimeSeconds: number | undefined = 42.5) {
  const clock = virtualClock()
  const bootId = bootIdOf('5b0c1b1e-6f3c-4a5e-9a53-0d9f1f8b4c19', '0f8fad5b-d9cb-469f-a165-70867728950e')
  const deps = { clock, uptimeSeconds: () => uptimeSeconds }
  return { clock, bootId, make: startReports(deps, { node: 'node-1', bootId }) }
}

t.test('a report is one that the controller takes', async (t) => {
  const { make, bootId } = start()
  const report = make(figures({ psi: pressure }), { inventory })
  t.same(readReport(JSON.parse(JSON.stringify(report))), {
    version: 1,
    node: 'node-1',
    bootId,
    seq: 1,
    at: '2026-02-01T00:00:00Z',
    uptimeSeconds: 42.5,
    ...figures({ psi: pressure }),
    inventory,
  })
})

t.test('a full report is far smaller than what is refused', async (t) => {
  const report = start().make(figures({ psi: pressure }), { inventory, final: true })
  t.ok(JSON.stringify(report).length * 8 < maxReportBytes)
})

t.test('seq grows by one with each report, and only the last is final', async (t) => {
  const { make } = start()
  t.same([make(figures()).seq, make(figures()).seq, make(figures()).seq], [1, 2, 3])
  t.notOk('final' in make(figures()))
  t.match(make(figures(), { final: true }), { seq: 5, final: true })
})

t.test('without an uptime of the machine it tells how long the agent runs', async (t) => {
  const clock = virtualClock()
  const make = startReports({ clock, uptimeSeconds: () => undefined }, { node: 'n', bootId: 'unknown/1' })
  await clock.advance(12_000)
  t.equal(make(figures()).uptimeSeconds, 12)
})
