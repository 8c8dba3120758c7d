import t from 'tap'
import { makeImage } from '../fixtures/image.ts'
import { packagesOf } from '../fixtures/packages.ts'
import { startProcess } from '../fixtures/process.ts'

t.test('the agent loads only what counts and what logs', async (t) => {
  t.same([...(await packagesOf('agent/main.ts')).keys()].sort(), ['prom-client', 'winston'])
})

t.test('of Node itself the agent loads neither fetch nor the compiler of types in WebAssembly', async (t) => {
  const image = await makeImage(['agent', 'common'])
  t.teardown(() => image.remove())
  const main = image.entry('vpsie-autoscaler-agent')
  // The last line is written whatever the command line was worth; the parts of the agent are loaded by then.
  const tell = "process.on('exit', () => console.log(process.moduleLoadList.join()))"
  const [node = '', ...flags] = image.command('vpsie-autoscaler-agent')
  const program = startProcess(
    node,
    [...flags, `--import=data:text/javascript,${tell}`, main, '--help'],
    'agent',
  )
  t.equal(await program.exited, 0)
  const loaded = program.lines.at(-1)?.split(',') ?? []
  t.ok(loaded.includes('NativeModule https'), 'it was told')
  t.same(
    loaded.filter((name) => /undici|amaro/.test(name)),
    [],
  )
})

t.test('the slow library is loaded by the short-lived child alone', async (t) => {
  t.same([...(await packagesOf('agent/inventory-child.ts')).keys()], ['systeminformation'])
})

t.test('the walk finds a package wherever it is imported', async (t) => {
  const packages = await packagesOf('controller/main.ts')
  t.ok(packages.has('got') && packages.has('@kubernetes/client-node'), `${[...packages.keys()]}`)
})
