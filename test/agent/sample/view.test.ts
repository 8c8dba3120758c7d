import t from 'tap'
import { createViewCheck, imitatedFiles } from '../../../agent/sample/view.ts'

const plain = `1130 1013 0:104 / / rw,relatime master:388 - overlay overlay rw,lowerdir=/a
1131 1130 0:107 / /proc rw,nosuid,nodev,noexec,relatime - proc proc rw
1150 1131 0:107 /bus /proc/bus ro,nosuid,nodev,noexec,relatime - proc proc rw
1155 1131 0:108 / /proc/timer_list rw,nosuid - tmpfs tmpfs rw,size=65536k
`
const lxcfs = (point: string) =>
  `1140 1131 0:52 /proc/x ${point} rw,nosuid,nodev,relatime master:20 - fuse.lxcfs lxcfs rw,user_id=0\n`

const cases = [
  { title: 'an ordinary container shows the machine', text: plain, want: [] },
  {
    title: 'files that lxcfs stands in for are found',
    text: plain + lxcfs('/proc/stat') + lxcfs('/proc/meminfo'),
    want: ['stat', 'meminfo'],
  },
  {
    title: 'pressure may be imitated as a folder',
    text: plain + lxcfs('/proc/pressure'),
    want: ['pressure'],
  },
  {
    title: 'what is not sampled does not matter',
    text: plain + lxcfs('/proc/cpuinfo') + lxcfs('/var/lib/lxcfs'),
    want: [],
  },
  { title: 'another folder is not meant', text: plain + lxcfs('/host/proc/stat'), want: [] },
]
for (const { title, text, want } of cases) {
  t.test(title, async (t) => t.same(imitatedFiles(text, '/proc'), want))
}

t.test('a folder that is told otherwise is looked at there', async (t) => {
  t.same(imitatedFiles(lxcfs('/host/proc/stat'), '/host/proc/'), ['stat'])
})

t.test('an imitated file is told each time, a good view is looked at once', async (t) => {
  let text = plain + lxcfs('/proc/stat')
  let looks = 0
  const check = createViewCheck('/proc', async () => {
    looks++
    return text
  })
  const message = "/proc/stat: must be the kernel's own: it is mounted from lxcfs"
  await t.rejects(check(), { name: 'InputError', message })
  await t.rejects(check(), { name: 'InputError', message })
  text = plain
  await check()
  await check()
  t.equal(looks, 3)
})

t.test('this machine can be asked', async (t) => t.resolves(createViewCheck('/nowhere')()))
