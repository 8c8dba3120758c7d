import t from 'tap'
import { systemClock as clock } from '../../common/clock.ts'
import { connect } from '../../common/kube/connect.ts'
import { apiOf } from '../contract/api.ts'
import { accountToken } from '../floors/floor.ts'
import { openRealFloor } from '../floors/real.ts'
import { kubectlOutput } from './kubectl.ts'

const { signal } = new AbortController()
const floor = await openRealFloor((line) => t.comment(line), signal)
t.teardown(() => floor.stop())
const base = new URL('../../manifests/base', import.meta.url).pathname
await kubectlOutput(floor, ['apply', '-k', base])
const client = connect({ clock }, { kubeconfig: floor.adminKubeconfig })

/**
 * What an account may and may not do: `verb resource[.group][/subresource] [name] [in namespace]`, without a
 * namespace in all of them.
 */
const rights: Record<string, { may: string[]; mayNot: string[] }> = {
  controller: {
    may: [
      'watch pods',
      'create pods/eviction',
      'patch nodes',
      'delete nodes',
      'create vpsienodes.autoscaler.vpsie.com in kube-system',
      'patch nodegroups.autoscaler.vpsie.com/status in kube-system',
      'get secrets vpsie-secret in kube-system',
      'create tokenreviews.authentication.k8s.io',
      'patch leases.coordination.k8s.io vpsie-autoscaler-leader in kube-system',
    ],
    mayNot: [
      'delete pods',
      'create pods',
      'patch pods',
      'create nodes',
      'get secrets',
      'list secrets in kube-system',
      'get secrets another in kube-system',
      'get secrets vpsie-autoscaler-ca in kube-system',
      'create nodegroups.autoscaler.vpsie.com',
      'delete nodegroups.autoscaler.vpsie.com',
      'update nodegroups.autoscaler.vpsie.com',
      'create clusterrolebindings.rbac.authorization.k8s.io',
      'escalate clusterroles.rbac.authorization.k8s.io',
      'bind clusterroles.rbac.authorization.k8s.io',
      'impersonate users',
      'impersonate serviceaccounts',
      'patch validatingwebhookconfigurations.admissionregistration.k8s.io',
      'patch mutatingwebhookconfigurations.admissionregistration.k8s.io',
      'patch customresourcedefinitions.apiextensions.k8s.io',
      'create serviceaccounts/token',
      'create pods/exec',
      'get nodes/proxy',
      'patch leases.coordination.k8s.io another in kube-system',
      'patch configmaps in kube-system',
      'list configmaps',
      'delete persistentvolumeclaims',
      'delete namespaces',
    ],
  },
  webhook: {
    may: [
      'watch nodegroups.autoscaler.vpsie.com',
      'watch vpsienodes.autoscaler.vpsie.com',
      'watch configmaps in kube-system',
    ],
    mayNot: [
      'list secrets',
      'get secrets in kube-system',
      'list configmaps',
      'patch configmaps in kube-system',
      'patch nodes',
      'delete nodes',
      'patch nodegroups.autoscaler.vpsie.com',
      'create vpsienodes.autoscaler.vpsie.com',
      'delete vpsienodes.autoscaler.vpsie.com',
      'list pods',
      'create pods/eviction',
      'patch validatingwebhookconfigurations.admissionregistration.k8s.io',
      'create tokenreviews.authentication.k8s.io',
      'impersonate users',
      'create serviceaccounts/token',
    ],
  },
  certs: {
    may: [
      'get secrets vpsie-autoscaler-ca in kube-system',
      'patch secrets vpsie-autoscaler-webhook-tls in kube-system',
      'patch configmaps vpsie-autoscaler-trust in kube-system',
      'patch validatingwebhookconfigurations.admissionregistration.k8s.io vpsie-autoscaler-webhook',
      'patch mutatingwebhookconfigurations.admissionregistration.k8s.io vpsie-autoscaler-webhook',
    ],
    mayNot: [
      'get secrets vpsie-secret in kube-system',
      'list secrets in kube-system',
      'create secrets in kube-system',
      'delete secrets vpsie-autoscaler-ca in kube-system',
      'patch secrets another in default',
      'patch configmaps another in kube-system',
      'patch validatingwebhookconfigurations.admissionregistration.k8s.io another',
      'list validatingwebhookconfigurations.admissionregistration.k8s.io',
      'delete validatingwebhookconfigurations.admissionregistration.k8s.io',
      'patch nodes',
      'list nodes',
      'patch nodegroups.autoscaler.vpsie.com',
      'create pods in kube-system',
      'list pods in default',
      'impersonate users',
    ],
  },
  agent: {
    may: [],
    mayNot: [
      'get nodes',
      'list nodes',
      'list pods',
      'get configmaps in kube-system',
      'get secrets in kube-system',
      'create events',
      'patch nodes/status',
      'create tokenreviews.authentication.k8s.io',
      'list nodegroups.autoscaler.vpsie.com',
      'create serviceaccounts/token in kube-system',
    ],
  },
}

const question =
  /^(?<verb>\S+) (?<resource>[a-z]+)(?:\.(?<group>[a-z0-9.]+))?(?:\/(?<subresource>\S+))?(?: (?!in )(?<name>\S+))?(?: in (?<namespace>\S+))?$/

for (const [component, { may, mayNot }] of Object.entries(rights)) {
  t.test(component, async (t) => {
    const account = { namespace: 'kube-system', serviceAccount: `vpsie-autoscaler-${component}` }
    const api = apiOf(floor, await accountToken(client, account, signal))
    const answer = async (text: string): Promise<boolean> => {
      const resourceAttributes = question.exec(text)?.groups
      if (!resourceAttributes) throw new Error(`"${text}" is no question`)
      const { body } = await api.post('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectAccessReview',
        spec: { resourceAttributes },
      })
      return body.status.allowed
    }
    for (const text of may) t.equal(await answer(text), true, `may ${text}`)
    for (const text of mayNot) t.equal(await answer(text), false, `may not ${text}`)
  })
}
