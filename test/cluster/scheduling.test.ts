import t from 'tap'
import { compare } from './scheduling/compare.ts'

/*
 * Our verdict and kube-scheduler's about the same pods: each case is a small random cluster. The same ones each time, so
 * that a change is judged by nothing but itself; `SEED=$RANDOM` looks further, `SEED=n CASES=1` replays one.
 */

const seed = Number(process.env.SEED ?? 578_324)
const count = Number(process.env.CASES ?? 300)
// More in one control plane and it slows down by its own size.
const atOnce = 100

t.setTimeout(60_000 + count * 1_000)
t.comment(`${count} cases from seed ${seed}`)
for (let first = seed; first < seed + count; first += atOnce) {
  const last = Math.min(first + atOnce, seed + count) - 1
  t.test(`kube-scheduler and we agree about the pods of seeds ${first} to ${last}`, async (t) => {
    const { placed, refused, disagreements } = await compare(first, last, (line) => t.comment(line))
    t.comment(`${placed} placed, ${refused} refused, ${disagreements.length} disagreements`)
    t.same(disagreements, [])
    const enough = (last - first) / 5
    t.ok(last - first < 50 || (placed > enough && refused > enough), 'both verdicts are common')
  })
}
