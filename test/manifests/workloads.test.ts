import t from 'tap'
import { manifestFile, manifestFolder } from '../fixtures/manifests.ts'
import { workloads } from '../fixtures/workloads.ts'

const all = workloads()
const long = all.filter(({ kind }) => kind === 'Deployment' || kind === 'DaemonSet')

t.test('each program has its workload', async (t) => {
  t.same(all.map(({ kind, name }) => `${kind} ${name}`).sort(), [
    'CronJob vpsie-autoscaler-certs',
    'DaemonSet vpsie-autoscaler-agent',
    'Deployment vpsie-autoscaler-controller',
    'Deployment vpsie-autoscaler-webhook',
    'Job vpsie-autoscaler-certs-init',
  ])
})

for (const { kind, name, template } of all) {
  t.test(`${kind} ${name} keeps the restricted profile of pod security`, async (t) => {
    const { spec } = template
    t.match(spec.securityContext, { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } })
    t.notOk(spec.hostNetwork ?? spec.hostPID ?? spec.hostIPC)
    for (const volume of spec.volumes ?? []) t.match(Object.keys(volume).join(), /^name,(secret|projected)$/)
    for (const container of spec.containers) {
      t.same(container.securityContext, {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      })
      t.ok(
        container.resources.requests.cpu &&
          container.resources.requests.memory &&
          container.resources.limits.memory,
      )
      t.notOk(container.resources.limits.cpu, 'a CPU limit would throttle when it matters')
    }
  })

  t.test(`${kind} ${name} leaves the heap below the memory limit`, async (t) => {
    for (const { command = [], env = [], resources } of template.spec.containers) {
      const flags = [...command, env.find((entry) => entry.name === 'NODE_OPTIONS')?.value ?? ''].join(' ')
      const [heap, most] = /--max-old-space-size=(\d+)/.exec(flags) ?? []
      if (heap) t.ok(Number(most) <= mebibytes(resources.limits.memory ?? '') * 0.8, heap)
    }
  })

  t.test(`${kind} ${name} can start where only the control plane takes pods`, async (t) => {
    const keys = (template.spec.tolerations as { key?: string; operator: string }[]).map(({ key }) => key)
    t.ok(keys.includes('node-role.kubernetes.io/control-plane') || keys.includes(undefined))
    t.match(template.spec.priorityClassName, /^system-(cluster|node)-critical$/)
  })
}

for (const { kind, name, template } of long) {
  t.test(`${kind} ${name} is probed, and scraped, on ports it has`, async (t) => {
    const [container] = template.spec.containers
    const ports = new Map(container?.ports?.map((port) => [port.name, port.containerPort]))
    t.equal(container?.livenessProbe?.httpGet.path, '/healthz')
    t.equal(container?.readinessProbe?.httpGet.path, '/readyz')
    t.ok(ports.has(String(container?.livenessProbe?.httpGet.port)))
    t.ok(ports.has(String(container?.readinessProbe?.httpGet.port)))
    t.equal(template.metadata.annotations?.['prometheus.io/scrape'], 'true')
    t.ok([...ports.values()].includes(Number(template.metadata.annotations?.['prometheus.io/port'])))
    for (const port of container?.args.filter((arg) => /=:\d+$/.test(arg)) ?? []) {
      t.ok([...ports.values()].includes(Number(port.split('=:')[1])), `${port} is a port of the container`)
    }
  })
}

t.test('the Deployments run twice, apart where that is possible, and one may leave at a time', async (t) => {
  const budgets = manifestFolder('base').filter(({ kind }) => kind === 'PodDisruptionBudget')
  for (const { name, object, template } of all.filter(({ kind }) => kind === 'Deployment')) {
    t.equal((object.spec as { replicas: number }).replicas, 2)
    t.match(template.spec.topologySpreadConstraints, [{ topologyKey: 'kubernetes.io/hostname' }])
    const budget = budgets.find(({ metadata }) => metadata.name === name)
    t.match(budget?.spec, { maxUnavailable: 1, selector: { matchLabels: template.metadata.labels } })
  }
})

t.test('every Service finds the pods and the ports of its Deployment', async (t) => {
  const services = manifestFolder('base').filter(({ kind }) => kind === 'Service')
  t.equal(services.length, 2)
  for (const { metadata, spec } of services as unknown as ServiceManifest[]) {
    const template = all.find(({ name }) => name === metadata.name)?.template
    t.match(template?.metadata.labels, spec.selector)
    const names = template?.spec.containers[0]?.ports?.map(({ name }) => name)
    for (const { targetPort } of spec.ports) t.ok(names?.includes(targetPort))
  }
})

interface ServiceManifest {
  metadata: { name: string }
  spec: { selector: Record<string, string>; ports: { port: number; targetPort: string }[] }
}

t.test(
  'the agents find every replica of the controller, ready or not, under the name they are given',
  async (t) => {
    const [, service] = manifestFile('base/controller.yaml').filter(({ kind }) =>
      /Service$|^Deployment$/.test(kind),
    )
    t.match(service?.spec, { clusterIP: 'None', publishNotReadyAddresses: true, ports: [{ port: 8443 }] })
    const agent = all.find(({ name }) => name === 'vpsie-autoscaler-agent')?.template.spec.containers[0]
    t.ok(agent?.args.includes(`--controller-url=https://${service?.metadata.name}.kube-system.svc:8443`))
  },
)

t.test(
  'an agent is on every node of Linux, mounts nothing of it, and is renewed a tenth at a time',
  async (t) => {
    const agent = all.find(({ kind }) => kind === 'DaemonSet')
    t.match(agent?.object.spec, { updateStrategy: { rollingUpdate: { maxUnavailable: '10%' } } })
    t.same(agent?.template.spec.tolerations, [{ operator: 'Exists' }])
    t.same(agent?.template.spec.nodeSelector, { 'kubernetes.io/os': 'linux' })
    t.same(
      agent?.template.spec.volumes?.flatMap((volume) => Object.keys(volume)),
      ['name', 'projected'],
    )
  },
)

t.test('an agent has a token for the controller alone, and none for the API server', async (t) => {
  const spec = all.find(({ kind }) => kind === 'DaemonSet')?.template.spec
  t.equal(spec?.automountServiceAccountToken, false)
  t.match(spec?.volumes, [
    { projected: { sources: [{ serviceAccountToken: { audience: 'vpsie-autoscaler' } }] } },
  ])
})

t.test('every program runs from the one image that the kustomization names', async (t) => {
  const [kustomization] = manifestFile('base/kustomization.yaml')
  const names = (kustomization?.images as { name: string }[] | undefined)?.map(({ name }) => name)
  t.same(
    [...new Set(all.flatMap(({ template }) => template.spec.containers.map(({ image }) => image)))],
    names,
  )
})

t.test('the kustomization names every file of its folder', async (t) => {
  const [kustomization] = manifestFile('base/kustomization.yaml')
  const files = [...new Set(manifestFolder('base').map(({ file }) => file.replace('base/', '')))]
  t.same(new Set(kustomization?.resources as string[]), new Set(['../crds', ...files]))
})

function mebibytes(quantity: string): number {
  const [, number, unit] = /^(\d+)(Mi|Gi)$/.exec(quantity) ?? []
  return Number(number) * (unit === 'Gi' ? 1024 : 1)
}
