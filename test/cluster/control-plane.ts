import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { issueAuthority, issueLeaf } from '../../certs/issue.ts'
import { call } from '../fixtures/http.ts'
import { kubeconfig } from '../fixtures/kubeconfig.ts'
import { freePort } from '../fixtures/ports.ts'
import { type RunningProgram, startProcess } from '../fixtures/process.ts'
import { until } from '../fixtures/wait.ts'
import type { Binaries, Program } from './binaries.ts'

/** A real control plane on the loopback interface. */
export interface ControlPlane {
  readonly url: string
  /** PEM of its authority. */
  readonly ca: string
  /** Bearer token of the user `admin`, of the group system:masters. */
  readonly adminToken: string
  /** The text of a kubeconfig with a client certificate of that user, of those groups. */
  clientConfig(user: string, groups: readonly string[]): string
  /** Ends the API server, waits so long, and starts it again on the same port with the same data. */
  restart(awayMs: number): Promise<void>
  /** The last lines of each of its programs, for a test that failed. */
  lastLines(): string
  stop(): Promise<void>
}

export interface ControlPlaneOptions {
  binaries: Binaries
  /** For its data, certificates and kubeconfigs. */
  folder: string
  /** See egress.ts. */
  egressConfigFile: string
  /** How long a node may be silent; heartbeats come more often than that. */
  nodeGraceSeconds: number
}

const startMs = 90_000

/** Starts etcd, kube-apiserver, kube-controller-manager, kube-scheduler and kwok. Throws if they are not up in time. */
export async function startControlPlane(
  { binaries, folder, egressConfigFile, nodeGraceSeconds }: ControlPlaneOptions,
  signal: AbortSignal,
): Promise<ControlPlane> {
  const running = new Map<Program, RunningProgram>()
  const files = await writeCredentials(folder)
  const [etcdPort, etcdPeerPort, port] = [await freePort(), await freePort(), await freePort()]
  const url = `https://127.0.0.1:${port}`
  const start = (program: Program, flags: Record<string, string>) =>
    running.set(program, startProcess(binaries[program], toArguments(flags), program))

  const startServer = () =>
    start('kube-apiserver', {
      ...serverFlags(files, folder),
      'etcd-servers': `http://127.0.0.1:${etcdPort}`,
      'secure-port': String(port),
      'egress-selector-config-file': egressConfigFile,
    })
  const whenUp = () =>
    until(
      'the API server is ready',
      () => isReady(url, files.ca),
      { withinMs: startMs, seen: lastLines },
      signal,
    )

  function lastLines(): string {
    return [...running].map(([name, { lines }]) => `--- ${name}\n${lines.slice(-15).join('\n')}`).join('\n')
  }

  async function stop(): Promise<void> {
    // The store last: what is left without it only complains.
    for (const name of [
      'kwok',
      'kube-scheduler',
      'kube-controller-manager',
      'kube-apiserver',
      'etcd',
    ] as const)
      await running.get(name)?.stop('SIGTERM', 3_000)
  }

  try {
    start('etcd', {
      'data-dir': join(folder, 'etcd'),
      'listen-client-urls': `http://127.0.0.1:${etcdPort}`,
      'advertise-client-urls': `http://127.0.0.1:${etcdPort}`,
      'listen-peer-urls': `http://127.0.0.1:${etcdPeerPort}`,
      'initial-advertise-peer-urls': `http://127.0.0.1:${etcdPeerPort}`,
      'initial-cluster': `default=http://127.0.0.1:${etcdPeerPort}`,
      'unsafe-no-fsync': 'true',
      'log-level': 'error',
    })
    startServer()
    await whenUp()
    const admin = join(folder, 'system-admin.yaml')
    await writeFile(admin, kubeconfig(url, files.ca, { token: files.adminToken }))
    start('kube-controller-manager', {
      ...controllerFlags(files),
      'node-monitor-grace-period': `${nodeGraceSeconds}s`,
      kubeconfig: admin,
    })
    start('kube-scheduler', { kubeconfig: admin, 'leader-elect': 'false', 'secure-port': '0' })
    start('kwok', {
      kubeconfig: admin,
      'manage-all-nodes': 'true',
      'node-lease-duration-seconds': '0',
      cidr: '10.88.0.0/16',
      'node-ip': '10.87.0.1',
      config: new URL('kwok.yaml', import.meta.url).pathname,
      v: '4', // warnings and errors; it counts as slog does
      'server-address': `127.0.0.1:${await freePort()}`,
    })
  } catch (error) {
    await stop()
    throw error
  }

  return {
    url,
    ca: files.ca,
    adminToken: files.adminToken,
    clientConfig(user, groups) {
      const request = { commonName: user, organizations: groups, hosts: [], now: Date.now() }
      const leaf = issueLeaf({ authority: files.authority, usages: ['clientAuth'], ...request })
      return kubeconfig(url, files.ca, { certificate: leaf.certificate, key: leaf.key })
    },
    async restart(awayMs) {
      await running.get('kube-apiserver')?.stop('SIGTERM', 3_000)
      await new Promise((resolve) => setTimeout(resolve, awayMs))
      startServer()
      await whenUp()
    },
    lastLines,
    stop,
  }
}

function toArguments(flags: Record<string, string>): string[] {
  return Object.entries(flags).map(([name, value]) => `--${name}=${value}`)
}

interface Files {
  authority: ReturnType<typeof issueAuthority>
  ca: string
  caFile: string
  certFile: string
  keyFile: string
  accountKeyFile: string
  tokenFile: string
  adminToken: string
}

async function writeCredentials(folder: string): Promise<Files> {
  await mkdir(folder, { recursive: true })
  const write = async (name: string, text: string) => {
    const path = join(folder, name)
    await writeFile(path, text, { mode: 0o600 })
    return path
  }
  const now = Date.now()
  // One authority is enough for the server's certificate and for its clients'.
  const authority = issueAuthority({ commonName: 'test control plane', now })
  const hosts = ['127.0.0.1', 'localhost', 'kubernetes.default.svc']
  const leaf = issueLeaf({ authority, commonName: 'kube-apiserver', hosts, now })
  const accounts = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const adminToken = randomBytes(24).toString('hex')
  return {
    authority,
    ca: authority.certificate,
    caFile: await write('ca.crt', authority.certificate),
    certFile: await write('server.crt', leaf.certificate),
    keyFile: await write('server.key', leaf.key),
    accountKeyFile: await write(
      'accounts.key',
      accounts.privateKey.export({ type: 'sec1', format: 'pem' }).toString(),
    ),
    tokenFile: await write('tokens.csv', `${adminToken},admin,admin,"system:masters"\n`),
    adminToken,
  }
}

function serverFlags(files: Files, folder: string): Record<string, string> {
  return {
    'bind-address': '127.0.0.1',
    'advertise-address': '127.0.0.1',
    'endpoint-reconciler-type': 'none',
    'cert-dir': folder,
    'tls-cert-file': files.certFile,
    'tls-private-key-file': files.keyFile,
    'client-ca-file': files.caFile,
    'token-auth-file': files.tokenFile,
    'service-account-key-file': files.accountKeyFile,
    'service-account-signing-key-file': files.accountKeyFile,
    'service-account-issuer': 'https://kubernetes.default.svc',
    'service-cluster-ip-range': '10.96.0.0/16',
    'authorization-mode': 'Node,RBAC',
    'enable-admission-plugins': 'NodeRestriction',
    'allow-privileged': 'true',
  }
}

function controllerFlags(files: Files): Record<string, string> {
  return {
    'service-account-private-key-file': files.accountKeyFile,
    'root-ca-file': files.caFile,
    'use-service-account-credentials': 'true',
    'leader-elect': 'false',
    'secure-port': '0',
    'node-monitor-period': '2s',
    // Its own limit of 20 calls a second is for clusters that live longer than a test.
    'kube-api-qps': '500',
    'kube-api-burst': '1000',
  }
}

async function isReady(url: string, ca: string): Promise<boolean> {
  const { status } = await call({ port: Number(new URL(url).port), path: '/readyz', ca })
  return status === 200
}
