import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import t from 'tap'
import { parseAllDocuments } from 'yaml'
import { systemClock as clock } from '../../common/clock.ts'
import { connect } from '../../common/kube/connect.ts'
import type { KubeObject } from '../../common/kube/objects.ts'
import { resources } from '../../common/kube/resources.ts'
import { kustomize } from '../../manifests/kustomize.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { openRealFloor } from '../floors/real.ts'
import { findHelm } from './binaries.ts'
import { kubectlOutput } from './kubectl.ts'
import { workersGroup } from './world.ts'

const run = promisify(execFile)
const chart = new URL('../../manifests/helm/vpsie-autoscaler', import.meta.url).pathname
const { signal } = new AbortController()
const found = await findHelm((line) => t.comment(line))
if (typeof found === 'string') throw new Error(found)
const helmPath = found.path
const floor = await openRealFloor((line) => t.comment(line), signal)
t.teardown(() => floor.stop())
const home = await temporaryFolder('helm-')
t.teardown(() => home.remove())
const client = connect({ clock }, { kubeconfig: floor.adminKubeconfig })

interface Outcome {
  code: number
  stdout: string
  stderr: string
}

/** Runs Helm against the floor; its exit code is told, not thrown. */
async function helm(...args: string[]): Promise<Outcome> {
  const env = { PATH: process.env.PATH ?? '', HOME: home.path, KUBECONFIG: floor.adminKubeconfig }
  try {
    const { stdout, stderr } = await run(helmPath, [...args, '-n', 'kube-system'], {
      env,
      maxBuffer: 2 ** 24,
    })
    return { code: 0, stdout, stderr }
  } catch (error) {
    const {
      code = 1,
      stdout = '',
      stderr = '',
    } = error as { code?: number; stdout?: string; stderr?: string }
    return { code: Number(code), stdout, stderr }
  }
}

const keyOf = ({ kind, metadata }: KubeObject) => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`
const documents = (text: string) =>
  parseAllDocuments(text)
    .map((document) => document.toJS() as KubeObject | null)
    .filter((object) => object !== null)

t.test("Helm's lint has nothing to say against it", async (t) => {
  const { code, stdout } = await helm('lint', '--strict', chart)
  t.equal(code, 0, stdout)
})

t.test('unless somebody chooses, it installs exactly what manifests/base does', async (t) => {
  const { code, stdout, stderr } = await helm(
    'template',
    'vpsie-autoscaler',
    chart,
    '--include-crds',
    '--kube-version',
    '1.30.0',
  )
  t.equal(code, 0, stderr)
  const ours = documents(stdout)
  const base = new Map(kustomize('base').map((object) => [keyOf(object), object]))
  // The first run of the job has a name of its own in each release.
  const named = ours.map((object) =>
    object.kind === 'Job'
      ? { ...object, metadata: { ...object.metadata, name: object.metadata.name.replace(/-1$/, '') } }
      : object,
  )
  t.same(named.map(keyOf).sort(), [...base.keys()].sort())
  for (const object of named.filter(({ kind }) => kind !== 'CustomResourceDefinition'))
    t.same(object, base.get(keyOf(object)), keyOf(object))
})

t.test('what can be chosen gets to where it belongs, and a wrong value is refused by name', async (t) => {
  const chosen = await helm(
    ...['template', 'vpsie-autoscaler', chart, '--kube-version', '1.30.0'],
    ...['--set', 'image.repository=registry.example/autoscaler', '--set-string', 'image.tag=9'],
    ...['--set', 'controller.replicas=3', '--set', 'controller.extraArgs={--log-level=debug}'],
    ...['--set', 'agent.image.repository=registry.example/agent'],
    ...['--set', 'agent.resources.limits.memory=128Mi', '--set', 'imagePullSecrets[0].name=pull'],
  )
  t.equal(chosen.code, 0, chosen.stderr)
  const objects = documents(chosen.stdout) as (KubeObject & {
    spec: { replicas?: number; template: { spec: Record<string, never> } }
  })[]
  const controller = objects.find(
    ({ kind, metadata }) => kind === 'Deployment' && metadata.name.endsWith('controller'),
  )
  t.match(controller?.spec, {
    replicas: 3,
    template: {
      spec: {
        imagePullSecrets: [{ name: 'pull' }],
        containers: [{ image: 'registry.example/autoscaler:9', args: /--log-level=debug/ }],
      },
    },
  } as object)
  const agent = objects.find(({ kind }) => kind === 'DaemonSet')
  t.match(agent?.spec.template.spec, {
    containers: [{ image: 'registry.example/agent:9', resources: { limits: { memory: '128Mi' } } }],
  } as object)
  const wrong = await helm('template', 'x', chart, '--set', 'controller.replica=3')
  t.not(wrong.code, 0)
  t.match(wrong.stderr, /controller.*replica/s)
})

t.test('it is installed, upgraded and removed; NodeGroups outlive it', async (t) => {
  const installed = await helm('install', 'vpsie-autoscaler', chart)
  t.equal(installed.code, 0, installed.stderr)
  t.match(installed.stdout, /rollout status deployment\/vpsie-autoscaler-controller/)
  await kubectlOutput(floor, ['wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s'])
  await kubectlOutput(floor, ['delete', 'validatingwebhookconfiguration', 'vpsie-autoscaler-webhook'])
  await kubectlOutput(floor, ['apply', '-f', '-'], { stdin: JSON.stringify(workersGroup()) })
  const upgraded = await helm('upgrade', 'vpsie-autoscaler', chart, '--set', 'webhook.replicas=3')
  t.equal(upgraded.code, 0, upgraded.stderr)
  const webhook = await kubectlOutput(floor, [
    '-n',
    'kube-system',
    'get',
    'deployment',
    'vpsie-autoscaler-webhook',
    '-o',
    'jsonpath={.spec.replicas}',
  ])
  t.equal(webhook, '3')
  const removed = await helm('uninstall', 'vpsie-autoscaler')
  t.equal(removed.code, 0, removed.stderr)
  t.ok(await client.get(resources.nodeGroups, { namespace: 'kube-system', name: 'workers' }, signal))
})

t.test('in another namespace it refuses, and says where it belongs', async (t) => {
  const env = { PATH: process.env.PATH ?? '', HOME: home.path }
  const refused = run(helmPath, ['template', 'x', chart, '-n', 'elsewhere', '--kube-version', '1.30.0'], {
    env,
  })
  await t.rejects(refused, { message: /install it into kube-system/ })
})
