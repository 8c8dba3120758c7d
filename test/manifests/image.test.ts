import { readdirSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import t from 'tap'
import { reachable } from '../../common/image/prune.ts'
import { billOfMaterials } from '../../manifests/sbom.ts'
import { makeImage } from '../fixtures/image.ts'
import { manifestFile } from '../fixtures/manifests.ts'
import { packageOf, packagesOf } from '../fixtures/packages.ts'
import { startProcess } from '../fixtures/process.ts'
import { workloads } from '../fixtures/workloads.ts'

const root = new URL('../../', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root), 'utf8')
const dockerfile = read('Dockerfile')
const manifest = JSON.parse(read('package.json')) as { version: string; dependencies: Record<string, string> }
/** What a stage of the Dockerfile says. */
const stage = (name: string) =>
  new RegExp(`^FROM \\S+ AS ${name}\n((?:(?!FROM ).*\n?)*)`, 'm').exec(dockerfile)?.[1] ?? ''
const foldersOf = (text: string) =>
  [...text.matchAll(/^COPY ([a-z]+) \.\/\1$/gm)].map(([, folder = '']) => folder)
const shipped = foldersOf(stage('all-files'))
const entries = {
  agent: ['agent/main.ts', 'agent/inventory-child.ts'],
  webhook: ['webhook/main.ts'],
  controller: ['main', 'doctor', 'explain', 'simulate'].map((name) => `controller/${name}.ts`),
  certs: ['certs/main.ts'],
} as const

t.test('the image holds every program that a manifest starts, and what they share', async (t) => {
  const started = workloads().flatMap(({ template }) =>
    template.spec.containers.map(({ args }) => args[0] ?? ''),
  )
  t.same(new Set(shipped), new Set(['common', ...started.map((arg) => arg.replace('/main.ts', ''))]))
  for (const folder of shipped) t.match(read('.dockerignore'), `!${folder}`)
})

t.test('what is shipped imports nothing that the image leaves out', async (t) => {
  const files = shipped.flatMap((folder) =>
    readdirSync(new URL(`${folder}/`, root), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => `${folder}/${name}`),
  )
  t.ok(files.length > 10)
  for (const file of files) {
    for (const [, from = ''] of read(file).matchAll(/(?:from |^import |import\()'([^']+)'\)?/gm)) {
      const name = from.startsWith('@') ? from.split('/').slice(0, 2).join('/') : (from.split('/')[0] ?? '')
      if (from.startsWith('.')) t.notMatch(from, /\/(test|manifests)\//, file)
      else if (!from.startsWith('node:') && !builtinModules.includes(from)) {
        t.ok(Object.hasOwn(manifest.dependencies, name), `${file} imports ${name}`)
      }
    }
  }
})

for (const [program, files] of Object.entries(entries)) {
  t.test(`the image of ${program} alone holds what it loads and no more, and starts`, async (t) => {
    const text = stage(`${program}-files`)
    t.same(foldersOf(text).sort(), [program, 'common'].sort())
    const [, words = ''] = /prune\.ts (.*?) &&/.exec(text) ?? []
    const wanted = await Promise.all(files.map(packagesOf))
    const names = new Set(wanted.flatMap((packages) => [...packages.keys()].map(packageOf)))
    t.same(words.split(' '), [...names].sort(), 'its packages are those that its files import')
    t.match(text, `strip-types.ts ${[program, 'common'].sort().join(' ')}`)
    const image = await makeImage([program, 'common'], words.split(' '))
    t.teardown(() => image.remove())
    for (const file of files.filter((name) => name.endsWith('main.ts'))) {
      const flags = ['--preserve-symlinks', `--import=${image.file('common/image/plain.mjs')}`]
      const started = startProcess(process.execPath, [...flags, image.file(file), '--help'], file)
      t.equal(await started.exited, 0, started.lines.join('\n'))
    }
  })
}

t.test(
  'the bill of materials lists all that the programs need, each with its version and digest',
  async (t) => {
    const lock = JSON.parse(read('package-lock.json'))
    const { components } = billOfMaterials(lock) as {
      components: {
        name: string
        version: string
        purl: string
        hashes: { alg: string; content: string }[]
      }[]
    }
    const needed = [...reachable(lock.packages, Object.keys(manifest.dependencies))]
    const names = needed.map((path) => path.slice(path.lastIndexOf('node_modules/') + 13))
    t.same([...new Set(components.map(({ name }) => name))].sort(), [...new Set(names)].sort())
    for (const path of needed)
      t.ok(
        components.some(({ purl }) => purl.endsWith(`@${lock.packages[path].version}`)),
        path,
      )
    for (const { hashes } of components) t.match(hashes, [{ alg: 'SHA-512', content: /^[0-9a-f]{128}$/ }])
  },
)

t.test('it runs as the user of the manifests', async (t) => {
  const [, user] = /^USER (\d+):\d+$/m.exec(dockerfile) ?? []
  for (const { template } of workloads()) t.equal(template.spec.securityContext.runAsUser, Number(user))
})

t.test('the tag in the manifests is the version of the project', async (t) => {
  const [kustomization] = manifestFile('base/kustomization.yaml')
  t.match(kustomization?.images, [{ newTag: manifest.version }])
})

t.test(
  'every program starts from files without types, and a container changes no more than flags of Node',
  async (t) => {
    t.match(dockerfile, `RUN node common/image/strip-types.ts ${[...shipped].sort().join(' ')}`)
    const [, entryPoint = ''] = /^ENTRYPOINT (.*)$/m.exec(dockerfile) ?? []
    const [node, hook] = JSON.parse(entryPoint)
    const image = await makeImage(shipped)
    t.teardown(() => image.remove())
    await Promise.all(
      workloads().map(async ({ name, template }) => {
        const [container] = template.spec.containers
        if (container?.command) t.same(container.command.slice(0, 2), [node, hook])
        // A type that was left would be a syntax error: nothing takes it out.
        const [first = '', ...rest] = [...image.command(name, [node, hook]), image.entry(name), '--help']
        const program = startProcess(first, rest, name)
        t.equal(await program.exited, 0, `${name} ${program.lines.at(-1)}`)
      }),
    )
  },
)
