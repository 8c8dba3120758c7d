import { isDeepStrictEqual } from 'node:util'
import type { KubeObject, Lease, Node } from '../../../common/kube/objects.ts'
import type { Kind } from './kinds.ts'
import { badRequest, forbidden } from './status.ts'
import type { User } from './users.ts'

const microTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)$/

/** What decoding a built-in kind refuses, as far as our programs could get it wrong. Throws 400. */
export function checkBuiltIn({ plural }: Kind, object: KubeObject): void {
  if (plural !== 'leases') return
  const { renewTime, acquireTime } = ((object as Lease).spec ?? {}) as Record<string, unknown>
  for (const time of [renewTime, acquireTime]) {
    if (typeof time === 'string' && !microTime.test(time))
      throw badRequest(
        `Lease in version "v1" cannot be handled as a Lease: parsing time "${time}": six digits are needed`,
      )
  }
}

// Labels below kubernetes.io that a kubelet may give its own node (NodeRestriction, kubernetes.io docs).
const kubeletLabels =
  /^(kubernetes\.io\/(hostname|arch|os)|(beta\.)?kubernetes\.io\/(arch|os|instance-type)|(topology|failure-domain\.beta)\.kubernetes\.io\/(zone|region)|(kubelet|node)\.kubernetes\.io\/.+)$/

/**
 * What the admission plugin NodeRestriction keeps from kubelets (k8s.io/kubernetes plugin/pkg/admission/noderestriction):
 * other nodes, labels that stand for a role, and taints once it is registered. Throws 403.
 */
export function restrictKubelet(user: User, kind: Kind, object: KubeObject, old: KubeObject | null): void {
  if (!user.groups.includes('system:nodes') || kind.plural !== 'nodes') return
  const own = user.username.slice('system:node:'.length)
  const { name, labels = {} } = object.metadata
  const refuse = (why: string) => forbidden(kind, name, `node "${own}" ${why}`)
  if (name !== own) throw refuse(`is not allowed to modify node "${name}"`)
  const before = old?.metadata.labels ?? {}
  const changed = Object.keys({ ...before, ...labels }).filter((key) => before[key] !== labels[key])
  const kept = changed.filter((key) => /(^|\.)(kubernetes|k8s)\.io\//.test(key) && !kubeletLabels.test(key))
  if (kept.length > 0) throw refuse(`is not allowed to modify labels: ${kept.join(', ')}`)
  const taints = ({ spec }: Node) => spec?.taints ?? []
  if (old && !isDeepStrictEqual(taints(object as Node), taints(old as Node)))
    throw refuse('is not allowed to modify taints')
}
