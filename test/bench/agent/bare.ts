import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'

// What any Node.js program that listens on TLS takes, before it does anything: the measure for the agent.
const [certFile = '', keyFile = ''] = process.argv.slice(2)
createServer({ cert: readFileSync(certFile), key: readFileSync(keyFile) }, (_, response) =>
  response.end('ok'),
).listen(0, '127.0.0.1')
