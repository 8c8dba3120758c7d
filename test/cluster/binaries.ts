import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { link, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { arch, homedir, platform } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { errorText } from '../../common/errors.ts'

const run = promisify(execFile)
const source = new URL('binaries/', import.meta.url)
const helmSource = new URL('helm/', import.meta.url)

/** The programs of a control plane. All but kwok are one binary that acts as what it is called. */
export const programs = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubectl',
  'kwok',
] as const
export type Program = (typeof programs)[number]

/** Where each program is. */
export type Binaries = Readonly<Record<Program, string>>

const oldestGo = { major: 1, minor: 26 }

/**
 * Finds the programs: in `KUBEBUILDER_ASSETS`, else in the user's cache, else builds them there (five minutes on two
 * cores). Gives a sentence where none of that is possible. `tell` hears of a build.
 */
export async function findBinaries(tell: (line: string) => void): Promise<Binaries | string> {
  const assets = process.env.KUBEBUILDER_ASSETS
  const cache = await cacheFolder('control-plane', source, ['go.mod', 'go.sum', 'main.go'])
  const find = () => Object.fromEntries(programs.map((name) => [name, locate(name, [assets, cache])]))
  const isComplete = (found: Record<string, string | undefined>): found is Binaries =>
    programs.every((name) => found[name] !== undefined)
  const found = find()
  if (isComplete(found)) return found
  const obstacle = await whyNoGo()
  if (obstacle) return `no control plane: not in KUBEBUILDER_ASSETS, not in ${cache}, and ${obstacle}`
  const started = performance.now()
  tell(`building a control plane into ${cache}; this happens once`)
  await build(cache)
  tell(`built in ${Math.round((performance.now() - started) / 1000)} s`)
  const built = find()
  return isComplete(built) ? built : `no control plane: the build left ${cache} incomplete`
}

function locate(name: Program, folders: readonly (string | undefined)[]): string | undefined {
  const paths = folders.filter((folder) => folder !== undefined).map((folder) => join(folder, name))
  return paths.find((path) => existsSync(path))
}

/** The path of Helm, built from its own Go module into the user's cache; a sentence where that is not possible. */
export async function findHelm(tell: (line: string) => void): Promise<{ path: string } | string> {
  const cache = await cacheFolder('helm', helmSource, ['go.mod', 'go.sum'])
  const path = join(cache, 'helm')
  if (existsSync(path)) return { path }
  const obstacle = await whyNoGo()
  if (obstacle) return `no Helm: not in ${cache}, and ${obstacle}`
  tell(`building Helm into ${cache}; this happens once`)
  await intoCache(cache, (folder) =>
    goBuild(join(folder, 'helm'), 'helm.sh/helm/v3/cmd/helm', ['-s', '-w'], helmSource),
  )
  return { path }
}

/** One folder for each content of a module, so that a changed version is built anew. */
async function cacheFolder(name: string, module: URL, files: readonly string[]): Promise<string> {
  const hash = createHash('sha256').update(`${platform()}-${arch()}`)
  for (const file of files) hash.update(await readFile(new URL(file, module)))
  const root = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache')
  return join(root, 'vpsie-autoscaler', `${name}-${hash.digest('hex').slice(0, 16)}`)
}

async function whyNoGo(): Promise<string | undefined> {
  const needed = `${oldestGo.major}.${oldestGo.minor}`
  try {
    const { stdout } = await run(goCommand(), ['env', 'GOVERSION'], { cwd: source })
    const [, major = 0, minor = 0] = /^go(\d+)\.(\d+)/.exec(stdout)?.map(Number) ?? []
    const isNewEnough = major > oldestGo.major || (major === oldestGo.major && minor >= oldestGo.minor)
    return isNewEnough ? undefined : `Go ${needed} or newer is needed to build it: this is ${stdout.trim()}`
  } catch (error) {
    return `Go ${needed} is needed to build it: ${errorText(error)}`
  }
}

// Where Go's own installer puts it, for shells whose PATH does not say so.
const usualFolder = '/usr/local/go/bin'

function goCommand(): string {
  const folders = [...(process.env.PATH ?? '').split(delimiter), usualFolder]
  return folders.map((folder) => join(folder, 'go')).find((path) => existsSync(path)) ?? 'go'
}

async function build(cache: string): Promise<void> {
  const version = await kubernetesVersion()
  const [, major, minor] = /^v(\d+)\.(\d+)\./.exec(version) ?? []
  // Without these kubectl cannot read the server's version.
  const stamps = [
    `-X k8s.io/component-base/version.gitVersion=${version}`,
    `-X k8s.io/component-base/version.gitMajor=${major}`,
    `-X k8s.io/component-base/version.gitMinor=${minor}`,
    `-X k8s.io/client-go/pkg/version.gitVersion=${version}`,
  ]
  await intoCache(cache, async (folder) => {
    await goBuild(join(folder, 'etcd'), '.', ['-s', '-w', ...stamps])
    await goBuild(join(folder, 'kwok'), 'sigs.k8s.io/kwok/cmd/kwok', ['-s', '-w'])
    for (const name of programs) {
      if (name !== 'etcd' && name !== 'kwok') await link(join(folder, 'etcd'), join(folder, name))
    }
  })
}

/** Fills a folder of the cache in one step, so that nobody finds half of it; another process may have been first. */
async function intoCache(cache: string, fill: (folder: string) => Promise<void>): Promise<void> {
  await mkdir(join(cache, '..'), { recursive: true })
  const folder = await mkdtemp(`${cache}-`)
  try {
    await fill(folder)
    await rename(folder, cache).catch((error: unknown) => {
      if (!existsSync(cache)) throw error
    })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function goBuild(
  output: string,
  target: string,
  ldflags: readonly string[],
  module = source,
): Promise<void> {
  const args = ['build', '-trimpath', '-buildvcs=false', '-ldflags', ldflags.join(' '), '-o', output, target]
  await run(goCommand(), args, { cwd: module, maxBuffer: 2 ** 24 })
}

async function kubernetesVersion(): Promise<string> {
  const { stdout } = await run(goCommand(), ['list', '-m', '-f', '{{.Version}}', 'k8s.io/kubernetes'], {
    cwd: source,
  })
  return stdout.trim()
}
