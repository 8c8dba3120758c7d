import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { systemClock as clock } from '../../../common/clock.ts'
import { startServer } from '../../../common/http/server.ts'
import { createLogger } from '../../../common/log.ts'
import { createMetrics, Registry } from '../../../common/metrics.ts'
import { webhookMetrics } from '../../../webhook/metrics.ts'
import { createApp } from '../../../webhook/server.ts'
import { controllerAccount } from '../../fixtures/admission-cases.ts'
import { makeCertificates } from '../../fixtures/certificates.ts'
import { nodeGroup, vpsieNode } from '../../fixtures/objects.ts'

/*
 * A process that is measured: `ours` is the webhook as it is shipped, in a cluster of 20 NodeGroups and 200 machines;
 * `echo` does what no webhook can do without, parse and answer, on bare node:https.
 */

const certificates = await makeCertificates()
const port = process.argv[2] === 'echo' ? await echo() : await ours()
process.send?.({ port, ca: certificates.ca })
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send?.({ cpuMicroseconds: user + system, rssMB: Math.round(process.memoryUsage.rss() / 2 ** 20) })
})
process.on('disconnect', async () => {
  await certificates.remove()
  process.exit()
})

async function ours(): Promise<number> {
  const log = createLogger({ level: 'info', format: 'json', component: 'webhook' })
  const nodeGroups = Array.from({ length: 20 }, (_, i) =>
    nodeGroup(`workers-${i}`, { spec: { offeringIDs: [`size-${i}`] } }),
  )
  const vpsieNodes = Array.from({ length: 200 }, (_, i) =>
    vpsieNode(`machine-${i}`, { spec: { nodeGroupName: `workers-${i % 20}` } }),
  )
  const { signal } = new AbortController()
  const handler = createApp({
    log,
    clock,
    metrics: createMetrics(new Registry(), webhookMetrics),
    namespaces: ['kube-system'],
    controller: controllerAccount,
    maxConcurrent: 64,
    surroundings: {
      nodeGroups: () => nodeGroups,
      vpsieNodes: () => vpsieNodes,
      autoscalerConfig: () => null,
    },
  })
  const server = await startServer(
    { log, clock },
    { name: 'webhook', address: '127.0.0.1:0', handler, tls: certificates },
    signal,
  )
  return server.port
}

async function echo(): Promise<number> {
  const { leaf } = certificates
  const server = createServer(
    { cert: leaf.certificate, key: leaf.key, minVersion: 'TLSv1.3', keepAliveTimeout: 120_000 },
    (request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        const { request: asked } = JSON.parse(Buffer.concat(chunks).toString())
        const answer = { uid: asked.uid, allowed: true }
        const text = JSON.stringify({
          apiVersion: 'admission.k8s.io/v1',
          kind: 'AdmissionReview',
          response: answer,
        })
        response.writeHead(200, {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(text),
        })
        response.end(text)
      })
    },
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}
