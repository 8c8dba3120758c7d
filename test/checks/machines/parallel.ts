import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { type CheckOptions, type CheckResult, checkMachines } from './check.ts'

type Part = Pick<CheckOptions, 'runs' | 'seed' | 'defect'>
type Message = { failed: Parameters<NonNullable<CheckOptions['onFailure']>> } | { result: CheckResult }

// Below this a thread takes longer to start than to play.
const leastRuns = 25

/** The same check, its runs shared out to threads. Which run has which seed does not depend on how many there are. */
export async function checkInParallel(
  { runs, seed, defect = 'none' }: Part,
  onFailure: NonNullable<CheckOptions['onFailure']>,
): Promise<CheckResult> {
  const threads = Math.max(1, Math.min(availableParallelism(), 8, Math.floor(runs / leastRuns)))
  const size = Math.ceil(runs / threads)
  const parts = Array.from({ length: threads }, (_, i) => ({
    runs: Math.min(size, runs - i * size),
    seed: seed + i * size,
    defect,
  }))
  return sum(await Promise.all(parts.map((part) => playPart(part, onFailure))), seed)
}

async function playPart(part: Part, onFailure: NonNullable<CheckOptions['onFailure']>): Promise<CheckResult> {
  // Without what a test runner loads into its own threads: its hooks on promises take a third of the time.
  const worker = new Worker(new URL(import.meta.url), { workerData: part, execArgv: [] })
  let result: CheckResult | undefined
  worker.on('message', (message: Message) => {
    if ('failed' in message) onFailure(...message.failed)
    else result = message.result
  })
  await once(worker, 'exit')
  if (!result) throw new Error(`the runs from seed ${part.seed} have ended early`)
  return result
}

function sum(results: readonly CheckResult[], seed: number): CheckResult {
  const failed = results.filter(isBroken).map((result) => result.seed)
  const names = Object.keys(results[0] ?? {}) as (keyof CheckResult)[]
  const total = (name: keyof CheckResult) => results.reduce((all, result) => all + result[name], 0)
  const all = Object.fromEntries(names.map((name) => [name, total(name)])) as unknown as CheckResult
  return { ...all, seed: failed.length > 0 ? Math.min(...failed) : seed }
}

export function isBroken(result: CheckResult): boolean {
  const { leaked, doubled, wronglyDeleted, overBudget, evictionsAgainstPdb } = result
  return leaked + doubled + wronglyDeleted + overBudget + evictionsAgainstPdb > 0
}

if (!isMainThread && parentPort) {
  const port = parentPort
  const onFailure: CheckOptions['onFailure'] = (...failed) => port.postMessage({ failed })
  port.postMessage({ result: await checkMachines({ ...(workerData as Part), onFailure }) })
}
