import type { PodSpec } from '../../../common/kube/objects.ts'

/** A port of the host that a container wants for itself. */
export interface HostPort {
  port: number
  protocol: string
  /** Empty: on all addresses. */
  address: string
}

/** The host ports of a pod, sidecars' included. */
export function hostPorts(spec: PodSpec): HostPort[] {
  const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always')
  return [...sidecars, ...spec.containers].flatMap(({ ports = [] }) =>
    ports
      // The API server sets hostPort on the host's network, where every port is one of the host.
      .map((entry) => ({
        ...entry,
        hostPort: entry.hostPort ?? (spec.hostNetwork ? entry.containerPort : 0),
      }))
      .filter(({ hostPort }) => hostPort)
      .map(({ hostPort = 0, protocol = 'TCP', hostIP = '' }) => ({
        port: hostPort,
        protocol,
        address: hostIP === '0.0.0.0' ? '' : hostIP,
      })),
  )
}

/** True if both cannot be had on one node. */
export function collide(a: HostPort, b: HostPort): boolean {
  if (a.port !== b.port || a.protocol !== b.protocol) return false
  return a.address === '' || b.address === '' || a.address === b.address
}
