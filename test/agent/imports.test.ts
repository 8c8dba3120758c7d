import { readFile } from 'node:fs/promises'
import { isBuiltin } from 'node:module'
import t from 'tap'
import { makeImage } from '../fixtures/image.ts'
import { startProcess } from '../fixtures/process.ts'

const root = new URL('../../', import.meta.url)

/** Packages that an entry loads, by way of every file it imports; what is imported only as a type loads nothing. */
async function packagesOf(entry: string): Promise<Map<string, string>> {
  const packages = new Map<string, string>()
  const seen = new Set<string>()
  const open = [new URL(entry, root)]
  for (let file = open.pop(); file; file = open.pop()) {
    if (seen.has(file.href)) continue
    seen.add(file.href)
    for (const specifier of specifiersOf(await readFile(file, 'utf8'))) {
      if (specifier.startsWith('.')) open.push(new URL(specifier, file))
      else if (!isBuiltin(specifier)) packages.set(specifier, file.pathname.slice(root.pathname.length))
    }
  }
  return packages
}

function specifiersOf(source: string): string[] {
  const statements = source.matchAll(/^(?:import|export)\s+(?!type\s)(?:[^'";]*?\sfrom\s+)?'([^']+)'/gm)
  const calls = source.matchAll(/\bimport\(\s*'([^']+)'\s*\)/g)
  return [...statements, ...calls].map(([, specifier = '']) => specifier)
}

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
