import t from 'tap'
import { fuzzAdmission } from '../checks/admission/fuzz.ts'

t.test('1500 random and mutated reviews over the wire: none goes wrong', async (t) => {
  const result = await fuzzAdmission({ runs: 1500, seed: 7, tell: (line) => t.comment(line) })
  t.match(result, { runs: 1500, crashes: 0, hangs: 0, wrongStatus: 0 })
})
