import t from 'tap'
import { rotateUnderLoad } from '../checks/rotation.ts'
import { kubectl, kubectlOutput } from './kubectl.ts'
import { runningWorld, workersGroup } from './world.ts'

const lateMs = () => Math.random() * 1_500
const world = await runningWorld(t, { mountDelayMs: lateMs })
const { floor, signal } = world

t.test('three rotations of the authority refuse no write of kubectl and no report', async (t) => {
  let number = 0
  const admit = async () => {
    const group = workersGroup({}, `tried-${++number % 10}`)
    const { code, stderr } = await kubectl(floor, ['apply', '-f', '-'], { stdin: JSON.stringify(group) })
    if (code !== 0) throw new Error(stderr)
  }
  const load = { rotations: 3, admit, parallel: 2, bundleDelayMs: lateMs }
  const result = await rotateUnderLoad(world, load, (line) => t.comment(line), signal)
  t.comment(JSON.stringify(result))
  t.match(result, { rotations: 3, rejected: 0, refusedReports: 0 })
  t.ok(result.admissions > 20 && result.reports > 100, 'there was a load')
})

t.test(
  'the API server itself counts no failed call of a webhook, and none that was let through',
  async (t) => {
    const metrics = await kubectlOutput(floor, ['get', '--raw', '/metrics'])
    const failed = metrics
      .split('\n')
      .filter((line) => /^apiserver_admission_webhook_(rejection_count|fail_open_count)\{/.test(line))
      .filter((line) => line.includes('autoscaler.vpsie.com') && !line.includes('error_type="no_error"'))
    // Before the first certificates were there, the Nodes of the control plane had registered without us.
    t.same(
      failed.filter((line) => !line.includes('nodes.autoscaler.vpsie.com')),
      [],
    )
  },
)

t.test('the rotation is told in events, and the status as a table', async (t) => {
  const events = await kubectlOutput(floor, ['get', 'events', '-n', 'kube-system', '-o', 'json'])
  const reasons = new Set(JSON.parse(events).items.map(({ reason }: { reason: string }) => reason))
  t.ok(reasons.has('Rotation'))
  t.ok(reasons.has('CertificateIssued'))
})
