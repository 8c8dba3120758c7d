import t from 'tap'
import { agentOptions, agentRelations } from '../../agent/options.ts'
import { OptionsError, parseOptions } from '../../common/options.ts'

const parse = (args: string[], environment = {}) =>
  parseOptions(agentOptions, args, environment, agentRelations)

function mistakesOf(args: string[]): readonly string[] {
  try {
    parse(args)
    return []
  } catch (error) {
    if (error instanceof OptionsError) return error.mistakes
    throw error
  }
}

t.test('only the name of the node has to be given, and it may come from the environment', async (t) => {
  t.same(parse([], { NODE_NAME: 'node-1' }), {
    'node-name': 'node-1',
    'controller-url': ['https://vpsie-autoscaler-controller.kube-system.svc:8443'],
    'token-file': '/var/run/vpsie-autoscaler/token',
    'ca-file': '/var/run/vpsie-autoscaler/ca.crt',
    proc: '/proc',
    'sample-interval': 5_000,
    'report-interval': 15_000,
    'inventory-interval': 21_600_000,
    'health-addr': ':8081',
  })
  t.same(mistakesOf([]), ['--node-name is required (or the variable NODE_NAME)'])
})

const good = [
  ['--controller-url=https://10.0.0.7:8443,https://[fd00::1]:8443,https://controller.example/'],
  ['--health-addr=0'],
  ['--health-addr='],
  ['--inventory-interval=0'],
  ['--sample-interval=15s'],
]
for (const args of good) {
  t.test(`${args} is taken`, async (t) => {
    t.same(mistakesOf(['--node-name=node-1', ...args]), [])
  })
}

const url = (value: string) =>
  `--controller-url: must be https://host[:port] without a path: current value is "${value}"`
const bad = [
  [['--node-name='], ['--node-name: must be the name of a Node: current value is ""']],
  [['--node-name=Node_1'], ['--node-name: must be the name of a Node: current value is "Node_1"']],
  [['--controller-url='], ['--controller-url: must name at least one controller']],
  [['--controller-url=http://a,b,https://c/v1'], [url('http://a'), url('b'), url('https://c/v1')]],
  [['--controller-url=https://user:secret@a'], [url('https://…@a')]],
  [
    ['--token-file=', '--ca-file=', '--proc='],
    ['token-file', 'ca-file', 'proc'].map((name) => `--${name}: must not be empty`),
  ],
  [
    ['--sample-interval=20s'],
    ['--sample-interval must not be longer than --report-interval: a report needs a sample'],
  ],
  [
    ['--health-addr=8081'],
    ['--health-addr: must be host:port or :port with a port of 0 to 65535: current value is "8081"'],
  ],
] as const
for (const [args, mistakes] of bad) {
  t.test(`${args} is refused`, async (t) => {
    t.same(mistakesOf(['--node-name=node-1', ...args]), mistakes)
  })
}
