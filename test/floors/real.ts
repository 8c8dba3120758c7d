import { systemClock as clock } from '../../common/clock.ts'
import { connect } from '../../common/kube/connect.ts'
import type { KubeObject } from '../../common/kube/objects.ts'
import { type Binaries, findBinaries } from '../cluster/binaries.ts'
import { type ControlPlane, startControlPlane } from '../cluster/control-plane.ts'
import { startEgress } from '../cluster/egress.ts'
import { kubectlOutput } from '../cluster/kubectl.ts'
import { kubeconfig, kubeconfigFiles } from '../fixtures/kubeconfig.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { until } from '../fixtures/wait.ts'
import { accountOf, accountToken, type Floor, serviceAccounts } from './floor.ts'

/** A floor that a real kubectl can be used on. */
export interface KubectlFloor extends Floor {
  readonly binaries: Pick<Binaries, 'kubectl'>
}

/** A real control plane of our own as a floor. */
export interface RealFloor extends KubectlFloor {
  readonly binaries: Binaries
  /** Lets an address of a pod (`ip:port`) lead to one on loopback, as far as the API server's proxy goes there. */
  routePod(podAddress: string, address: string): () => void
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
  const folder = await temporaryFolder('vpsie-floor-')
  const egress = await startEgress(folder.path)
  let plane: ControlPlane | undefined
  const stop = async () => {
    await plane?.stop()
    await egress.stop()
    await folder.remove()
  }
  try {
    const options = { binaries, folder: folder.path, egressConfigFile: egress.configFile, nodeGraceSeconds }
    const started = await startControlPlane(options, signal)
    plane = started
    const { url, ca, adminToken } = started
    const write = kubeconfigFiles(folder.path)
    const adminKubeconfig = await write(kubeconfig(url, ca, { token: adminToken }))
    const admin = connect({ clock }, { kubeconfig: adminKubeconfig })
    const floor: RealFloor = {
      kind: 'real',
      leavesToKubelets: 'pods of our image',
      binaries,
      url,
      ca,
      adminToken,
      adminKubeconfig,
      async kubeconfigOf(username) {
        const account = accountOf(username)
        if (!account) return write(started.clientConfig(username, ['system:nodes']))
        const token = await accountToken(admin, account, signal)
        return write(kubeconfig(url, ca, { token }))
      },
      async route({ namespace, name, port }, address) {
        const service = await admin.get<Service>(services, { namespace, name }, signal)
        return egress.route(`${service.spec.clusterIP}:${port}`, address)
      },
      routePod: egress.route,
      async applyFolder(folder) {
        const output = await kubectlOutput(floor, ['apply', '-k', folder])
        return output.trim().split('\n')
      },
      restart: started.restart,
      lastLines: started.lastLines,
      stop,
    }
    await until(
      'pods can be made in the namespace default',
      () => admin.get(serviceAccounts, { namespace: 'default', name: 'default' }, signal),
      {},
      signal,
    )
    return floor
  } catch (error) {
    await stop()
    throw error
  }
}

interface Service extends KubeObject {
  spec: { clusterIP: string }
}

const services = { apiVersion: 'v1', kind: 'Service', plural: 'services', namespaced: true }
