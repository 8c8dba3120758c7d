import t, { type Test } from 'tap'
import { TerminalError, TransientError } from '../../../common/errors.ts'
import type { Pod } from '../../../common/kube/objects.ts'
import { resources } from '../../../common/kube/resources.ts'
import { drain } from '../../../controller/nodes/drain.ts'
import { type VirtualClock, virtualClock } from '../../fixtures/clock.ts'
import { controllerDeps } from '../../fixtures/controller.ts'
import { storeOfOurs } from '../../fixtures/kube-client.ts'
import { boundPod, ownerReference } from '../../fixtures/objects.ts'

/** A node whose pods stop as soon as they are evicted; `refuse` may throw instead of an eviction. */
function node(t: Test, pods: Pod[], refuse: (name: string, now: number) => void = () => undefined) {
  const clock = virtualClock()
  const store = storeOfOurs({ clock })
  for (const pod of pods) store.create(resources.pods, pod)
  const evicted: string[] = []
  const graces: (number | undefined)[] = []
  const base = controllerDeps(t, store, { clock })
  const client: typeof base.client = {
    ...base.client,
    async evict({ name, namespace = 'default', gracePeriodSeconds }) {
      refuse(name, clock.now())
      evicted.push(name)
      graces.push(gracePeriodSeconds)
      store.delete(resources.pods, { name, namespace }, { gracePeriodSeconds: 0 })
    },
  }
  return { clock, store, evicted, graces, deps: { ...base, client } }
}

async function settled<T>(clock: VirtualClock, work: Promise<T>): Promise<T> {
  let isOver = false
  const watched = work.finally(() => {
    isOver = true
  })
  while (!isOver) await clock.advance(1000)
  return watched
}

const options = { maxPodGracePeriodSeconds: 60 }
const on = (name: string, over: Parameters<typeof boundPod>[2] = {}) => boundPod(name, 'node-1', over)
const run = ({ clock, deps }: ReturnType<typeof node>, limitMs = 600_000) =>
  settled(clock, drain(deps, 'node-1', options, clock.timeout(limitMs)))

t.test('ordinary pods go first, then those that tolerate everything, then critical ones', async (t) => {
  const critical = on('critical', { spec: { priority: 2_000_000_000 } })
  const tolerant = on('tolerant', { spec: { tolerations: [{ operator: 'Exists' }] } })
  const world = node(t, [critical, tolerant, on('app')])
  t.strictSame(await run(world), { evicted: 3, blocked: [] })
  t.strictSame(world.evicted, ['app', 'tolerant', 'critical'])
})

t.test('mirror pods, finished pods and those of a DaemonSet stay', async (t) => {
  const mirror = on('mirror', { metadata: { annotations: { 'kubernetes.io/config.mirror': 'x' } } })
  const daemon = on('daemon', {
    metadata: { ownerReferences: [ownerReference({ kind: 'DaemonSet', name: 'net' })] },
  })
  const world = node(t, [mirror, daemon, on('done', { status: { phase: 'Succeeded' } })])
  t.strictSame(await run(world), { evicted: 0, blocked: [] })
})

t.test('a pod keeps its own grace up to the cap', async (t) => {
  const world = node(t, [
    on('short', { spec: { terminationGracePeriodSeconds: 5 } }),
    on('long', { spec: { terminationGracePeriodSeconds: 3600 } }),
  ])
  await run(world)
  t.strictSame(Object.fromEntries(world.evicted.map((name, i) => [name, world.graces[i]])), {
    short: undefined,
    long: 60,
  })
})

t.test('a pod that arrives during the drain is evicted, too', async (t) => {
  const world = node(t, [on('app')], (name) => {
    if (name === 'app') world.store.create(resources.pods, on('late'))
  })
  t.strictSame(await run(world), { evicted: 2, blocked: [] })
})

t.test('a refusal is asked again without giving up, and holds up no other pod', async (t) => {
  const evictedAt = new Map<string, number>()
  const pods = ['a', 'b', 'c'].map((name) => on(name))
  const world = node(t, pods, (name, now) => {
    if (name === 'a' && now < world.clock.now() + 1 && world.clock.monotonic() < 120_000)
      throw new TransientError('a PodDisruptionBudget', { code: 'Throttled', outcome: 'notSent' })
    evictedAt.set(name, world.clock.monotonic())
  })
  t.strictSame(await run(world), { evicted: 3, blocked: [] })
  t.equal(evictedAt.get('c'), 0)
  t.ok((evictedAt.get('a') ?? 0) >= 120_000)
})

t.test('a drain that ends with its time tells what was left', async (t) => {
  const world = node(t, [on('a'), on('b')], (name) => {
    if (name === 'a')
      throw new TransientError('a PodDisruptionBudget', { code: 'Throttled', outcome: 'notSent' })
  })
  t.strictSame(await run(world, 30_000), {
    evicted: 1,
    blocked: [{ pod: 'default/a', reason: 'a PodDisruptionBudget' }],
  })
})

t.test('what cannot be evicted at all ends the drain at once', async (t) => {
  const world = node(t, [on('a')], () => {
    throw new TerminalError('not allowed', { code: 'Forbidden' })
  })
  t.match(await run(world), { blocked: [{ pod: 'default/a', reason: 'not allowed' }] })
  t.ok(world.clock.monotonic() < 5000)
})
