import { parse } from 'yaml'
import { kubectlOutput } from '../cluster/kubectl.ts'
import { kubeconfig, kubeconfigFiles } from '../fixtures/kubeconfig.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { accountOf, type Floor } from './floor.ts'
import type { KubectlFloor } from './real.ts'

const namespace = 'kube-system'

/**
 * The cluster of a kubeconfig's current context, which somebody else runs: only what needs nothing but its API can
 * be played there. For the time being it gets a service account with the rights of an administrator.
 */
export async function openExternalFloor(path: string, kubectl: string): Promise<KubectlFloor> {
  // One for each floor: tests that run beside each other must not take it from one another.
  const account = `vpsie-autoscaler-test-${process.pid}`
  const administrator = administratorNamed(account)
  const folder = await temporaryFolder('vpsie-floor-')
  const owner = { binaries: { kubectl }, adminKubeconfig: path }
  const { server, ca } = clusterOf(
    await kubectlOutput(owner, ['config', 'view', '--minify', '--flatten', '--raw']),
  )
  await kubectlOutput(owner, ['apply', '-f', '-'], { stdin: JSON.stringify(administrator) })
  const tokenOf = (name: string, of = namespace) =>
    kubectlOutput(owner, ['create', 'token', name, '-n', of, '--duration=2h'])
  const adminToken = (await tokenOf(account)).trim()
  const writeFile = kubeconfigFiles(folder.path)
  const write = (token: string) => writeFile(kubeconfig(server, ca, { token }))
  const unable = (what: string) => new Error(`a cluster that somebody else runs cannot ${what}`)
  return {
    kind: 'external',
    leavesToKubelets: 'pods of our image',
    binaries: { kubectl },
    url: server,
    ca,
    adminToken,
    adminKubeconfig: await write(adminToken),
    async kubeconfigOf(username) {
      const found = accountOf(username)
      if (!found) throw unable(`make a kubeconfig of ${username}`)
      return write((await tokenOf(found.serviceAccount, found.namespace)).trim())
    },
    route: () => Promise.reject(unable('lead a Service to this machine')),
    restart: () => Promise.reject(unable('be restarted')),
    lastLines: () => '',
    async stop() {
      await kubectlOutput(owner, ['delete', '--ignore-not-found', '-f', '-'], {
        stdin: JSON.stringify(administrator),
      })
      await folder.remove()
    },
  } satisfies Floor & KubectlFloor
}

const administratorNamed = (account: string) => ({
  apiVersion: 'v1',
  kind: 'List',
  items: [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: account, namespace } },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: account },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [{ kind: 'ServiceAccount', name: account, namespace }],
    },
  ],
})

function clusterOf(text: string): { server: string; ca: string } {
  const [entry] = parse(text).clusters
  const { server, 'certificate-authority-data': data } = entry.cluster
  if (!data) throw new Error(`the cluster ${server} of the kubeconfig must name its certificate authority`)
  return { server, ca: Buffer.from(data, 'base64').toString() }
}
