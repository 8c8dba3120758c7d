import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock as clock } from '../../common/clock.ts'
import { connect } from '../../common/kube/connect.ts'
import type { KubeObject } from '../../common/kube/objects.ts'
import { createLogger } from '../../common/log.ts'
import { type Binaries, findBinaries } from '../cluster/binaries.ts'
import { startControlPlane } from '../cluster/control-plane.ts'
import { startEgress } from '../cluster/egress.ts'
import { kubectlOutput } from '../cluster/kubectl.ts'
import { kubeconfig } from '../fixtures/kubeconfig.ts'
import { entrust } from '../fixtures/reaper.ts'
import { until } from '../fixtures/wait.ts'
import { accountOf, accountToken, type Floor } from './floor.ts'

/** A floor that a real kubectl can be used on. */
export interface KubectlFloor extends Floor {
  readonly binaries: Pick<Binaries, 'kubectl'>
}

/** A real control plane of our own as a floor. */
export interface RealFloor extends KubectlFloor {
  readonly binaries: Binaries
}

export interface RealFloorOptions {
  /** How long a node may be silent until it counts as lost. Default 20. */
  nodeGraceSeconds?: number
}

/** No control plane can be had here; the message says what is missing. */
export class NoControlPlaneError extends Error {
  override readonly name = 'NoControlPlaneError'
}

/** Starts a real control plane; everything of it is in one temporary folder. Throws `NoControlPlaneError`. */
export async function openRealFloor(
  tell: (line: string) => void,
  signal: AbortSignal,
  { nodeGraceSeconds = 20 }: RealFloorOptions = {},
): Promise<RealFloor> {
  const binaries = await findBinaries(tell)
  if (typeof binaries === 'string') throw new NoControlPlaneError(binaries)
  const folder = await mkdtemp(join(tmpdir(), 'vpsie-floor-'))
  const release = entrust({ folder })
  const egress = await startEgress(folder)
  const removeAll = async () => {
    await egress.stop()
    await rm(folder, { recursive: true, force: true })
    release()
  }
  try {
    const options = { binaries, folder, egressConfigFile: egress.configFile, nodeGraceSeconds }
    const plane = await startControlPlane(options, signal)
    const files = kubeconfigFiles(folder)
    const adminKubeconfig = await files.write(kubeconfig(plane.url, plane.ca, { token: plane.adminToken }))
    const log = createLogger({ level: 'error', format: 'text', component: 'floor' })
    const admin = connect({ log, clock }, { kubeconfig: adminKubeconfig })
    const floor: RealFloor = {
      kind: 'real',
      leavesToKubelets: 'pods of our image',
      binaries,
      url: plane.url,
      ca: plane.ca,
      caFile: plane.caFile,
      adminToken: plane.adminToken,
      adminKubeconfig,
      async kubeconfigOf(username) {
        const account = accountOf(username)
        if (!account) return files.write(plane.clientConfig(username, ['system:nodes']))
        const token = await accountToken(admin, account, signal)
        return files.write(kubeconfig(plane.url, plane.ca, { token }))
      },
      async route({ namespace, name, port }, address) {
        const service = await admin.get<Service>(services, { namespace, name }, signal)
        return egress.route(`${service.spec.clusterIP}:${port}`, address)
      },
      async applyFolder(folder) {
        const output = await kubectlOutput(floor, ['apply', '-k', folder])
        return output.trim().split('\n')
      },
      restart: (awayMs) => plane.restart(awayMs),
      lastLines: () => plane.lastLines(),
      async stop() {
        await plane.stop()
        await removeAll()
      },
    }
    await until(
      'pods can be made in the namespace default',
      () => admin.get(accounts, { namespace: 'default', name: 'default' }, signal),
      {},
      signal,
    )
    return floor
  } catch (error) {
    await removeAll()
    throw error
  }
}

interface Service extends KubeObject {
  spec: { clusterIP: string }
}

const services = { apiVersion: 'v1', kind: 'Service', plural: 'services', namespaced: true }
const accounts = { apiVersion: 'v1', kind: 'ServiceAccount', plural: 'serviceaccounts', namespaced: true }

function kubeconfigFiles(folder: string) {
  let files = 0
  return {
    async write(text: string): Promise<string> {
      const path = join(folder, `kubeconfig-${++files}.yaml`)
      await writeFile(path, text, { mode: 0o600 })
      return path
    },
  }
}
