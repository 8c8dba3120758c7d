import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'

interface Entry {
  dependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
  peerDependencies?: Record<string, string>
}

/** npm's own record of what it has installed, by path: `node_modules/a/node_modules/b`. */
type Installed = Readonly<Record<string, Entry>>

/**
 * `node common/image/prune.ts PACKAGE...` takes every package out of node_modules that none of the named needs, so that an
 * image of one program holds what that program loads and no more. Ends with 1 if a named one is not installed.
 */
export function reachable(installed: Installed, names: readonly string[]): Set<string> {
  const kept = new Set<string>()
  const open = names.map((name) => resolve(installed, '', name) ?? missing(name))
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (kept.has(path)) continue
    kept.add(path)
    const { dependencies = {}, optionalDependencies = {}, peerDependencies = {} } = installed[path] ?? {}
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies })) {
      const found = resolve(installed, path, name)
      if (found !== undefined) open.push(found)
    }
  }
  return kept
}

/** As Node.js finds it: in the node_modules of the one who asks, else of those around it. */
function resolve(installed: Installed, from: string, name: string): string | undefined {
  for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf('node_modules/') - 1))) {
    const path = at === '' ? `node_modules/${name}` : `${at}/node_modules/${name}`
    if (path in installed) return path
    if (at === '') return undefined
  }
}

function missing(name: string): never {
  throw new Error(`${name} is not installed`)
}

if (import.meta.main) {
  const root = process.cwd()
  const { packages } = JSON.parse(readFileSync(join(root, 'node_modules/.package-lock.json'), 'utf8')) as {
    packages: Installed
  }
  const kept = reachable(packages, process.argv.slice(2))
  for (const path of Object.keys(packages)) {
    const isAround = [...kept].some((one) => one.startsWith(`${path}/`))
    if (!kept.has(path) && !isAround && existsSync(join(root, path)))
      rmSync(join(root, path), { recursive: true, force: true })
  }
  rmSync(join(root, 'node_modules/.bin'), { recursive: true, force: true })
}
