import { readFileSync } from 'node:fs'
import { join } from 'node:path'

interface Locked {
  version?: string
  integrity?: string
  license?: string
  dev?: boolean
}

interface Lock {
  name: string
  version: string
  packages: Record<string, Locked>
}

/**
 * `node manifests/sbom.ts` prints the bill of materials of the image: every package that the Dockerfile installs, from the
 * lock file, as CycloneDX 1.5 (cyclonedx.org). npm's own `npm sbom` leaves out packages that development needs as well.
 */
export function billOfMaterials({ name, version, packages }: Lock): object {
  const components = Object.entries(packages)
    .filter(([path, { dev }]) => path !== '' && !dev)
    .map(([path, locked]) =>
      componentOf(path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length), locked),
    )
  const distinct = [...new Map(components.map((component) => [component.purl, component])).values()]
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    version: 1,
    metadata: { component: { type: 'application', name, version, purl: purlOf(name, version) } },
    components: distinct.sort((a, b) => (a.purl < b.purl ? -1 : 1)),
  }
}

function componentOf(name: string, { version = '', integrity = '', license }: Locked) {
  const [, algorithm = '', digest = ''] = /^(sha\d+)-(.+)$/.exec(integrity) ?? []
  return {
    type: 'library',
    name,
    version,
    purl: purlOf(name, version),
    ...(license !== undefined && { licenses: [{ expression: license }] }),
    ...(digest !== '' && {
      hashes: [
        { alg: algorithm.replace('sha', 'SHA-'), content: Buffer.from(digest, 'base64').toString('hex') },
      ],
    }),
  }
}

// github.com/package-url/purl-spec: the @ of a scope is escaped.
function purlOf(name: string, version: string): string {
  return `pkg:npm/${name.replace('@', '%40')}@${version}`
}

if (import.meta.main) {
  const lock = JSON.parse(readFileSync(join(import.meta.dirname, '../package-lock.json'), 'utf8')) as Lock
  process.stdout.write(`${JSON.stringify(billOfMaterials(lock), null, 2)}\n`)
}
