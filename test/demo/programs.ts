import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { KubeClient } from '../../common/kube/client.ts'
import type { Pod } from '../../common/kube/objects.ts'
import { keyOf } from '../../common/kube/resources.ts'
import type { Logger } from '../../common/log.ts'
import { call } from '../fixtures/http.ts'
import { freePort } from '../fixtures/ports.ts'
import { type RunningProgram, startProgram } from '../fixtures/process.ts'
import { accountToken, type Floor } from '../floors/floor.ts'
import type { PodRun } from '../simulators/fleet/kubelets.ts'
import { type Mount, mount } from './mounts.ts'

export type Component = 'webhook' | 'controller' | 'agent' | 'certs'

/** A pod of ours with the process that runs it. */
export interface PodProcess {
  pod: Pod
  component: Component
  program: RunningProgram
  /** As its status tells; nothing routes to it, whoever needs it asks `ports`. */
  podIP: string
  /** Ports of its listeners on loopback, by their name in the manifest. */
  ports: Record<string, number>
  /** True once it listens. */
  isUp: boolean
}

/** The container runtime of the story: pods of our own image are real processes. */
export interface Programs {
  list(component: Component): PodProcess[]
  /** For the kubelets; undefined for pods of other images. */
  start(pod: Pod): Promise<PodRun | undefined>
  stop(pod: Pod): Promise<void>
  /** Ends a program as a crash does. */
  kill(process: PodProcess): Promise<void>
  stopAll(): Promise<void>
}

export interface ProgramsDeps {
  floor: Floor
  client: KubeClient
  log: Logger
  folder: string
  /** Proc folder of a node. */
  procOf: (node: string) => string
  /** Milliseconds until a change of a Secret or ConfigMap is in a pod's files. */
  mountDelayMs: () => number
  /** Authorities of the simulated VPSie. */
  vpsieCAFile: string
}

const image = 'vpsie-autoscaler'
const namespace = 'kube-system'
const listeners: Readonly<Record<Component, readonly string[]>> = {
  webhook: ['https', 'health'],
  controller: ['metrics', 'health', 'ingest', 'page'],
  agent: ['health'],
  certs: [],
}

/** Runs pods until `signal` aborts or `stopAll` ends them. */
export async function createPrograms(deps: ProgramsDeps, signal: AbortSignal): Promise<Programs> {
  const { floor, client, log, folder } = deps
  const running = new Map<string, PodProcess>()
  const unroute = new Map<string, () => void>()
  // Of the two replicas; known before any of them runs, as a Service's name is.
  const ingestPorts = [await freePort(), await freePort()]
  let controllers = 0
  let addresses = 0
  // Programs that are being started when the end comes are waited for, so that none is left behind.
  const starting = new Set<Promise<unknown>>()
  let ended = false

  async function launch(pod: Pod): Promise<PodProcess> {
    const component = componentOf(pod)
    const ports = await portsFor(component)
    const args = [...argsOf(pod), ...(await argumentsHere(pod, component, ports))]
    const [entry = '', ...flags] = args
    const program = startProgram(entry, flags, {
      env: { NODE_NAME: pod.spec.nodeName ?? '', POD_NAME: pod.metadata.name },
    })
    return { pod, component, program, podIP: `10.89.0.${++addresses}`, ports, isUp: false }
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

  async function start(pod: Pod): Promise<PodRun | undefined> {
    if (!isOurs(pod) || ended) return undefined
    const started = await launch(pod)
    const { program, component, ports, podIP } = started
    running.set(keyOf(pod), started)
    if (component === 'certs')
      return { podIP, isReady: async () => true, ended: program.exited.then(exitCode) }
    if (component === 'webhook') {
      const service = { namespace, name: 'vpsie-autoscaler-webhook', port: 443 }
      unroute.set(keyOf(pod), await floor.route(service, `127.0.0.1:${ports.https}`))
    }
    try {
      await program.waitFor(/"listening"/, 20_000)
    } catch (error) {
      await stop(pod)
      throw error
    }
    started.isUp = true
    return { podIP, isReady: () => isReady(ports.health ?? 0) }
  }

  async function stop(pod: Pod): Promise<void> {
    const known = running.get(keyOf(pod))
    if (!known) return
    unroute.get(keyOf(pod))?.()
    running.delete(keyOf(pod))
    await known.program.stop('SIGTERM')
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
          `--kubeconfig=${await floor.kubeconfigOf(account)}`,
          `--address=${at('https')}`,
          `--health-addr=${at('health')}`,
          ...pairFlags('', own),
        ]
      case 'controller':
        await mounted({ kind: 'secret', namespace, name: 'vpsie-autoscaler-ingest-tls', keys: pair }, own)
        return [
          `--kubeconfig=${await floor.kubeconfigOf(account)}`,
          `--ingest-addr=${at('ingest')}`,
          `--page-addr=${at('page')}`,
          // A browser on this machine knows nothing of the story's authority.
          '--page-tls=false',
          `--metrics-addr=${at('metrics')}`,
          `--health-addr=${at('health')}`,
          ...pairFlags('ingest-', own),
          `--vpsie-ca-file=${deps.vpsieCAFile}`,
        ]
      case 'agent':
        await mounted({ kind: 'configMap', namespace, name: 'vpsie-autoscaler-trust', keys: ['ca.crt'] }, own)
        await writeFile(join(own, 'token'), await agentToken(pod))
        return [
          `--controller-url=${ingestPorts.map((port) => `https://127.0.0.1:${port}`)}`,
          `--token-file=${join(own, 'token')}`,
          `--ca-file=${join(own, 'ca.crt')}`,
          `--proc=${deps.procOf(pod.spec.nodeName ?? '')}`,
          `--health-addr=${at('health')}`,
        ]
      case 'certs':
        return [
          `--kubeconfig=${await floor.kubeconfigOf(account)}`,
          '--ingest-hosts=127.0.0.1',
          // Nothing routes to the addresses of pods here, so it is told where the replicas are.
          `--webhook-replicas=${addressesOf('webhook', 'https')}`,
          `--ingest-replicas=${addressesOf('controller', 'ingest')}`,
        ]
    }
  }

  function addressesOf(component: Component, port: string): string[] {
    return list(component).map(({ ports }) => `127.0.0.1:${ports[port]}`)
  }

  function list(component: Component): PodProcess[] {
    return [...running.values()].filter((each) => each.component === component && each.isUp)
  }

  function agentToken({ metadata, spec }: Pod): Promise<string> {
    const { serviceAccountName: serviceAccount = '' } = spec
    const request = { namespace, serviceAccount, audience: 'vpsie-autoscaler', pod: metadata.name }
    return accountToken(client, request, signal)
  }

  const mounted = (what: Mount, into: string) =>
    mount({ client, log, delayMs: deps.mountDelayMs }, what, into, signal)

  return {
    list,
    start(pod) {
      const started = start(pod)
      starting.add(started)
      return started.finally(() => starting.delete(started))
    },
    stop,
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

export function isOurs({ spec }: Pod): boolean {
  return spec.containers[0]?.image?.startsWith(`${image}:`) ?? false
}

function exitCode(how: number | NodeJS.Signals): number {
  return typeof how === 'number' ? how : 1
}

/** What the kubelet's probe of `/readyz` finds. */
async function isReady(port: number): Promise<boolean> {
  try {
    return (await call({ port, path: '/readyz' })).status === 200
  } catch {
    return false // it does not listen (any more): not ready, and its kubelet asks again
  }
}

function componentOf({ metadata }: Pod): Component {
  return metadata.labels?.['app.kubernetes.io/component'] as Component
}

function argsOf({ spec }: Pod): string[] {
  const [container] = spec.containers as { args?: string[] }[]
  return container?.args ?? []
}
