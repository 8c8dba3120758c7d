import { spawn } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { formatDuration } from '../../common/duration.ts'
import { type Options, OptionsError, type OptionTable } from '../../common/options.ts'
import { runCommandLine } from '../fixtures/command-line.ts'
import { findBinaries } from './binaries.ts'

const options = {
  only: {
    type: 'list',
    default: '',
    description: 'Names of the test files to run, such as story or kubectl.',
  },
  'use-kubeconfig': {
    type: 'boolean',
    default: 'false',
    description:
      "Run against the cluster of KUBECONFIG's current context what needs nothing but its API: the contract and the manifests. It makes and removes objects there, most of them in the namespace default.",
  },
} as const satisfies OptionTable

const folder = new URL('./', import.meta.url).pathname
/** What can be asked of a cluster that somebody else runs. */
const forAnyCluster = ['contract', 'manifests']

/** Runs the tests of this folder on a control plane of their own, or the few that suit any cluster on another one. */
async function main({ only, 'use-kubeconfig': useKubeconfig }: Options<typeof options>): Promise<number> {
  const all = readdirSync(folder)
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => name.slice(0, -'.test.ts'.length))
  const unknown = only.filter((name) => !all.includes(name))
  if (unknown.length > 0)
    throw new OptionsError([`--only: there is no ${unknown}; there are ${all.join(', ')}`])
  const wanted = all.filter((name) => only.length === 0 || only.includes(name))
  if (useKubeconfig && !existsSync(process.env.KUBECONFIG ?? ''))
    throw new OptionsError(['--use-kubeconfig: KUBECONFIG must be the path of one kubeconfig file'])
  if (!useKubeconfig) {
    const found = await findBinaries((line) => process.stdout.write(`${line}\n`))
    if (typeof found === 'string') {
      process.stdout.write(`test:cluster is skipped: ${found}\n`)
      return process.env.CI ? 1 : 0
    }
  }
  const started = performance.now()
  const names = useKubeconfig ? wanted.filter((name) => forAnyCluster.includes(name)) : wanted
  const code = await tap(names, useKubeconfig)
  process.stdout.write(`test:cluster took ${formatDuration(Math.round(performance.now() - started))}\n`)
  return code
}

/** Each file has a control plane of its own, so that none can disturb another. */
function tap(names: readonly string[], useKubeconfig: boolean): Promise<number> {
  const files = names.map((name) => `${folder}${name}.test.ts`)
  const child = spawn('node_modules/.bin/tap', ['--jobs=2', '--timeout=300', ...files], {
    cwd: new URL('../..', import.meta.url).pathname,
    env: { ...process.env, TEST_FLOOR: useKubeconfig ? 'kubeconfig' : 'real' },
    stdio: 'inherit',
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve(code ?? 1))
  })
}

await runCommandLine({
  name: 'npm run test:cluster --',
  summary: 'tests on a real control plane.',
  options,
  main,
})
