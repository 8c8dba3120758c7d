import t from 'tap'
import { fuzzAdmission } from '../checks/admission/fuzz.ts'

t.test('600 random and mutated reviews over the wire: none goes wrong', async (t) => {
  const result = await fuzzAdmission({ runs: 600, seed: 7, tell: (line) => t.comment(line) })
  t.match(result, { runs: 600, crashes: 0, hangs: 0, wrongStatus: 0 })
})
