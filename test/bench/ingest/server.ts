import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { systemClock as clock } from '../../../common/clock.ts'
import { createLogger } from '../../../common/log.ts'
import { createMetrics, Registry } from '../../../common/metrics.ts'
import { authenticateAgents } from '../../../controller/ingest/auth.ts'
import { ingestMetrics } from '../../../controller/ingest/metrics.ts'
import { startIngest } from '../../../controller/ingest/server.ts'
import { createUsageStore } from '../../../controller/ingest/store.ts'
import { agentAccount, believingClient } from '../../fixtures/agent-token.ts'

/** What the server tells its parent: where it listens, then what it holds, each time it is asked. */
export type Told = { port: number } | { heapBytes: number; storeBytes: number; agents: number }

// A controller's ingest by itself, so that what it takes can be told apart from the rest.
setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')
const [certFile = '', keyFile = ''] = process.argv.slice(2)
const log = createLogger({ level: 'error', format: 'text', component: 'ingest' })
const metrics = createMetrics(new Registry(), ingestMetrics)
const reportIntervalMs = 15_000
const usage = createUsageStore({ clock }, { reportIntervalMs, forgetAfterMs: 600_000, maxNodes: 20_000 })
const authenticate = authenticateAgents(
  { client: believingClient, clock, log, metrics, hasPod: () => true },
  { ...agentAccount, maxTokens: 40_000 },
)
const server = await startIngest(
  { log, clock, metrics, usage, authenticate, nodeOf: () => ({ memoryBytes: 1000 }) },
  { address: '127.0.0.1:0', certFile, keyFile, reportIntervalMs },
  new AbortController().signal,
)
const tell = (told: Told) => process.send?.(told)
tell({ port: server.port })
process.on('disconnect', () => process.exit(0))
process.on('message', () => {
  collect()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  tell({ heapBytes: heapUsed, storeBytes: arrayBuffers, agents: usage.agents().length })
})
