import type { Kind } from './kinds.ts'
import type { Registry } from './registry.ts'

const version = { major: '1', minor: '36', gitVersion: 'v1.36.0-simulated', platform: 'linux/amd64' }

/** Answers what anybody may ask: health, version, and which resources there are. Undefined for any other path. */
export function discover(path: string, kinds: Registry): unknown {
  if (['/healthz', '/livez', '/readyz'].includes(path)) return 'ok'
  if (path === '/version') return version
  if (path === '/api') return { kind: 'APIVersions', versions: ['v1'] }
  if (path === '/apis') return { kind: 'APIGroupList', apiVersion: 'v1', groups: groupsOf(kinds) }
  const [, group = '', groupVersion] = /^\/(?:api|apis\/([^/]+))\/([^/]+)$/.exec(path) ?? []
  if (groupVersion === undefined) return undefined
  const found = kinds.all().filter((kind) => kind.group === group && kind.version === groupVersion)
  if (found.length === 0) return undefined
  const name = group ? `${group}/${groupVersion}` : groupVersion
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: name,
    resources: found.flatMap(resourcesOf),
  }
}

function groupsOf(kinds: Registry): object[] {
  const versions = new Map(
    kinds.all().flatMap(({ group, version }) => (group ? [[group, version] as const] : [])),
  )
  return [...versions].map(([name, version]) => {
    const preferredVersion = { groupVersion: `${name}/${version}`, version }
    return { name, versions: [preferredVersion], preferredVersion }
  })
}

const verbs = ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch']

function resourcesOf({
  kind,
  plural,
  namespaced,
  shortNames = [],
  status,
  subresources = [],
}: Kind): object[] {
  const own = { name: plural, singularName: kind.toLowerCase(), namespaced, kind, verbs, shortNames }
  const below = [...(status ? ['status'] : []), ...subresources]
  return [
    own,
    ...below.map((name) => ({
      name: `${plural}/${name}`,
      singularName: '',
      namespaced,
      kind,
      verbs: ['get', 'patch', 'update'],
    })),
  ]
}
