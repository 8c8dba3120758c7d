import fc from 'fast-check'
import { type Defect, withDefect } from './defects.ts'
import type { Verdict } from './oracle.ts'
import { type Played, play } from './play.ts'
import { type Script, scripts } from './script.ts'
import type { WorldOptions } from './world.ts'

export interface CheckResult extends Omit<Verdict, 'sentences'> {
  runs: number
  faults: number
  machines: number
  /** Of the first run that went wrong; else of the first run. */
  seed: number
}

export interface CheckOptions {
  runs: number
  /** Run i has seed `seed + i`, so that any one can be played again by itself. */
  seed: number
  defect?: Defect
  /** Ends at the first run that goes wrong. */
  stopAtFailure?: boolean
  trace?: WorldOptions['trace']
  /** Told of each run that went wrong. */
  onFailure?: (seed: number, verdict: Verdict) => void
}

const longestScript = 30
const rules = ['leaked', 'doubled', 'wronglyDeleted', 'overBudget', 'evictionsAgainstPdb'] as const

/** Plays random scripts against the real controller code, and adds up what must stay zero. */
export async function checkMachines(options: CheckOptions): Promise<CheckResult> {
  const { runs, seed, defect = 'none', stopAtFailure = false, trace, onFailure } = options
  const result: CheckResult = {
    runs: 0,
    faults: 0,
    machines: 0,
    leaked: 0,
    doubled: 0,
    wronglyDeleted: 0,
    overBudget: 0,
    evictionsAgainstPdb: 0,
    seed,
  }
  let failed = false
  for (let i = 0; i < runs && !(failed && stopAtFailure); i++) {
    const played = await play(scriptOf(seed + i), { ...withDefect(defect), trace })
    add(result, played)
    if (!isBroken(played)) continue
    if (!failed) result.seed = seed + i
    failed = true
    onFailure?.(seed + i, played.verdict)
  }
  return result
}

/** The script of a seed, always the same. */
export function scriptOf(seed: number): Script {
  const [script] = fc.sample(scripts(longestScript), { seed, numRuns: 1 })
  if (!script) throw new Error(`no script for seed ${seed}`)
  return script
}

/** The shortest script that fast-check finds on the way from a seed's to one that no longer goes wrong. */
export async function shrink(seed: number, defect: Defect): Promise<Script | undefined> {
  const property = fc.asyncProperty(
    scripts(longestScript),
    async (script) => !isBroken(await play(script, withDefect(defect))),
  )
  const { counterexample } = await fc.check(property, { seed, numRuns: 1, endOnFailure: false })
  return counterexample?.[0]
}

function isBroken({ verdict }: Played): boolean {
  return rules.some((rule) => verdict[rule] > 0)
}

function add(result: CheckResult, { verdict, faults, machines }: Played): void {
  result.runs++
  result.faults += faults
  result.machines += machines
  for (const rule of rules) result[rule] += verdict[rule]
}
