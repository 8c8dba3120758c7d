import fc from 'fast-check'
import type { Fault, RequestName } from '../../simulators/vpsie/faults.ts'
import type { Boot } from './cluster.ts'

/** One thing that happens in a run. Numbers pick among what there is then, so that every script can be played. */
export type Step =
  | { kind: 'wait'; seconds: number }
  | { kind: 'replicas'; workload: number; count: number }
  | { kind: 'vpsieFails'; operation: RequestName; fault: Fault; times: number }
  | { kind: 'listsShrink'; to: number; seconds: number }
  | { kind: 'listsAreLate'; upToSeconds: number; seconds: number }
  | { kind: 'tokensExpire' }
  | { kind: 'outOfStock'; isOut: boolean }
  | { kind: 'quota'; room: number }
  | { kind: 'boot'; as: Boot }
  | { kind: 'nodeDies'; which: number }
  | { kind: 'machineVanishes'; which: number }
  | { kind: 'handMade' }
  | { kind: 'protect'; which: number }
  | { kind: 'claimDeleted'; which: number }
  | { kind: 'paused'; isPaused: boolean }
  | { kind: 'apiWeather'; percent: number; seconds: number }
  | { kind: 'watchesBreak'; seconds: number }
  | { kind: 'leaderDies'; afterCalls: number; moment: 'before' | 'after'; pauseSeconds: number }
  | { kind: 'leadersOverlap'; seconds: number }
  | { kind: 'clockJumps'; seconds: number }

export interface Script {
  /** Workers of a cluster, or plain VPS. */
  provisioner: 'managed' | 'vm'
  dialect: 'v2' | 'apps-v2'
  identityInReply: boolean
  /** Seed of what no step names: who is served first, which call fails in bad weather. */
  chance: number
  steps: Step[]
}

const seconds = (max: number) => fc.integer({ min: 1, max })
const which = fc.nat(9)

const mutationFaults: readonly Fault[] = [
  { kind: 'resetAfter' },
  { kind: 'resetBefore' },
  { kind: 'statusAfter', status: 502 },
  { kind: 'status', status: 500, message: 'Internal error' },
  { kind: 'status', status: 429, message: 'Too many requests', headers: { 'retry-after': '7' } },
  { kind: 'status', status: 401, message: 'Invalid API token' },
  { kind: 'errorTrue', message: 'Something was lost in the clouds' },
  { kind: 'errorTrue', message: 'Internal error', code: 500 },
  { kind: 'body', body: '<html>' },
  { kind: 'late', ms: 12_000 },
  { kind: 'late', ms: 45_000 },
  { kind: 'slow', ms: 20_000 },
  { kind: 'twice' },
]

const readFaults: readonly Fault[] = [
  { kind: 'resetBefore' },
  { kind: 'status', status: 503 },
  { kind: 'status', status: 429, headers: { 'retry-after': '20' } },
  { kind: 'data', data: [] },
  { kind: 'data', data: { nodes: [], masters: [], slaves: [] } },
  { kind: 'data', data: { nodes: [{ hostname: null }] } },
  { kind: 'body', body: '' },
  { kind: 'late', ms: 8_000 },
  { kind: 'late', ms: 40_000 },
]

const vpsieFails = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('vpsieFails' as const),
      operation: fc.constantFrom<RequestName[]>('addWorker', 'addWorker', 'createPool', 'deleteWorker'),
      fault: fc.constantFrom(...mutationFaults),
      times: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('vpsieFails' as const),
      operation: fc.constantFrom<RequestName[]>('listMachines', 'listMachines', 'listPools', 'listOffers'),
      fault: fc.constantFrom(...readFaults),
      times: fc.integer({ min: 1, max: 3 }),
    }),
  },
)

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('wait' as const), seconds: seconds(120) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('replicas' as const),
      workload: fc.nat(2),
      count: fc.nat(6),
    }),
  },
  { weight: 7, arbitrary: vpsieFails },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('listsShrink' as const),
      to: fc.nat(3),
      seconds: seconds(90),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('listsAreLate' as const),
      upToSeconds: seconds(120),
      seconds: seconds(300),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('tokensExpire' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('outOfStock' as const), isOut: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('quota' as const), room: fc.nat(4) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('boot' as const),
      as: fc.constantFrom<Boot[]>('never', 'renamed', 'twice'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('nodeDies' as const), which }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('machineVanishes' as const), which }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('handMade' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('protect' as const), which }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('claimDeleted' as const), which }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('paused' as const), isPaused: fc.boolean() }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('apiWeather' as const),
      percent: fc.integer({ min: 1, max: 40 }),
      seconds: seconds(120),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('watchesBreak' as const), seconds: seconds(120) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('leaderDies' as const),
      afterCalls: fc.nat(40),
      moment: fc.constantFrom('before' as const, 'after' as const),
      pauseSeconds: seconds(30),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('leadersOverlap' as const), seconds: seconds(15) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('clockJumps' as const),
      seconds: fc.integer({ min: -1800, max: 1800 }),
    }),
  },
)

/** Scripts of up to `maxLength` steps. In dialect apps-v2 only a reply tells the identifier that a deletion needs. */
export function scripts(maxLength: number): fc.Arbitrary<Script> {
  return fc.record({
    provisioner: fc.constantFrom<Script['provisioner'][]>('managed', 'managed', 'managed', 'vm'),
    dialect: fc.constantFrom<Script['dialect'][]>('v2', 'v2', 'v2', 'apps-v2'),
    identityInReply: fc.boolean(),
    chance: fc.integer(),
    steps: fc.array(step, { minLength: 10, maxLength, size: 'max' }),
  })
}
