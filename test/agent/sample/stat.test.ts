import t from 'tap'
import { parseStat } from '../../../agent/sample/stat.ts'

const cases = [
  {
    title: 'guest time is not counted twice',
    text: 'cpu  100 10 20 300 5 1 2 7 60 4\ncpu0 100 10 20 300 5 1 2 7 60 4\n',
    want: { busy: 133, idle: 300, iowait: 5, steal: 7, cores: 1 },
  },
  {
    title: 'fields that old kernels and sandboxes leave out are 0',
    text: 'cpu  100 10 20 300\ncpu0 50 5 10 150\ncpu1 50 5 10 150\n',
    want: { busy: 130, idle: 300, iowait: 0, steal: 0, cores: 2 },
  },
  {
    title: 'fields of kernels to come are ignored',
    text: 'cpu  1 1 1 1 1 1 1 1 1 1 99 99\ncpu0 1 1 1 1 1 1 1 1 1 1 99 99\n',
    want: { busy: 5, idle: 1, iowait: 1, steal: 1, cores: 1 },
  },
  {
    title: 'CPUs that are offline have no line and are not counted',
    text: 'cpu  1 0 0 1\ncpu0 1 0 0 1\ncpu3 0 0 0 0\nintr 5\n',
    want: { busy: 1, idle: 1, iowait: 0, steal: 0, cores: 2 },
  },
]

for (const { title, text, want } of cases) {
  t.test(title, async (t) => t.same(parseStat(text), want))
}

const malformed = [
  { text: '', message: 'stat: must have a line "cpu …" of all CPUs together' },
  { text: 'cpu0 1 2 3 4\n', message: 'stat: must have a line "cpu …" of all CPUs together' },
  { text: 'cpu  1 2 3 4\nintr 0\n', message: 'stat: must have a line "cpuN …" for each CPU' },
  {
    text: 'cpu  1 2 3\ncpu0 1 2 3\n',
    message: 'stat:1: must be "cpu" and at least 4 whole numbers: it is "cpu  1 2 3"',
  },
  {
    text: '\ncpu  1 -2 3 4\ncpu0 1 2 3 4\n',
    message: 'stat:2: must be "cpu" and at least 4 whole numbers: it is "cpu  1 -2 3 4"',
  },
  {
    text: 'cpu  1 2 3 x\ncpu0 1 2 3 4\n',
    message: 'stat:1: must be "cpu" and at least 4 whole numbers: it is "cpu  1 2 3 x"',
  },
]

for (const { text, message } of malformed) {
  t.test(`${JSON.stringify(text)} is told by its line`, async (t) => {
    t.throws(() => parseStat(text), { name: 'InputError', message })
  })
}
