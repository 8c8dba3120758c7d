import { chmod, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { allRun, claims, deployment, liveMachines, nodeGroup, settled, workers } from '../demo/look.ts'
import { apply } from '../fixtures/apply.ts'
import { until } from '../fixtures/wait.ts'
import { kubectl, kubectlOutput } from './kubectl.ts'
import { runningWorld, workersGroup } from './world.ts'

const world = await runningWorld(t)
const { floor, signal, folder } = world
const json = (object: object) => ({ stdin: JSON.stringify(object) })
const inSystem = ['-n', 'kube-system']

t.test('applying the manifests again changes nothing, and leaves the certificates alone', async (t) => {
  const certificate = () =>
    kubectlOutput(floor, [
      'get',
      'secret',
      'vpsie-autoscaler-webhook-tls',
      ...inSystem,
      '-o',
      'jsonpath={.data}',
    ])
  const bundle = () =>
    kubectlOutput(floor, [
      'get',
      'validatingwebhookconfiguration',
      'vpsie-autoscaler-webhook',
      '-o',
      'jsonpath={.webhooks[*].clientConfig.caBundle}',
    ])
  const generations = () =>
    kubectlOutput(floor, [
      'get',
      '-k',
      join(folder, 'overlay'),
      '-o',
      'jsonpath={.items[*].metadata.generation}',
    ])
  const before = [await certificate(), await bundle(), await generations()]
  const lines = (await kubectlOutput(floor, ['apply', '-k', join(folder, 'overlay')])).trim().split('\n')
  t.same(
    // kubectl sends the selector of a budget again each time, and then says so; the object does not change by it.
    lines.filter((line) => !line.endsWith(' unchanged') && !line.startsWith('poddisruptionbudget')),
    [],
  )
  t.same(await generations(), before[2])
  t.same([await certificate(), await bundle()], before.slice(0, 2))
  t.match(before[1], /^\S+/, 'the authority is published')
})

t.test('a bad NodeGroup is denied with every mistake, its field and what would be right', async (t) => {
  const bad = workersGroup(
    {
      multiRegion: { enabled: true, datacenterIDs: ['dc-1', 'dc-2'] },
      disruption: {
        windows: [
          { schedule: '0 25 * * *', durationSeconds: 3600 },
          { schedule: '0 3 31 2 *', durationSeconds: 3600, timeZone: 'Mars/Olympus' },
        ],
      },
    },
    'bad',
  )
  const { code, stderr } = await kubectl(floor, ['create', '-f', '-'], json(bad))
  t.equal(code, 1)
  for (const part of [
    'The NodeGroup "bad" is invalid:',
    'spec.disruption.windows[0].schedule: Invalid value: "0 25 * * *"',
    'spec.disruption.windows[1].schedule: Invalid value: "0 3 31 2 *"',
    'spec.disruption.windows[1].timeZone: Invalid value: "Mars/Olympus"',
    'spec.multiRegion.enabled: Forbidden: managed workers are in the datacenter of their cluster',
  ])
    t.ok(stderr.includes(part), `${part} is in: ${stderr}`)
})

t.test('what the schema forbids is denied by the API server itself, every mistake at once', async (t) => {
  const several = workersGroup(
    {
      project: '',
      labels: { 'kubernetes.io/arch': 'amd64' },
      taints: [
        { key: 'team', effect: 'NoSchedule' },
        { key: 'team', effect: 'NoSchedule' },
      ],
    },
    'several',
  )
  const told = (await kubectl(floor, ['create', '-f', '-'], json(several))).stderr
  for (const part of [
    'spec.project: Invalid value',
    'spec.labels: Invalid value',
    'spec.taints[1]: Duplicate value',
  ])
    t.ok(told.includes(part), `${part} is in: ${told}`)
  const wrong = workersGroup({ minNodes: 5, maxNodes: 2, provisioner: 'cloud' }, 'wrong')
  const { code, stderr } = await kubectl(floor, ['create', '-f', '-'], json(wrong))
  t.equal(code, 1)
  t.match(stderr, /spec.provisioner: Unsupported value: "cloud"/)
  const contradictory = workersGroup({ minNodes: 5, maxNodes: 2 }, 'wrong')
  t.match(
    (await kubectl(floor, ['create', '-f', '-'], json(contradictory))).stderr,
    /minNodes must not be greater than maxNodes/,
  )
})

t.test('settings without effect draw warnings, and fields nobody knows an error', async (t) => {
  const group = workersGroup({ osImageID: 'ubuntu-22.04', notes: 'mine' }, 'warned')
  const { code, stderr } = await kubectl(floor, ['create', '--dry-run=server', '-f', '-'], json(group))
  t.equal(code, 0)
  t.match(stderr, /Warning: spec.osImageID has no effect/)
  t.match(stderr, /Warning: spec.notes has no effect/)
  const typo = workersGroup({ maxNode: 3 }, 'typo')
  t.match((await kubectl(floor, ['create', '-f', '-'], json(typo))).stderr, /unknown field "spec.maxNode"/)
  t.same(
    JSON.parse(await kubectlOutput(floor, ['get', 'ng', '-A', '-o', 'json'])).items,
    [],
    'a dry run stores nothing',
  )
})

t.test(
  'server-side apply creates, repeats without a conflict, and warns whoever takes a field of another',
  async (t) => {
    const applied = ['apply', '--server-side', '--field-manager=gitops', '-f', '-']
    t.match(await kubectlOutput(floor, applied, json(workersGroup())), /serverside-applied/)
    await until('the controller has seen it', () => nodeGroup(world).status?.observedGeneration, {}, signal)
    t.match(await kubectlOutput(floor, applied, json(workersGroup())), /serverside-applied/)
    const other = ['apply', '--server-side', '--field-manager=somebody', '-f', '-']
    const { code, stderr } = await kubectl(floor, other, json(workersGroup({ maxNodes: 9 })))
    t.equal(code, 1)
    t.match(stderr, /conflict with "gitops".*spec.maxNodes/s)
    t.equal(nodeGroup(world).spec.maxNodes, 10)
  },
)

t.test('machines are bought; get shows groups, machines and configuration in their columns', async (t) => {
  await apply(world.client, [deployment('web', 2, '1500m', '1Gi')], signal)
  await allRun(world, { web: 2 })
  await settled(world)
  const rows = async (kind: string) =>
    (await kubectlOutput(floor, ['get', kind, ...inSystem]))
      .trim()
      .split('\n')
      .map((line) => line.split(/\s{2,}/))
  const count = String(claims(world).length)
  await until(
    'its machines are counted',
    () => nodeGroup(world).status?.readyNodes === Number(count),
    {},
    signal,
  )
  const [heads, row = []] = await rows('ng')
  t.same(heads, ['NAME', 'MIN', 'MAX', 'DESIRED', 'CURRENT', 'READY', 'AGE'])
  t.same(row.slice(0, 6), ['workers', '0', '10', count, count, count])
  const [machineHeads, ...machines] = await rows('vn')
  t.same(machineHeads, ['NAME', 'VPS ID', 'NODE', 'PHASE', 'INSTANCE TYPE', 'NODEGROUP', 'AGE'])
  t.equal(machines.length, claims(world).length)
  for (const machine of machines)
    t.match(machine, [/^workers-/, /^\d+$/, /slave/, 'Ready', /small|medium|large/, 'workers'])
  const config = {
    apiVersion: 'autoscaler.vpsie.com/v1alpha1',
    kind: 'AutoscalerConfig',
    metadata: { name: 'default' },
    spec: { globalSettings: { maxClusterWorkers: 20 } },
  }
  await kubectlOutput(floor, ['apply', '-f', '-'], json(config))
  const [configHeads] = await rows('asc')
  t.same(configHeads, ['NAME', 'MAXWORKERS', 'MINNODES', 'MAXNODES', 'DYNAMICCREATION', 'ACTIVE', 'AGE'])
})

t.test('describe tells the conditions, the decision for each node, and the events', async (t) => {
  const text = await kubectlOutput(floor, ['describe', 'ng', 'workers', ...inSystem])
  for (const part of ['Conditions:', 'Type:', 'Ready', 'Last Decision:', 'Verdict:', 'Events:', 'ScaleUp'])
    t.ok(text.includes(part), `${part} is in the description`)
  const [pod = ''] = (
    await kubectlOutput(floor, ['get', 'pods', '-l', 'app=web', '-o', 'jsonpath={.items[*].metadata.name}'])
  ).split(' ')
  t.match(await kubectlOutput(floor, ['describe', 'pod', pod]), /TriggeredScaleUp.*gets a new node of size/)
  t.match(
    await kubectlOutput(floor, ['explain', 'ng.spec.drain.timeoutSeconds']),
    /FIELD: timeoutSeconds <integer>/,
  )
})

t.test('kubectl edit saves what is right, and gives what is wrong back with the reason', async (t) => {
  const editor = join(folder, 'editor.sh')
  const edit = async (expression: string) => {
    await writeFile(editor, `#!/bin/sh\nsed -i -e '${expression}' "$1"\n`)
    await chmod(editor, 0o755)
    return kubectl(floor, ['edit', 'ng', 'workers', ...inSystem], { env: { KUBE_EDITOR: editor } })
  }
  const right = await edit('s/maxNodes: 10/maxNodes: 8/')
  t.match(right, { code: 0, stdout: /nodegroup.autoscaler.vpsie.com\/workers edited/ })
  await until('the change is seen', () => nodeGroup(world).spec.maxNodes === 8, {}, signal)
  const wrong = await edit('s/project: project-1/project: ""/')
  t.equal(wrong.code, 1)
  t.match(wrong.stderr, /"workers" is invalid/)
  const [, kept = ''] = /stored to "([^"]+)"/.exec(wrong.stderr) ?? []
  t.match(await readFile(kept, 'utf8'), /# \* spec.project: Invalid value/, 'the reason is told in the file')
  await rm(kept)
  t.equal(nodeGroup(world).spec.project, 'project-1')
})

t.test(
  'labels, annotations and status can be written while every rule about the spec is silent',
  async (t) => {
    await kubectlOutput(floor, ['label', 'ng', 'workers', 'team=a', ...inSystem])
    await kubectlOutput(floor, ['annotate', 'ng', 'workers', 'note=b', ...inSystem])
    t.pass()
  },
)

t.test('a NodeGroup that is deleted takes its machines and Nodes along, and nothing else', async (t) => {
  const others = liveMachines(world).length - claims(world).length
  await kubectlOutput(floor, ['delete', 'deployment', 'web'])
  await kubectlOutput(floor, ['delete', 'ng', 'workers', ...inSystem, '--timeout=50s'])
  t.equal(claims(world).length, 0)
  t.equal(liveMachines(world).length, others)
  await until('its Nodes are gone', () => workers(world).length === 0, {}, signal)
  t.match(await kubectlOutput(floor, ['get', 'nodes']), /master/)
})
