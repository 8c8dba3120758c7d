import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { childRunner, followInventory, readInventory } from '../../agent/inventory.ts'
import { virtualClock } from '../fixtures/clock.ts'
import { captureLog } from '../fixtures/log.ts'

const { signal } = new AbortController()

/** A child that runs `code`. */
async function child(t: { testdir: () => string }, code: string, timeoutMs?: number) {
  const script = join(t.testdir(), 'child.mjs')
  await writeFile(script, code)
  return childRunner(script, timeoutMs)
}

t.test('this machine tells its kernel, in a process of its own', async (t) => {
  const { log, lines } = captureLog()
  const inventory = await readInventory({ log }, signal)
  t.same(lines, [])
  t.match(inventory, { kernel: /\d+\.\d+/, os: /\w/ })
})

t.test('texts are trimmed and cut, and what has another form is left out', async (t) => {
  const { log } = captureLog()
  const run = async () =>
    JSON.stringify({ os: ` ${'x'.repeat(200)}`, kernel: ' ', model: 7, diskBytes: -1, more: true })
  t.same(await readInventory({ log, run }, signal), { os: 'x'.repeat(128) })
  t.same(await readInventory({ log, run: async () => 'null' }, signal), {})
})

for (const [title, code, error] of [
  ['fails', 'process.exit(3)', /Command failed/],
  ['says what is no JSON', 'console.log("hello")', /JSON/],
  ['says too much', 'process.stdout.write("x".repeat(1e6))', /maxBuffer/],
  ['takes too long', 'setInterval(() => {}, 1000); process.on("SIGTERM", () => {})', /Command failed/],
] as const) {
  t.test(`a child that ${title} gives no inventory and a line in the log`, async (t) => {
    const { log, lines } = captureLog()
    const run = await child(t, code, title === 'takes too long' ? 300 : 10_000)
    t.equal(await readInventory({ log, run }, signal), undefined)
    t.match(lines, [{ message: 'inventory could not be read', error }])
  })
}

t.test('it is looked at on start and then now and then; a failure keeps what was found', async (t) => {
  const clock = virtualClock()
  const stop = new AbortController()
  const { log } = captureLog()
  let looks = 0
  const run = async () => {
    if (++looks === 2) throw new Error('away')
    return JSON.stringify({ os: `look ${looks}` })
  }
  const inventory = followInventory({ clock, log, run }, 3_600_000, stop.signal)
  t.equal(inventory(), undefined)
  await clock.advance(0)
  t.same(inventory(), { os: 'look 1' })
  await clock.advance(3_600_000)
  t.same([looks, inventory()], [2, { os: 'look 1' }])
  await clock.advance(3_600_000)
  t.same(inventory(), { os: 'look 3' })
  stop.abort()
  await clock.advance(36_000_000)
  t.equal(looks, 3)
})

t.test('an interval of 0 never looks', async (t) => {
  const clock = virtualClock()
  const { log } = captureLog()
  const run = async () => t.fail('looked') as never
  const inventory = followInventory({ clock, log, run }, 0, signal)
  await clock.advance(86_400_000)
  t.equal(inventory(), undefined)
})

t.test('stopping ends a child without a word', async (t) => {
  const stop = new AbortController()
  const { log, lines } = captureLog()
  const run = await child(t, 'setInterval(() => {}, 1000)')
  const reading = readInventory({ log, run }, stop.signal)
  stop.abort()
  t.equal(await reading, undefined)
  t.same(lines, [])
})
