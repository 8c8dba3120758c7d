import type { KubeObject } from '../../../common/kube/objects.ts'
import type { Store } from './store.ts'
import type { User } from './users.ts'

/** What a request wants to do, in the words of RBAC. */
export interface Attributes {
  verb: string
  group: string
  /** With its subresource: `pods/eviction`. */
  resource: string
  namespace?: string | undefined
  name?: string | undefined
}

interface Rule {
  apiGroups?: string[]
  resources?: string[]
  resourceNames?: string[]
  verbs: string[]
}

interface Role extends KubeObject {
  rules?: Rule[]
}

interface Binding extends KubeObject {
  roleRef: { kind: 'Role' | 'ClusterRole'; name: string }
  subjects?: { kind: 'User' | 'Group' | 'ServiceAccount'; name: string; namespace?: string }[]
}

/**
 * Whether the roles in the store allow it (kubernetes.io/docs/reference/access-authn-authz/rbac). system:masters may
 * do everything; a kubelet what kubelets do, which the real server's Node authorizer decides.
 */
export function isAllowed(store: Store, user: User, wanted: Attributes): boolean {
  if (user.groups.includes('system:masters')) return true
  if (user.groups.includes('system:nodes') && isKubeletWork(user, wanted)) return true
  return rulesFor(store, user, wanted.namespace).some((rule) => covers(rule, wanted))
}

function isKubeletWork({ username }: User, { verb, resource, name }: Attributes): boolean {
  const node = username.slice('system:node:'.length)
  // Secrets and ConfigMaps one by one, as pods name them; which pods those are is not looked at here.
  if (resource === 'secrets' || resource === 'configmaps') return verb === 'get' && name !== undefined
  if (['get', 'list', 'watch'].includes(verb)) return true
  if (resource === 'nodes' || resource === 'nodes/status') return verb === 'create' || name === node
  return ['leases', 'events', 'pods/status', 'pods', 'csinodes'].includes(resource)
}

function rulesFor(store: Store, user: User, namespace: string | undefined): Rule[] {
  const everywhere = store.list<Binding>('clusterrolebindings')
  const here = namespace ? store.list<Binding>('rolebindings', { namespace }) : []
  return [...everywhere, ...here]
    .filter((binding) => isSubject(binding, user))
    .flatMap((binding) => rulesOf(store, binding))
}

function isSubject({ subjects = [] }: Binding, { username, groups }: User): boolean {
  return subjects.some(({ kind, name, namespace }) => {
    if (kind === 'ServiceAccount') return username === `system:serviceaccount:${namespace}:${name}`
    return kind === 'Group' ? groups.includes(name) : username === name
  })
}

function rulesOf(store: Store, { roleRef, metadata }: Binding): Rule[] {
  const plural = roleRef.kind === 'ClusterRole' ? 'clusterroles' : 'roles'
  return store.find<Role>(plural, { name: roleRef.name, namespace: metadata.namespace })?.rules ?? []
}

function covers({ apiGroups = [], resources = [], resourceNames, verbs }: Rule, wanted: Attributes): boolean {
  const has = (list: readonly string[], value: string) => list.includes('*') || list.includes(value)
  const named = !resourceNames?.length || (wanted.name !== undefined && resourceNames.includes(wanted.name))
  return has(verbs, wanted.verb) && has(apiGroups, wanted.group) && has(resources, wanted.resource) && named
}
