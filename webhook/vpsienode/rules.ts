import { labels } from '../../common/api/names.ts'
import { forms } from '../../common/api/schema.ts'
import { duplicate, forbidden, invalid, required, unsupported } from '../../common/api/violation.ts'
import type { VPSieNode } from '../../common/api/vpsienode.ts'
import type { ReviewDeps } from '../paths.ts'
import { type Advice, none, type Rule } from '../rule.ts'
import { repeated } from '../settings/rules.ts'

/** A VPSieNode under review. */
export interface Subject extends ReviewDeps {
  claim: VPSieNode
  /** Fields of the wrong type are left out. */
  spec: Partial<VPSieNode['spec']>
  /** Before an update. */
  old: VPSieNode | undefined
}

const namespace: Rule<Subject> = {
  name: 'claim-namespace',
  fields: ['metadata.namespace'],
  says: 'it is one of --namespaces',
  check({ claim: { metadata }, namespaces }) {
    const { namespace = '' } = metadata
    return namespaces.includes(namespace) ? none : [unsupported('metadata.namespace', namespace, namespaces)]
  },
}

const named = [
  'resourceIdentifier',
  'project',
  'datacenterID',
  'instanceType',
  'nodeGroupName',
  'kubernetesVersion',
] as const

const identifiers: Rule<Subject> = {
  name: 'claim-identifiers',
  fields: named,
  says: 'none of them is empty; the controller may copy an empty one from an old NodeGroup',
  check({ spec }) {
    return named
      .filter((field) => spec[field] === '')
      .map((field) => required(`spec.${field}`, 'must not be empty'))
  },
}

const keyForm = new RegExp(forms.identifier.pattern)

const keys: Rule<Subject> = {
  name: 'claim-keys',
  fields: ['sshKeyIDs'],
  says: `each is ${forms.identifier.form}, and listed once`,
  check({ spec: { sshKeyIDs = [] } }) {
    if (sshKeyIDs.length === 0) return none
    const field = 'spec.sshKeyIDs'
    return [
      ...repeated(sshKeyIDs, field),
      ...sshKeyIDs.flatMap((key, i) =>
        keyForm.test(key) ? none : [invalid(`${field}[${i}]`, key, `must be ${forms.identifier.form}`)],
      ),
    ]
  },
}

/** What says which machine is whose. A person who changed it could make us delete another one. */
const identity = [
  'nodeGroupName',
  'instanceType',
  'datacenterID',
  'resourceIdentifier',
  'project',
  'vpsieGroupID',
  'vpsieInstanceID',
  'vpsieNodeIdentifier',
] as const

const fixedIdentity: Rule<Subject> = {
  name: 'claim-identity',
  fields: identity,
  says: 'what is known of the machine does not change',
  cel: ['cannot change: it says which machine this is'],
  check({ spec, old }) {
    if (!old) return none
    const before: Partial<VPSieNode['spec']> = old.spec ?? {}
    return identity
      .filter((name) => before[name] && spec[name] !== before[name])
      .map((name) =>
        forbidden(`spec.${name}`, `cannot change: it says which machine this is, now "${before[name]}"`),
      )
  },
}

const oneClaim: Rule<Subject> = {
  name: 'machine-once',
  fields: ['vpsieInstanceID', 'vpsieNodeIdentifier'],
  says: 'no other VPSieNode of the cluster claims the same machine',
  check({ claim: { metadata }, spec, surroundings }) {
    const { vpsieInstanceID, vpsieNodeIdentifier, resourceIdentifier } = spec
    if (!vpsieInstanceID && !vpsieNodeIdentifier) return none
    const others = (surroundings.vpsieNodes() ?? []).filter(
      (other) =>
        other.spec?.resourceIdentifier === resourceIdentifier &&
        (other.metadata.name !== metadata.name || other.metadata.namespace !== metadata.namespace),
    )
    return (['vpsieInstanceID', 'vpsieNodeIdentifier'] as const).flatMap((field) => {
      const mine = identityText(spec[field])
      const other = mine && others.find((each) => identityText(each.spec[field]) === mine)
      return other
        ? [duplicate(`spec.${field}`, spec[field], `VPSieNode ${other.metadata.name} owns this machine`)]
        : none
    })
  },
}

// VPSie and people differ in letter case.
function identityText(value: string | number | undefined): string {
  return value ? String(value).toLowerCase() : ''
}

const owner: Rule<Subject> = {
  name: 'claim-owner',
  fields: [`metadata.labels[${labels.nodeGroup}]`, 'nodeGroupName'],
  says: 'the label, where there is one, names the same NodeGroup as the spec',
  check({ claim: { metadata }, spec: { nodeGroupName } }) {
    const label = metadata.labels?.[labels.nodeGroup]
    if (label === undefined || !nodeGroupName || label === nodeGroupName) return none
    const why = `must be spec.nodeGroupName, which is "${nodeGroupName}"`
    return [invalid(`metadata.labels[${labels.nodeGroup}]`, label, why)]
  },
}

/** What a VPSieNode is held to, besides the schema. */
export const vpsieNodeRules: readonly Rule<Subject>[] = [
  namespace,
  identifiers,
  keys,
  fixedIdentity,
  oneClaim,
  owner,
]

const notKnownYet: Advice<Subject> = {
  name: 'claims-not-known-yet',
  says: 'while the watch caches are not filled, rules about other objects are skipped',
  warn({ surroundings }) {
    const isKnown = surroundings.nodeGroups() !== undefined && surroundings.vpsieNodes() !== undefined
    return isKnown ? none : ['other objects are not known yet: NodeGroup and machine were not checked']
  },
}

const group: Advice<Subject> = {
  name: 'claim-group',
  says: 'there is no such NodeGroup in the namespace, or it is of another cluster',
  warn({ claim: { metadata }, spec, surroundings }) {
    const groups = surroundings.nodeGroups()
    const name = spec.nodeGroupName
    if (!groups || !name) return none
    const found = groups.find(
      (each) => each.metadata.name === name && each.metadata.namespace === metadata.namespace,
    )
    if (!found) return [`there is no NodeGroup "${name}" in namespace ${metadata.namespace}`]
    return found.spec?.resourceIdentifier === spec.resourceIdentifier
      ? none
      : [`spec.resourceIdentifier is not that of NodeGroup "${name}", "${found.spec?.resourceIdentifier}"`]
  },
}

/** What is legal in a VPSieNode and worth a word. */
export const vpsieNodeAdvice: readonly Advice<Subject>[] = [notKnownYet, group]
