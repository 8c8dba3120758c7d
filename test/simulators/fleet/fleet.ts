import { rm } from 'node:fs/promises'
import { join as joinPath } from 'node:path'
import { type Clock, toMicroTime, toTimestamp } from '../../../common/clock.ts'
import { hasCode } from '../../../common/errors.ts'
import type { KubeClient } from '../../../common/kube/client.ts'
import type { Node } from '../../../common/kube/objects.ts'
import { resources } from '../../../common/kube/resources.ts'
import type { Logger } from '../../../common/log.ts'
import type { SimulatedMachine } from '../vpsie/model.ts'
import type { VPSieSimulator } from '../vpsie/simulator.ts'
import { isNodeReady } from './kubelets.ts'
import { persist } from './persist.ts'
import { createProc, type Load, type ProcFolder } from './proc.ts'

export interface FleetDeps {
  vpsie: VPSieSimulator
  clock: Clock
  log: Logger
  /** A client with the rights of a node's kubelet, `system:node:<name>`. */
  kubelet(nodeName: string): Promise<KubeClient>
  /** Labels the nodes of the control plane, as kubeadm does: no kubelet may give itself a role. */
  admin: KubeClient
}

export interface FleetOptions {
  /** Where proc folders go. */
  folder: string
  /** From the machine's start until its kubelet registers. Default 0. */
  registerMs?: number
  /** From registration until the Node is ready. Default 0. */
  readyMs?: number
  /** Between two heartbeats. Default 10 s. */
  heartbeatMs?: number
  /** Between two renewals of the proc files. Default 250 ms. */
  procMs?: number
  /** How busy a new machine is. Default: nearly idle. */
  load?: Load
}

/** The nodes of the simulated machines. */
export interface Fleet {
  /** The Node name of a machine. */
  nameOf(machine: SimulatedMachine): string
  procOf(nodeName: string): ProcFolder | undefined
  /** How busy a node is from now on. */
  setLoad(nodeName: string, load: Load): void
  /** Lets a node's kubelet fall silent. */
  silence(nodeName: string): void
  stop(): Promise<void>
}

interface Member {
  machine: SimulatedMachine
  proc: ProcFolder
  /** Ends everything the node does. */
  life: AbortController
}

const idle: Load = { cpu: 0.05, memory: 0.1 }

/**
 * Boots a Node for every machine that runs at the simulated VPSie, as its kubelet would: it registers itself through
 * the API server, so that admission sees it, becomes ready and keeps a lease. A machine that is deleted falls silent;
 * its Node object stays, as it does where no cloud controller runs.
 */
export function startFleet(deps: FleetDeps, options: FleetOptions): Fleet {
  const { vpsie } = deps
  const { folder, heartbeatMs = 10_000, procMs = 250, load = idle } = options
  const members = new Map<string, Member>()
  const all = new AbortController()

  async function boot(machine: SimulatedMachine): Promise<void> {
    const name = nameOf(machine)
    const life = new AbortController()
    const signal = AbortSignal.any([life.signal, all.signal])
    const path = joinPath(folder, name)
    const size = { cores: machine.size.cpu, memoryBytes: machine.size.memoryMB * 2 ** 20 }
    const proc = await createProc(path, size, { ...load })
    members.set(name, { machine, proc, life })
    const advance = () => proc.advance(procMs)
    const heartbeat = async () => {
      await beat(deps, name, signal)
      await tellReady(deps, name, signal)
    }
    await Promise.all([
      every(deps, procMs, advance, signal),
      live(deps, options, machine, signal).then(() => every(deps, heartbeatMs, heartbeat, signal)),
    ])
  }

  function begin(work: Promise<void>): void {
    work.catch((error: unknown) => {
      if (!(error instanceof DOMException)) throw error // whoever aborted knows why
    })
  }

  const stopRunning = vpsie.onMachineRunning((machine) => begin(boot(machine)))
  const stopDeleted = vpsie.onMachineDeleted((machine) => members.get(nameOf(machine))?.life.abort())
  for (const machine of vpsie.machines) if (machine.state === 'running') begin(boot(machine))

  return {
    nameOf,
    procOf: (name) => members.get(name)?.proc,
    setLoad(name, next) {
      const member = members.get(name)
      if (member) member.proc.load = next
    },
    silence: (name) => members.get(name)?.life.abort(),
    async stop() {
      stopRunning()
      stopDeleted()
      all.abort(new DOMException('the fleet has stopped', 'AbortError'))
      await rm(folder, { recursive: true, force: true })
    },
  }
}

const nameOf = ({ hostname }: SimulatedMachine) => hostname.toLowerCase()

async function live(
  deps: FleetDeps,
  options: FleetOptions,
  machine: SimulatedMachine,
  signal: AbortSignal,
): Promise<void> {
  await deps.clock.sleep(options.registerMs ?? 0, signal)
  await persist(deps, `join ${nameOf(machine)}`, () => join(deps, options, machine, signal), signal)
}

async function join(
  { kubelet, clock, admin }: FleetDeps,
  { readyMs = 0 }: FleetOptions,
  machine: SimulatedMachine,
  signal: AbortSignal,
): Promise<void> {
  const client = await kubelet(nameOf(machine))
  const node = nodeOf(machine, clock.now())
  try {
    await client.create(resources.nodes, node, signal)
  } catch (error) {
    if (!hasCode(error, 'AlreadyExists')) throw error
  }
  if (machine.role === 'master') {
    const role = { 'node-role.kubernetes.io/control-plane': '' }
    await admin.patch(resources.nodes, { name: nameOf(machine) }, { metadata: { labels: role } }, {}, signal)
  }
  await clock.sleep(readyMs, signal)
  const status = { ...node.status, conditions: [ready('True', clock.now())] }
  await client.patch(
    resources.nodes,
    { name: nameOf(machine) },
    { status },
    { subresource: 'status' },
    signal,
  )
}

async function beat({ kubelet, clock }: FleetDeps, name: string, signal: AbortSignal): Promise<void> {
  const client = await kubelet(name)
  const metadata = { name, namespace: 'kube-node-lease' }
  const spec = {
    holderIdentity: name,
    leaseDurationSeconds: 40,
    renewTime: toMicroTime(clock.now()),
  }
  try {
    await client.patch(resources.leases, metadata, { spec }, {}, signal)
  } catch (error) {
    if (!hasCode(error, 'NotFound')) throw error
    await client.create(resources.leases, { metadata, spec }, signal)
  }
}

/** Tells that the node is ready (again): a node that was given up for silent comes back by this alone. */
async function tellReady({ kubelet, clock }: FleetDeps, name: string, signal: AbortSignal): Promise<void> {
  const client = await kubelet(name)
  const found = await client.list(resources.nodes, { fieldSelector: `metadata.name=${name}` }, signal)
  const [node] = found.items
  if (!node || isNodeReady(node)) return
  const status = { conditions: [ready('True', clock.now())] }
  await client.patch(resources.nodes, { name }, { status }, { subresource: 'status' }, signal)
}

/** Runs `work` now and then, until `signal` aborts; one that fails is tried again, as a kubelet does. */
async function every(
  deps: FleetDeps,
  periodMs: number,
  work: () => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    await persist(deps, 'heartbeat', work, signal)
    await deps.clock.sleep(periodMs, signal)
  }
}

function ready(status: 'True' | 'False', now: number) {
  const at = toTimestamp(now)
  const reason = status === 'True' ? 'KubeletReady' : 'KubeletNotReady'
  return { type: 'Ready', status, reason, lastTransitionTime: at, lastHeartbeatTime: at }
}

/** The Node as its kubelet registers it: capacity by the machine's size, less what a managed node keeps for itself. */
function nodeOf(machine: SimulatedMachine, now: number): Node {
  const { size, address, datacenterID, clusterID, identifier, role } = machine
  const name = nameOf(machine)
  const memoryMi = Math.floor(size.memoryMB * 0.97)
  const isControlPlane = role === 'master'
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      labels: {
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': 'linux',
        'kubernetes.io/arch': 'amd64',
        'node.kubernetes.io/instance-type': size.name,
        'topology.kubernetes.io/zone': datacenterID,
      },
    },
    spec: {
      providerID: `vpsie://${datacenterID}/${clusterID}/${identifier}`,
      ...(isControlPlane
        ? { taints: [{ key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' as const }] }
        : {}),
    },
    status: {
      capacity: {
        cpu: String(size.cpu),
        memory: `${memoryMi}Mi`,
        pods: '110',
        'ephemeral-storage': `${size.diskGB}Gi`,
      },
      allocatable: {
        cpu: `${size.cpu * 1000 - 80}m`,
        memory: `${memoryMi - 255}Mi`,
        pods: '110',
        'ephemeral-storage': `${size.diskGB - 5}Gi`,
      },
      conditions: [ready('False', now)],
      addresses: [
        { type: 'InternalIP', address },
        { type: 'Hostname', address: name },
      ],
      nodeInfo: { kubeletVersion: 'v1.34.1' },
    },
  }
}
