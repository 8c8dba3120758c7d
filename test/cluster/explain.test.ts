import { spawn } from 'node:child_process'
import { chmod, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import t from 'tap'
import { systemClock as clock } from '../../common/clock.ts'
import { connect } from '../../common/kube/connect.ts'
import { resources } from '../../common/kube/resources.ts'
import { makeCertificates } from '../fixtures/certificates.ts'
import { node } from '../fixtures/objects.ts'
import { startTestPage } from '../fixtures/page.ts'
import { clusterState } from '../fixtures/state.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { openRealFloor } from '../floors/real.ts'
import { kubectlOutput } from './kubectl.ts'

const { signal } = new AbortController()
const root = new URL('../..', import.meta.url).pathname
const floor = await openRealFloor((line) => t.comment(line), signal)
t.teardown(() => floor.stop())
const admin = connect({ clock }, { kubeconfig: floor.adminKubeconfig })
await kubectlOutput(floor, ['apply', '-k', join(root, 'manifests/base')])

// The page of a controller in this process stands where the API server believes the leader's pod to be.
const files = await makeCertificates()
t.teardown(() => files.remove())
const page = await startTestPage({ tls: files, client: admin })
t.teardown(() => page.stop())
page.decide(clusterState({ nodes: [node('node-1')] }))
const [podIP, name] = ['10.89.1.1', 'vpsie-autoscaler-controller-0']
floor.routePod(`${podIP}:8444`, `127.0.0.1:${page.port}`)
const metadata = { name, namespace: 'kube-system' }
await admin.create(
  resources.pods,
  { metadata, spec: { nodeName: 'node-1', containers: [{ name: 'controller', image: 'x' }] } } as never,
  signal,
)
await admin.patch(
  resources.pods,
  metadata,
  { status: { phase: 'Running', podIP, podIPs: [{ ip: podIP }] } },
  { subresource: 'status' },
  signal,
)
await admin.create(
  resources.leases,
  {
    metadata: { name: 'vpsie-autoscaler-leader', namespace: 'kube-system' },
    spec: { holderIdentity: `${name}_1`, leaseDurationSeconds: 15 },
  } as never,
  signal,
)

// As a person installs it: a link on the PATH, which kubectl finds by its name.
const folder = await temporaryFolder('kubectl-plugin-')
t.teardown(() => folder.remove())
await chmod(join(root, 'controller/kubectl-vpsie.js'), 0o755)
await symlink(join(root, 'controller/kubectl-vpsie.js'), join(folder.path, 'kubectl-vpsie'))

/** `kubectl vpsie ARGS...` of the holder of a kubeconfig. */
async function kubectlVpsie(kubeconfig: string, args: readonly string[]) {
  const path = [folder.path, dirname(process.execPath), process.env.PATH].join(':')
  const child = spawn(floor.binaries.kubectl, ['vpsie', ...args], {
    env: { PATH: path, HOME: folder.path, KUBECONFIG: kubeconfig },
  })
  const chunks = { out: '', err: '' }
  child.stdout.on('data', (data: Buffer) => {
    chunks.out += data
  })
  child.stderr.on('data', (data: Buffer) => {
    chunks.err += data
  })
  const code = await new Promise((resolve) => child.once('close', resolve))
  return { code, ...chunks }
}

t.test('kubectl vpsie explain asks the leader through the API server', async (t) => {
  const { code, out, err } = await kubectlVpsie(floor.adminKubeconfig, ['explain', 'node', 'node-1'])
  t.equal(code, 0, err)
  t.match(out, /^node node-1: keep \(NodeGroup kube-system\/workers\)\n {2}NotUnneededLongEnough/)
})

t.test(
  'somebody without rights is told which one is missing, and the Role of the viewer gives it',
  async (t) => {
    await kubectlOutput(floor, ['create', 'serviceaccount', 'nosy', '-n', 'default'])
    const nosy = await floor.kubeconfigOf('system:serviceaccount:default:nosy')
    const refused = await kubectlVpsie(nosy, ['explain', 'node', 'node-1'])
    t.equal(refused.code, 1)
    t.match(
      refused.err,
      /the right to get leases in namespace kube-system; the Role vpsie-autoscaler-viewer has it/,
    )
    await kubectlOutput(floor, [
      ...['create', 'rolebinding', 'nosy-looks', '-n', 'kube-system'],
      ...['--role=vpsie-autoscaler-viewer', '--serviceaccount=default:nosy'],
    ])
    const { code, out, err } = await kubectlVpsie(nosy, ['explain', 'node', 'node-1', '-o', 'json'])
    t.equal(code, 0, err)
    t.match(JSON.parse(out), { kind: 'node', name: 'node-1' })
  },
)
