import { systemClock as clock } from '../../common/clock.ts'
import type { KubeObject, Pod } from '../../common/kube/objects.ts'
import { resources } from '../../common/kube/resources.ts'
import { apiOf } from '../contract/api.ts'
import type { World } from '../demo/world.ts'
import { apply } from '../fixtures/apply.ts'
import { call } from '../fixtures/http.ts'
import { startProgram } from '../fixtures/process.ts'
import { report } from '../fixtures/report.ts'
import { until } from '../fixtures/wait.ts'
import { accountToken } from '../floors/floor.ts'

export interface RotationResult {
  rotations: number
  admissions: number
  rejected: number
  reports: number
  refusedReports: number
  /** Longest time between two admissions that were allowed. */
  worstGapMs: number
}

export interface RotationLoad {
  rotations: number
  /** One write that admission has to allow; throws if it was refused. */
  admit(signal: AbortSignal): Promise<void>
  /** How many admissions and how many reports are on their way at any time. */
  parallel: number
  /** Milliseconds until a reader has a new bundle: how late the reporters take it up. */
  bundleDelayMs: () => number
}

// Much longer than any delay of the load, and much shorter than in a cluster.
const soak = '2500ms'
const pauseMs = 20

/**
 * Rotates the authority again and again by the certificate job, while writes go through admission and reports to the
 * controllers, each report over a connection of its own. Counts what was refused.
 */
export async function rotateUnderLoad(
  world: World,
  load: RotationLoad,
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<RotationResult> {
  const life = new AbortController()
  const both = AbortSignal.any([signal, life.signal])
  const result: RotationResult = {
    rotations: 0,
    admissions: 0,
    rejected: 0,
    reports: 0,
    refusedReports: 0,
    worstGapMs: 0,
  }
  const reporters = await createReporters(world, load, both)
  const running = [
    ...Array.from({ length: load.parallel }, () => admitAgainAndAgain(load, result, tell, both)),
    ...Array.from({ length: load.parallel }, () => reportAgainAndAgain(reporters, result, tell, both)),
  ]
  try {
    for (let i = 0; i < load.rotations; i++) {
      const epoch = await rotate(world)
      result.rotations++
      tell(`rotation ${result.rotations}: authority ${epoch} has taken over, and the old one is forgotten`)
    }
  } finally {
    life.abort(new DOMException('the load ends', 'AbortError'))
    await Promise.allSettled(running)
    await removeWitness(world)
  }
  return result
}

/** One run of the job, from the new authority to the end of the old one. Gives the number of the new one. */
async function rotate({ floor, programs, client, signal }: World): Promise<string> {
  const account = 'system:serviceaccount:kube-system:vpsie-autoscaler-certs'
  const replicas = (component: 'webhook' | 'controller', port: string) =>
    programs.list(component).map(({ ports }) => `127.0.0.1:${ports[port]}`)
  const job = startProgram('certs/main.ts', [
    'rotate',
    '--force',
    `--kubeconfig=${await floor.kubeconfigOf(account)}`,
    '--ingest-hosts=127.0.0.1',
    `--webhook-replicas=${replicas('webhook', 'https')}`,
    `--ingest-replicas=${replicas('controller', 'ingest')}`,
    `--soak=${soak}`,
    `--agent-soak=${soak}`,
    '--confirm-interval=500ms',
    '--retire-after=1s',
  ])
  const code = await job.exited
  if (code !== 0) throw new Error(`the job ended with ${code}: ${job.lines.slice(-3).join('\n')}`)
  const secret = { namespace: 'kube-system', name: 'vpsie-autoscaler-ca' }
  const { metadata } = await client.get(resources.secrets, secret, signal)
  const { annotations = {} } = metadata
  if (annotations['autoscaler.vpsie.com/rotation-phase'] !== 'Steady')
    throw new Error(`the rotation stands at ${annotations['autoscaler.vpsie.com/rotation-phase']}`)
  return annotations['autoscaler.vpsie.com/rotation-epoch'] ?? ''
}

async function admitAgainAndAgain(
  { admit }: RotationLoad,
  result: RotationResult,
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  for (let last = performance.now(); !signal.aborted; ) {
    try {
      result.admissions++
      await admit(signal)
      result.worstGapMs = Math.max(result.worstGapMs, Math.round(performance.now() - last))
      last = performance.now()
    } catch (error) {
      if (signal.aborted) result.admissions--
      else if (++result.rejected <= 5) tell(`refused: ${String(error)}`)
    }
    await clock.sleep(pauseMs, signal).catch(() => undefined) // the loop looks at the signal
  }
}

interface Reporters {
  next(): Promise<{ port: number; ca: string; token: string; body: string }>
}

/** Speaks for a node of its own, with a token that is bound to a pod there, and a trust that follows late. */
async function createReporters(
  { client, view, programs, signal }: World,
  { bundleDelayMs }: RotationLoad,
  end: AbortSignal,
): Promise<Reporters> {
  const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'witness', labels: { witness: 'yes' } } }
  const pod: Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'witness', namespace: 'kube-system' },
    spec: {
      serviceAccountName: 'vpsie-autoscaler-agent',
      nodeName: 'witness',
      containers: [{ name: 'witness', image: 'witness:1' }],
    },
  }
  await apply(client, [node, pod] as KubeObject[], signal)
  const request = { namespace: 'kube-system', serviceAccount: 'vpsie-autoscaler-agent' }
  const token = await accountToken(
    client,
    { ...request, audience: 'vpsie-autoscaler', pod: 'witness' },
    signal,
  )
  const maps = view.of(resources.configMaps)
  const trusted = () => maps.get('kube-system/vpsie-autoscaler-trust')?.data?.['ca.crt'] ?? ''
  await until('the trust of the agents is published', () => trusted() !== '', {}, signal)
  let ca = trusted()
  const stop = maps.onChange(() => {
    clock.sleep(bundleDelayMs(), end).then(
      () => {
        // Late, but never an older one after a newer one: a kubelet writes what there is when it comes to it.
        ca = trusted()
      },
      () => undefined, // the check has ended
    )
  })
  end.addEventListener('abort', stop, { once: true })
  let seq = 0
  return {
    async next() {
      const controllers = programs.list('controller')
      const ports = controllers[seq % controllers.length]?.ports ?? {}
      const at = new Date(clock.now()).toISOString()
      const body = JSON.stringify(report({ node: 'witness', bootId: 'witness', seq: ++seq, at }))
      return { port: ports.ingest ?? 0, ca, token, body }
    },
  }
}

/** Its Node and its pod go, so that whoever comes next finds what was there before. */
async function removeWitness({ client, signal }: World): Promise<void> {
  const pod = { namespace: 'kube-system', name: 'witness' }
  await client.delete(resources.pods, pod, { gracePeriodSeconds: 0 }, signal)
  await client.delete(resources.nodes, { name: 'witness' }, {}, signal)
}

/**
 * A report that another one has overtaken is answered 409, and one node that reports so often 429: it was read, so the
 * connection did what it is here for.
 */
const taken = [202, 409, 429]

async function reportAgainAndAgain(
  reporters: Reporters,
  result: RotationResult,
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const { port, ca, token, body } = await reporters.next()
    result.reports++
    try {
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
      const reply = await call({ port, ca, path: '/v1/reports', headers, body })
      if (!taken.includes(reply.status)) throw new Error(`${reply.status} ${reply.body}`)
    } catch (error) {
      if (++result.refusedReports <= 5) tell(`report refused: ${String(error)}`)
    }
    await clock.sleep(pauseMs, signal).catch(() => undefined) // the loop looks at the signal
  }
}

/** A NodeGroup that is only tried, as `kubectl create --dry-run=server` does. */
export function tryNodeGroup({ floor }: World): () => Promise<void> {
  const api = apiOf(floor)
  const body = {
    apiVersion: 'autoscaler.vpsie.com/v1alpha1',
    kind: 'NodeGroup',
    metadata: { generateName: 'tried-', labels: { 'autoscaler.vpsie.com/managed': 'true' } },
    spec: {
      minNodes: 0,
      maxNodes: 3,
      datacenterID: 'dc-1',
      resourceIdentifier: 'cluster-1',
      project: 'project-1',
      kubernetesVersion: 'v1.34.1',
      offeringIDs: ['small'],
    },
  }
  const path = '/apis/autoscaler.vpsie.com/v1alpha1/namespaces/kube-system/nodegroups?dryRun=All'
  return async () => {
    const reply = await api.post(path, body)
    if (reply.status !== 201) throw new Error(`${reply.status} ${reply.body.message}`)
  }
}
