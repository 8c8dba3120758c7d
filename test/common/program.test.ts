import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const script = fileURLToPath(new URL('../fixtures/program.ts', import.meta.url))

interface Outcome {
  code: number | null
  stdout: string
  stderr: string
  lines: Record<string, unknown>[]
}

/** Runs the sample program; `signals` are sent one after the other, each after its line was seen. */
async function run(
  args: string[],
  options: { env?: Record<string, string>; signals?: [string, NodeJS.Signals][] } = {},
) {
  const child = spawn(process.execPath, [script, ...args], { env: { ...options.env } })
  const output = { stdout: '', stderr: '' }
  const signals = [...(options.signals ?? [])]
  child.stdout.on('data', (chunk) => {
    output.stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    output.stderr += chunk
    const [next] = signals
    if (next && output.stderr.includes(`"${next[0]}"`)) child.kill(signals.shift()?.[1])
  })
  const { promise, resolve } = Promise.withResolvers<number | null>()
  child.on('close', (code) => resolve(code))
  const code = await promise
  const lines = output.stderr.split('\n').filter((line) => line.startsWith('{'))
  return { code, ...output, lines: lines.map((line) => JSON.parse(line)) } satisfies Outcome
}

t.jobs = 2

t.test('a program that is done exits with 0, whatever timer it forgot', async (t) => {
  const { code, lines } = await run(['--mode', 'linger'])
  t.equal(code, 0)
  t.match(lines, [{ message: 'running', component: 'sample', mode: 'linger', metrics: true }])
})

t.test('main may give the exit code', async (t) => {
  t.equal((await run(['--mode', 'code'])).code, 3)
})

t.test('a failing main is logged and exits with 1', async (t) => {
  const { code, lines } = await run(['--mode=fail'])
  t.equal(code, 1)
  t.match(lines.at(-1), { level: 'error', message: 'failed', error: { message: 'main failed' } })
})

for (const [signal, second] of [
  ['SIGTERM', 143],
  ['SIGINT', 130],
] as const) {
  t.test(`${signal} stops main by its signal, and the exit is 0`, async (t) => {
    const { code, lines } = await run(['--mode=wait'], { signals: [['running', signal]] })
    t.equal(code, 0)
    t.match(lines.at(-1), { message: 'stopping', signal })
  })
  t.test(`a second ${signal} ends a program that does not stop with ${second}`, async (t) => {
    const signals: [string, NodeJS.Signals][] = [
      ['running', signal],
      ['stopping', signal],
    ]
    t.equal((await run(['--mode=deaf'], { signals })).code, second)
  })
}

for (const mode of ['reject', 'throw']) {
  t.test(`what nobody catches (${mode}) is logged and exits with 1`, async (t) => {
    const { code, lines } = await run([`--mode=${mode}`])
    t.equal(code, 1)
    t.match(lines.at(-1), { message: 'uncaught error' })
  })
}

t.test('all mistakes of the command line are on standard error, and the exit is 2', async (t) => {
  const { code, stderr } = await run(['--mode=x', '--port=0', '--unknown'])
  t.equal(code, 2)
  t.match(stderr, /unknown option "--unknown"/)
  t.match(stderr, /--mode: must be one of/)
  t.match(stderr, /--port: must be 1 to 65535/)
})

t.test('options that exclude each other exit with 2', async (t) => {
  const { code, stderr } = await run(['--mode=code', '--port=2'])
  t.equal(code, 2)
  t.equal(stderr, '--mode=code and --port=2 exclude each other\n')
})

t.test('options are also variables, and those of the log are everyone’s', async (t) => {
  const { code, stderr } = await run([], { env: { MODE: 'code', LOG_FORMAT: 'text' } })
  t.equal(code, 3)
  t.match(stderr, / info \[sample\] running mode="code"/)
})

t.test('--help lists every option on standard output', async (t) => {
  const { code, stdout } = await run(['--help'])
  t.equal(code, 0)
  t.match(stdout, /^sample: shows how programs start and stop\./)
  for (const option of ['--mode', '--port', '--log-level', '--log-format']) t.ok(stdout.includes(option))
})

t.test('--version names the program and its version', async (t) => {
  t.match((await run(['--version'])).stdout, /^sample \d+\.\d+\.\d+\n$/)
})

t.test('a program with commands', async (t) => {
  const env = { SAMPLE_COMMANDS: 'yes' }
  t.test('is told its command', async (t) => {
    t.match((await run(['show', '--port=3'], { env })).lines, [{ command: 'show', port: 3 }])
  })
  t.test('refuses a missing or unknown one together with all other mistakes', async (t) => {
    for (const args of [['--port=0'], ['shwo', '--port=0']]) {
      const { code, stderr } = await run(args, { env })
      t.equal(code, 2)
      t.match(stderr, /the command must be one of run, show\n--port: must be/)
    }
  })
  t.test('shows them in its help', async (t) => {
    t.match((await run(['--help'], { env })).stdout, /^sample run\|show: /)
  })
})
