import { spawn } from 'node:child_process'
import type { KubectlFloor } from '../floors/real.ts'

/** What is needed of a floor to run kubectl on it. */
type Target = Pick<KubectlFloor, 'binaries' | 'adminKubeconfig'>

// Longer than any --timeout of its own that a test gives it.
const longestMs = 150_000

export interface KubectlResult {
  code: number
  stdout: string
  stderr: string
}

export interface KubectlOptions {
  stdin?: string
  env?: Record<string, string>
  /** Path of a kubeconfig; default that of `admin`. */
  kubeconfig?: string
}

/** Runs the real kubectl. Its exit code is told, not thrown. */
export function kubectl(
  { binaries, adminKubeconfig }: Target,
  args: readonly string[],
  { stdin = '', env = {}, kubeconfig = adminKubeconfig }: KubectlOptions = {},
): Promise<KubectlResult> {
  const { promise, resolve, reject } = Promise.withResolvers<KubectlResult>()
  const child = spawn(binaries.kubectl, ['--kubeconfig', kubeconfig, ...args], {
    // Its discovery cache would outlive the control plane.
    env: { PATH: process.env.PATH ?? '', HOME: '/nonexistent', ...env },
    timeout: longestMs,
  })
  const texts = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      texts[stream] += text
    })
  child.once('error', reject)
  child.once('close', (code) => resolve({ code: code ?? 1, ...texts }))
  child.stdin.end(stdin)
  return promise
}

/** The standard output of a kubectl that must succeed. */
export async function kubectlOutput(
  floor: Target,
  args: readonly string[],
  options: KubectlOptions = {},
): Promise<string> {
  const { code, stdout, stderr } = await kubectl(floor, args, options)
  if (code !== 0) throw new Error(`kubectl ${args.join(' ')} ended with ${code}: ${stderr}`)
  return stdout
}
