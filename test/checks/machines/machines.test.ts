import t from 'tap'
import { checkMachines } from './check.ts'
import { defects } from './defects.ts'
import { checkInParallel } from './parallel.ts'

t.setTimeout(110_000)

t.test('whatever fails, there is exactly one machine per claim and nothing else is touched', async (t) => {
  const { seed, runs, faults, machines, ...wrong } = await checkInParallel(
    { runs: 200, seed: 1 },
    (failing, { sentences }) => t.comment(`seed ${failing}`, ...sentences),
  )
  t.strictSame(
    wrong,
    { leaked: 0, doubled: 0, wronglyDeleted: 0, overBudget: 0, evictionsAgainstPdb: 0 },
    `seed ${seed}`,
  )
  t.equal(runs, 200)
  t.ok(faults > runs && machines > runs, 'much has failed, and much was made all the same')
})

for (const defect of defects.filter((name) => name !== 'none')) {
  t.test(`defect "${defect}" is seen within 200 runs`, async (t) => {
    const { leaked, doubled, wronglyDeleted, evictionsAgainstPdb } = await checkMachines({
      runs: 200,
      seed: 1,
      defect,
      stopAtFailure: true,
    })
    t.ok(leaked + doubled + wronglyDeleted + evictionsAgainstPdb > 0)
  })
}

t.test('a seed plays the same run again', async (t) => {
  const options = { runs: 1, seed: 25, defect: 'drain' } as const
  t.strictSame(await checkMachines(options), await checkMachines(options))
})
