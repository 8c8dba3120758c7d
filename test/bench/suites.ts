import { agentSuite } from './agent/suite.ts'
import { decideSuite } from './decide/suite.ts'
import { ingestSuite } from './ingest/suite.ts'
import { webhookSuite } from './webhook/suite.ts'

/** What `npm run bench -- NAME` runs; without a name it is the decision's. Each reads the rest of the command line. */
export const suites: Readonly<Record<string, () => Promise<void>>> = {
  agent: agentSuite,
  decide: decideSuite,
  ingest: ingestSuite,
  webhook: webhookSuite,
}
