import t from 'tap'
import type { Container, PodSpec } from '../../../common/kube/objects.ts'
import {
  podRequests,
  resourceNames,
  resourceSpace,
  timesIn,
  vectorOf,
} from '../../../controller/decide/resources.ts'

const asking = (cpu: string, over: Partial<Container> = {}): Container => ({
  name: 'c',
  resources: { requests: { cpu } },
  ...over,
})

const cases: { title: string; spec: PodSpec; cpu: number }[] = [
  { title: 'containers add up', spec: { containers: [asking('100m'), asking('250m')] }, cpu: 350 },
  {
    title: 'an init container counts where it needs more than all containers together',
    spec: { containers: [asking('100m')], initContainers: [asking('500m'), asking('300m')] },
    cpu: 500,
  },
  {
    title: 'a sidecar counts beside the containers',
    spec: { containers: [asking('100m')], initContainers: [asking('200m', { restartPolicy: 'Always' })] },
    cpu: 300,
  },
  {
    title: 'an init container runs beside the sidecars that started before it',
    spec: {
      containers: [asking('100m')],
      initContainers: [asking('200m', { restartPolicy: 'Always' }), asking('400m')],
    },
    cpu: 600,
  },
  {
    title: 'and not beside those that start after it',
    spec: {
      containers: [asking('100m')],
      initContainers: [asking('400m'), asking('200m', { restartPolicy: 'Always' })],
    },
    cpu: 400,
  },
  {
    title: 'overhead comes on top',
    spec: { containers: [asking('100m')], overhead: { cpu: '50m' } },
    cpu: 150,
  },
  {
    title: 'a limit without a request is one',
    spec: { containers: [{ name: 'c', resources: { limits: { cpu: '700m' } } }] },
    cpu: 700,
  },
  {
    title: 'what the pod itself requests goes before its containers',
    spec: { containers: [asking('100m'), asking('100m')], resources: { requests: { cpu: '1' } } },
    cpu: 1000,
  },
]

for (const { title, spec, cpu } of cases) {
  t.test(title, async (t) => {
    t.equal(podRequests(resourceSpace(resourceNames(spec)), spec, 'spec')[0], cpu)
  })
}

t.test('every pod takes one pod slot', async (t) => {
  const spec: PodSpec = { containers: [] }
  const space = resourceSpace(resourceNames(spec))
  t.equal(timesIn(podRequests(space, spec, 'spec'), vectorOf(space, { pods: '3' }, 'node')), 3)
})

t.test('a device that the node does not have fits no times', async (t) => {
  const spec: PodSpec = { containers: [{ name: 'c', resources: { limits: { 'example.com/gpu': 1 } } }] }
  const space = resourceSpace(resourceNames(spec))
  const node = vectorOf(space, { cpu: '4', pods: '10', 'other.com/gpu': '2' }, 'node')
  t.equal(timesIn(podRequests(space, spec, 'spec'), node), 0)
})

t.test('a quantity that is none is named with its path', async (t) => {
  const spec: PodSpec = { containers: [{ name: 'c', resources: { requests: { cpu: 'plenty' } } }] }
  const ask = () => podRequests(resourceSpace(resourceNames(spec)), spec, 'Pod default/a spec')
  t.throws(ask, /^Pod default\/a spec\.containers\[0\]\.resources\.requests\.cpu: .*"plenty"/)
})
