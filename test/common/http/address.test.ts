import t from 'tap'
import { parseAddress } from '../../../common/http/address.ts'

const good: [string, object][] = [
  [':8081', { port: 8081 }],
  ['127.0.0.1:0', { host: '127.0.0.1', port: 0 }],
  ['localhost:65535', { host: 'localhost', port: 65_535 }],
  ['[::1]:9443', { host: '::1', port: 9443 }],
]
for (const [text, address] of good) {
  t.test(`"${text}" is an address`, async (t) => t.same(parseAddress(text), address))
}

for (const text of ['', '8081', 'localhost', ':65536', '::1:80', ':-1', 'host:port']) {
  t.test(`"${text}" is refused with the option's name`, async (t) => {
    t.throws(() => parseAddress(text, '--health-addr'), {
      name: 'InputError',
      message: /^--health-addr: must be/,
    })
  })
}
