import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer, request } from 'node:http'
import { join } from 'node:path'
import t from 'tap'
import { parse, stringify } from 'yaml'
import { resources } from '../../common/kube/resources.ts'
import { allRun, deployment, settled, workers } from '../demo/look.ts'
import { isOurs } from '../demo/programs.ts'
import { apply } from '../fixtures/apply.ts'
import { call } from '../fixtures/http.ts'
import { freePort } from '../fixtures/ports.ts'
import { startProcess } from '../fixtures/process.ts'
import { until } from '../fixtures/wait.ts'
import { isPodReady } from '../simulators/kubernetes/controllers/deployments.ts'
import { kubectlOutput } from './kubectl.ts'
import { type ClusterWorld, runningWorld, workersGroup } from './world.ts'

const monitoring = new URL('../../manifests/monitoring/', import.meta.url).pathname
const promtool = '/usr/bin/promtool'

if (!existsSync(promtool)) {
  if (process.env.CI) throw new Error('Prometheus is not installed: apt-get install prometheus')
  t.plan(0, 'Prometheus is not installed: apt-get install prometheus')
} else await scrape()

async function scrape(): Promise<void> {
  const world = await runningWorld(t)
  const { floor, folder, signal, programs, view } = world

  t.test('the rules are right', async (t) => {
    t.match(await check(['check', 'rules', `${monitoring}rules.yaml`]), { code: 0 })
    const { code, output } = await check(['test', 'rules', `${monitoring}rules.test.yaml`])
    t.equal(code, 0, output)
  })

  t.test('every program tells its metrics as Prometheus wants them', async (t) => {
    for (const component of ['controller', 'webhook', 'agent'] as const) {
      for (const { ports } of programs.list(component)) {
        const { body } = await call({ port: ports.metrics ?? ports.health ?? 0, path: '/metrics' })
        const { code, output } = await check(['check', 'metrics'], body)
        t.equal(code, 0, `${component}: ${output}`)
      }
    }
  })

  t.test('Prometheus finds every pod by the settings we document, and has their series', async (t) => {
    const group = { stdin: JSON.stringify(workersGroup()) }
    await kubectlOutput(floor, ['apply', '-f', '-'], group)
    await apply(world.client, [deployment('web', 2, '1500m', '1Gi')], signal)
    await allRun(world, { web: 2 })
    await settled(world)
    const agents = workers(world).length + 1
    const ours = () => view.list(resources.pods).filter((pod) => isOurs(pod) && isPodReady(pod))
    await until('all our pods are ready', () => ours().length === agents + 4, {}, signal)

    const proxy = await startProxy(world)
    t.teardown(() => proxy.stop())
    const [documented] = parse(await readFile(`${monitoring}scrape.yaml`, 'utf8'))
    const { kubernetes_sd_configs: discovery, ...settings } = documented
    const targets = join(folder, 'targets.json')
    await writeFile(targets, JSON.stringify(discover(world, discovery[0])))
    const config = join(folder, 'prometheus.yaml')
    const here = {
      ...settings,
      scrape_interval: '1s',
      proxy_url: `http://127.0.0.1:${proxy.port}`,
      file_sd_configs: [{ files: [targets] }],
    }
    await writeFile(config, stringify({ rule_files: [`${monitoring}rules.yaml`], scrape_configs: [here] }))
    t.match(await check(['check', 'config', config]), { code: 0 })

    const port = await freePort()
    const prometheus = startProcess(
      '/usr/bin/prometheus',
      [
        `--config.file=${config}`,
        `--storage.tsdb.path=${join(folder, 'prometheus')}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      'prometheus',
    )
    t.teardown(() => prometheus.stop())
    const query = async (expression: string): Promise<number[]> => {
      const path = `/api/v1/query?query=${encodeURIComponent(expression)}`
      const { data } = JSON.parse((await call({ port, path })).body)
      return data.result.map(({ value }: { value: [number, string] }) => Number(value[1]))
    }
    const wanted: [string, (values: number[]) => boolean][] = [
      ['up{job="vpsie-autoscaler"} == 1', (values) => values.length === agents + 4],
      ['count by (component) (up{component="agent"} == 1)', ([count]) => count === agents],
      ['sum(vpsie_autoscaler_leader)', ([leaders]) => leaders === 1],
      ['max(vpsie_autoscaler_nodegroup_ready_nodes{nodegroup="workers"})', ([nodes = 0]) => nodes >= 1],
      ['sum(vpsie_autoscaler_scale_up_total)', ([growths = 0]) => growths >= 1],
      ['max(vpsie_autoscaler_agents{freshness="fresh"})', ([fresh]) => fresh === agents],
      ['sum(vpsie_autoscaler_webhook_requests_total{verdict="allowed"})', ([reviews = 0]) => reviews >= 1],
      [
        'min(vpsie_autoscaler_webhook_tls_certificate_not_after_seconds) - time()',
        ([left = 0]) => left > 86_400,
      ],
      ['sum(vpsie_autoscaler_agent_samples_total)', ([samples = 0]) => samples > 0],
      ['count(process_resident_memory_bytes{component="agent"})', ([count]) => count === agents],
      ['sum(vpsie_autoscaler_vpsie_api_requests_total)', ([calls = 0]) => calls > 0],
    ]
    for (const [expression, holds] of wanted) {
      let seen: number[] = []
      const found = async () => {
        seen = await query(expression)
        return holds(seen)
      }
      await until(expression, found, { seen: () => `${seen}; ${prometheus.lines.slice(-2)}` }, signal)
      t.pass(expression)
    }
    const rules = JSON.parse((await call({ port, path: '/api/v1/rules' })).body).data.groups[0].rules
    t.ok(rules.length > 0)
    for (const { name, health, lastError } of rules) t.not(health, 'err', `${name} ${lastError ?? ''}`)
  })
}

interface Discovery {
  namespaces: { names: string[] }
  selectors: { label: string }[]
}

/**
 * What Prometheus discovers with `role: pod`: a target for each port of each pod, with the labels its documentation
 * names. Debian builds Prometheus without the discovery of Kubernetes; all that follows it is as documented.
 */
function discover({ view }: ClusterWorld, { namespaces, selectors }: Discovery): object[] {
  const [key = '', value] = selectors[0]?.label.split('=') ?? []
  const metaName = (name: string) => name.replaceAll(/[^a-zA-Z0-9_]/g, '_')
  const prefixed = (prefix: string, map: Record<string, string> = {}) =>
    Object.fromEntries(Object.entries(map).map(([name, value]) => [`${prefix}${metaName(name)}`, value]))
  return view
    .list(resources.pods)
    .filter(
      ({ metadata }) =>
        namespaces.names.includes(metadata.namespace ?? '') && metadata.labels?.[key] === value,
    )
    .flatMap(({ metadata, spec, status }) =>
      (spec.containers[0]?.ports ?? []).map(({ containerPort }) => ({
        targets: [`${status?.podIP}:${containerPort}`],
        labels: {
          __meta_kubernetes_namespace: metadata.namespace ?? '',
          __meta_kubernetes_pod_name: metadata.name,
          __meta_kubernetes_pod_ip: status?.podIP ?? '',
          __meta_kubernetes_pod_node_name: spec.nodeName ?? '',
          ...prefixed('__meta_kubernetes_pod_annotation_', metadata.annotations),
          ...prefixed('__meta_kubernetes_pod_label_', metadata.labels),
        },
      })),
    )
}

/** Runs promtool; what it says is one text. */
function check(args: string[], stdin = ''): Promise<{ code: number; output: string }> {
  const { promise, resolve } = Promise.withResolvers<{ code: number; output: string }>()
  const child = execFile(promtool, args, (error, stdout, stderr) => {
    const code = typeof error?.code === 'number' ? error.code : error ? 1 : 0
    resolve({ code, output: `${stdout}${stderr}` })
  })
  child.stdin?.end(stdin)
  return promise
}

/** The network of the pods: a proxy that leads the address of a pod's port to where its process listens. */
async function startProxy({ programs }: ClusterWorld): Promise<{ port: number; stop(): Promise<void> }> {
  const portOf = (host: string, port: number) => {
    const all = (['controller', 'webhook', 'agent'] as const).flatMap((component) => programs.list(component))
    const found = all.find(({ podIP }) => podIP === host)
    const [container] = found?.pod.spec.containers ?? []
    const declared = (container?.ports ?? []) as { name?: string; containerPort?: number }[]
    const name = declared.find(({ containerPort }) => containerPort === port)?.name
    return name === undefined ? undefined : found?.ports[name]
  }
  const server = createServer((incoming, response) => {
    const { hostname, port, pathname } = new URL(incoming.url ?? '/', 'http://nowhere')
    const target = portOf(hostname, Number(port))
    if (target === undefined) return void response.writeHead(502).end()
    const onward = request({ host: '127.0.0.1', port: target, path: pathname, headers: incoming.headers })
    onward.on('response', (reply) => {
      response.writeHead(reply.statusCode ?? 502, reply.headers)
      reply.pipe(response)
    })
    onward.on('error', () => response.destroy()) // the program has just ended: a failed scrape, as in a cluster
    onward.end()
  })
  const port = await freePort()
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return {
    port,
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}
