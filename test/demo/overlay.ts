import { mkdir, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { stringify } from 'yaml'
import type { KubeObject } from '../../common/kube/objects.ts'
import { kustomize } from '../../manifests/kustomize.ts'

/**
 * Flags that make the programs quick enough for a story of two minutes. Users have the very same ones; every other
 * setting is as shipped.
 */
const quick: Readonly<Record<string, readonly string[]>> = {
  controller: [
    '--scan-interval=1s',
    '--node-sync-interval=500ms',
    '--orphan-check-interval=2s',
    '--lease-duration=5s',
    '--renew-deadline=3s',
    '--retry-period=500ms',
    '--report-interval=1s',
    '--cert-poll-interval=500ms',
    '--forget-after=2s',
    '--add-settle-time=6s',
    '--scale-down-delay-after-add=5s',
    '--vpsie-timeout=2s',
    '--vpsie-attempts=2',
    '--vpsie-retry-wait=100ms',
    '--vpsie-breaker-open=1s',
    '--vpsie-requests-per-minute=3000',
  ],
  webhook: ['--lame-duck=1s', '--cert-poll-interval=500ms'],
  agent: ['--sample-interval=500ms', '--report-interval=1s', '--inventory-interval=0'],
}

interface Workload extends KubeObject {
  spec: { template: { spec: { containers: { args?: string[] }[] } } }
}

/** The object with the short intervals of its program, as an overlay of the manifests would set them. */
export function withShortIntervals(object: KubeObject): KubeObject {
  const component = object.metadata.labels?.['app.kubernetes.io/component'] ?? ''
  const flags = isWorkload(object) ? quick[component] : undefined
  if (!flags || !isWorkload(object)) return object
  const copy = structuredClone(object)
  for (const container of copy.spec.template.spec.containers) {
    container.args = [...(container.args ?? []), ...flags]
  }
  return copy
}

/** Writes an overlay of manifests/base into `folder` for `kubectl apply -k`: the same short intervals. */
export async function writeOverlay(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  const patches = kustomize('base')
    .filter(isWorkload)
    .flatMap(({ kind, metadata }) => {
      const flags = quick[metadata.labels?.['app.kubernetes.io/component'] ?? ''] ?? []
      const operations = flags.map((value) => ({
        op: 'add',
        path: '/spec/template/spec/containers/0/args/-',
        value,
      }))
      return operations.length > 0
        ? [{ target: { kind, name: metadata.name }, patch: stringify(operations) }]
        : []
    })
  const base = new URL('../../manifests/base', import.meta.url).pathname
  const kustomization = {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    resources: [relative(folder, base)],
    patches,
  }
  await writeFile(join(folder, 'kustomization.yaml'), stringify(kustomization))
}

function isWorkload(object: KubeObject): object is Workload {
  return object.kind === 'Deployment' || object.kind === 'DaemonSet'
}
