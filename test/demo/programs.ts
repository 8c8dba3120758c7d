import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { KubeClient } from '../../common/kube/client.ts'
import type { Pod } from '../../common/kube/objects.ts'
import { keyOf } from '../../common/kube/resources.ts'
import type { Logger } from '../../common/log.ts'
import { type RunningProgram, startProgram } from '../fixtures/process.ts'
import type { KubernetesSimulator } from '../simulators/kubernetes/simulator.ts'
import { type Mount, mount } from './mounts.ts'

export type Component = 'webhook' | 'controller' | 'agent' | 'certs'

/** A pod of ours with the process that runs it. */
export interface PodProcess {
  pod: Pod
  component: Component
  program: RunningProgram
  /** Ports of its listeners on loopback, by their name in the manifest. */
  ports: Record<string, number>
  /** True once it listens. */
  isUp: boolean
}

/** The container runtime of the story: pods of our own image are real processes. */
export interface Programs {
  list(component: Component): PodProcess[]
  /** For the hooks of the simulated kubelets; pods of other images are none of its business. */
  start(pod: Pod): Promise<void>
  stop(pod: Pod): Promise<void>
  /** Runs the pod of a Job to its end; throws unless it exits with 0. */
  runToEnd(pod: Pod): Promise<void>
  /** Ends a program as a crash does. */
  kill(process: PodProcess): Promise<void>
  stopAll(): Promise<void>
}

export interface ProgramsDeps {
  sim: KubernetesSimulator
  client: KubeClient
  log: Logger
  folder: string
  /** Proc folder of a node. */
  procOf: (node: string) => string
  /** Authorities of the simulated VPSie. */
  vpsieCAFile: string
}

const image = 'vpsie-autoscaler'
const namespace = 'kube-system'
const listeners: Readonly<Record<Component, readonly string[]>> = {
  webhook: ['https', 'health'],
  controller: ['metrics', 'health', 'ingest'],
  agent: ['health'],
  certs: [],
}

/** Runs pods until `signal` aborts or `stopAll` ends them. */
export async function createPrograms(deps: ProgramsDeps, signal: AbortSignal): Promise<Programs> {
  const { sim, folder } = deps
  const running = new Map<string, PodProcess>()
  const unroute = new Map<string, () => void>()
  // Of the two replicas; known before any of them runs, as a Service's name is.
  const ingestPorts = [await freePort(), await freePort()]
  let controllers = 0
  // Programs that are being started when the end comes are waited for, so that none is left behind.
  const starting = new Set<Promise<void>>()
  let ended = false

  async function launch(pod: Pod): Promise<PodProcess> {
    const component = componentOf(pod)
    const ports = await portsFor(component)
    const args = [...argsOf(pod), ...(await argumentsHere(pod, component, ports))]
    const [entry = '', ...flags] = args
    const program = startProgram(entry, flags, { env: { NODE_NAME: pod.spec.nodeName ?? '' } })
    return { pod, component, program, ports, isUp: false }
  }

  async function portsFor(component: Component): Promise<Record<string, number>> {
    const entries = await Promise.all(
      listeners[component].map(async (name) => [name, await freePort()] as const),
    )
    const ports = Object.fromEntries(entries)
    if (component === 'controller') {
      const next = ingestPorts[controllers++]
      if (next === undefined) throw new Error('the story has two controllers')
      ports.ingest = next
    }
    return ports
  }

  async function start(pod: Pod): Promise<void> {
    if (!isOurs(pod) || ended) return
    const started = await launch(pod)
    running.set(keyOf(pod), started)
    if (started.component === 'webhook') {
      const service = { namespace, name: 'vpsie-autoscaler-webhook', port: 443 }
      unroute.set(keyOf(pod), sim.route(service, `127.0.0.1:${started.ports.https}`))
    }
    await started.program.waitFor(/"listening"/, 20_000)
    started.isUp = true
  }

  /** What differs from a cluster: addresses on loopback, files instead of volumes, a kubeconfig instead of a mount. */
  async function argumentsHere(
    pod: Pod,
    component: Component,
    ports: Record<string, number>,
  ): Promise<string[]> {
    const own = join(folder, pod.metadata.uid ?? keyOf(pod))
    await mkdir(own, { recursive: true })
    const account = `system:serviceaccount:${namespace}:${pod.spec.serviceAccountName}`
    const at = (name: string) => `127.0.0.1:${ports[name]}`
    switch (component) {
      case 'webhook':
        await mounted({ kind: 'secret', namespace, name: 'vpsie-autoscaler-webhook-tls', keys: pair }, own)
        return [
          `--kubeconfig=${await sim.kubeconfigOf(account)}`,
          `--address=${at('https')}`,
          `--health-addr=${at('health')}`,
          ...pairFlags('', own),
        ]
      case 'controller':
        await mounted({ kind: 'secret', namespace, name: 'vpsie-autoscaler-ingest-tls', keys: pair }, own)
        return [
          `--kubeconfig=${await sim.kubeconfigOf(account)}`,
          `--ingest-addr=${at('ingest')}`,
          `--metrics-addr=${at('metrics')}`,
          `--health-addr=${at('health')}`,
          ...pairFlags('ingest-', own),
          `--vpsie-ca-file=${deps.vpsieCAFile}`,
        ]
      case 'agent':
        await mounted({ kind: 'configMap', namespace, name: 'vpsie-autoscaler-trust', keys: ['ca.crt'] }, own)
        await writeFile(join(own, 'token'), agentToken(pod))
        return [
          `--controller-url=${ingestPorts.map((port) => `https://127.0.0.1:${port}`)}`,
          `--token-file=${join(own, 'token')}`,
          `--ca-file=${join(own, 'ca.crt')}`,
          `--proc=${deps.procOf(pod.spec.nodeName ?? '')}`,
          `--health-addr=${at('health')}`,
        ]
      case 'certs':
        return [`--kubeconfig=${await sim.kubeconfigOf(account)}`, '--ingest-hosts=127.0.0.1']
    }
  }

  function agentToken({ metadata, spec }: Pod): string {
    const { serviceAccountName = '' } = spec
    return sim.users.request({
      namespace,
      serviceAccount: serviceAccountName,
      audience: 'vpsie-autoscaler',
      pod: metadata.name,
    }).token
  }

  const mounted = (what: Mount, into: string) => mount(deps, what, into, signal)

  return {
    list: (component) => [...running.values()].filter((each) => each.component === component && each.isUp),
    start(pod) {
      const started = start(pod)
      starting.add(started)
      return started.finally(() => starting.delete(started))
    },
    async stop(pod) {
      const known = running.get(keyOf(pod))
      if (!known) return
      unroute.get(keyOf(pod))?.()
      running.delete(keyOf(pod))
      await known.program.stop('SIGTERM')
    },
    async runToEnd(pod) {
      const { program } = await launch(pod)
      const code = await program.exited
      if (code !== 0)
        throw new Error(`${argsOf(pod)} ended with ${code}: ${program.lines.slice(-5).join('\n')}`)
    },
    async kill({ program }) {
      await program.stop('SIGKILL')
    },
    async stopAll() {
      ended = true
      await Promise.allSettled(starting)
      await Promise.all([...running.values()].map(({ program }) => program.stop('SIGTERM', 5_000)))
      running.clear()
    },
  }
}

const pair = ['tls.crt', 'tls.key']

function pairFlags(prefix: string, folder: string): string[] {
  return [`--${prefix}cert-file=${join(folder, 'tls.crt')}`, `--${prefix}key-file=${join(folder, 'tls.key')}`]
}

function isOurs({ spec }: Pod): boolean {
  return spec.containers[0]?.image?.startsWith(`${image}:`) ?? false
}

function componentOf({ metadata }: Pod): Component {
  return metadata.labels?.['app.kubernetes.io/component'] as Component
}

function argsOf({ spec }: Pod): string[] {
  const [container] = spec.containers as { args?: string[] }[]
  return container?.args ?? []
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))

  return typeof address === 'object' && address ? address.port : 0
}
