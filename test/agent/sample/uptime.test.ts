import t from 'tap'
import { parseUptime } from '../../../agent/sample/uptime.ts'

for (const [text, want] of [
  ['350735.47 234388.90\n', 350735.47],
  ['12 3\n', 12],
  ['7.5\n', 7.5],
] as const) {
  t.test(`${JSON.stringify(text)} is ${want} s`, async (t) => t.equal(parseUptime(text), want))
}

for (const text of ['', 'soon', '-1.00 2.00', '1.2.3 4']) {
  t.test(`${JSON.stringify(text)} is told by its line`, async (t) => {
    t.throws(() => parseUptime(text), { name: 'InputError', message: /^uptime:1: must begin with seconds/ })
  })
}
