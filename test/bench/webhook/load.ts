import { Agent, request } from 'node:https'

export interface Target {
  port: number
  ca: string
}

/** Sends `count` reviews on so many kept-alive connections; gives how long each took, in milliseconds, sorted. */
export async function load(
  target: Target,
  body: string,
  count: number,
  connections: number,
): Promise<number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections, ca: target.ca })
  const buffer = Buffer.from(body)
  const times: number[] = []
  let left = count
  const connection = async () => {
    while (left-- > 0) {
      const since = performance.now()
      await send(target.port, agent, buffer)
      times.push(performance.now() - since)
    }
  }
  await Promise.all(Array.from({ length: connections }, connection))
  agent.destroy()
  return times.sort((a, b) => a - b)
}

function send(port: number, agent: Agent, body: Buffer): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const call = request(
    {
      agent,
      host: '127.0.0.1',
      port,
      method: 'POST',
      path: '/validate/nodegroups?timeout=3s',
      headers: { 'content-type': 'application/json', 'content-length': body.length },
    },
    (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (part: string) => (text += part))
      response.on('end', () => {
        const isGood = response.statusCode === 200 && text.includes('"allowed":true')
        if (isGood) resolve()
        else reject(new Error(`the review was answered with ${response.statusCode}: ${text}`))
      })
    },
  )
  call.on('error', reject)
  call.end(body)
  return promise
}
