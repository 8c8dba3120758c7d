import type { Options, OptionTable } from '../../common/options.ts'
import { pageAudience } from '../../controller/page/access.ts'
import { viewerAccount } from '../../controller/page/options.ts'
import { runCommandLine } from '../fixtures/command-line.ts'
import { accountToken } from '../floors/floor.ts'
import { NoControlPlaneError, openRealFloor } from '../floors/real.ts'
import { openSimulatedFloor } from '../floors/simulated.ts'
import { billOf } from './steps/bill.ts'
import { steps } from './steps/steps.ts'
import { playStory } from './story.ts'
import { createWorld, type World } from './world.ts'

const options = {
  json: {
    type: 'boolean',
    default: 'false',
    description: 'Print the result as one JSON object, the last line.',
  },
  keep: { type: 'boolean', default: 'false', description: 'Leave everything running until Ctrl-C.' },
  real: {
    type: 'boolean',
    default: 'false',
    description: 'Play on a real Kubernetes control plane, which is built once with Go.',
  },
  logs: {
    type: 'boolean',
    default: 'false',
    description: 'After a failure print the last lines of every program.',
  },
} as const satisfies OptionTable

/** Plays the story on this machine: the real programs, a simulated or a real Kubernetes, a simulated cloud. */
async function main({ json, keep, logs, real }: Options<typeof options>): Promise<number> {
  const root = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.once(name, () => root.abort(new Error(`stopped by ${name}`)))
  const print = (line: string) => (json ? process.stderr : process.stdout).write(`${line}\n`)
  const started = performance.now()
  const floor = real ? await openRealFloor(print, root.signal) : await openSimulatedFloor()
  const world = await createWorld(floor)
  try {
    const results = await playStory(world, steps, print, AbortSignal.any([root.signal, world.signal]))
    const ok = results.length === steps.length && results.every((result) => result.ok)
    if (!ok && logs) printLogs(world, print)
    if (!ok) print(floor.lastLines())
    print(
      `\n${ok ? 'All as told' : 'NOT as told'}, in ${Math.round((performance.now() - started) / 1000)} s.`,
    )
    if (json) process.stdout.write(`${JSON.stringify({ steps: results, machines: billOf(world) })}\n`)
    if (keep && !root.signal.aborted) await untilStopped(world, print, root.signal)
    return ok ? 0 : 1
  } finally {
    await world.stop()
  }
}

function printLogs({ programs }: World, print: (line: string) => void): void {
  for (const component of ['controller', 'webhook', 'agent'] as const) {
    for (const { program, pod } of programs.list(component)) {
      print(`\n--- ${pod.metadata.name}`)
      for (const line of program.lines.slice(-60)) print(line)
    }
  }
}

async function untilStopped(
  { floor, vpsie, programs, client }: World,
  print: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  print(
    `\nStill running; Ctrl-C ends it.\n  export KUBECONFIG=${floor.adminKubeconfig}\n  VPSie: ${vpsie.url}`,
  )
  for (const { pod, ports, program } of programs.list('controller')) {
    // The story has killed one.
    if (program.hasExited) continue
    print(
      `  ${pod.metadata.name}: http://127.0.0.1:${ports.page}/ and http://127.0.0.1:${ports.metrics}/metrics`,
    )
  }
  const request = { namespace: 'kube-system', serviceAccount: viewerAccount, audience: pageAudience }
  print(`  Sign in to the page with:\n${await accountToken(client, request, signal)}`)
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
}

await runCommandLine({
  name: 'npm run demo --',
  summary: 'plays the whole story on one machine.',
  options,
  main,
  isTold: (error) => error instanceof NoControlPlaneError,
})
