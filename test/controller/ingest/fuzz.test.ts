import t from 'tap'
import { fuzzIngest } from '../../checks/ingest.ts'

t.test('whatever is sent is answered as the contract says, and nothing wrong is taken', async (t) => {
  const { crashes, wronglyAccepted, wronglyAnswered, runs } = await fuzzIngest(800, 7)
  t.same(
    { runs, crashes, wronglyAccepted, wronglyAnswered },
    { runs: 800, crashes: 0, wronglyAccepted: 0, wronglyAnswered: {} },
  )
})
