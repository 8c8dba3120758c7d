import express, { type Express, type Request, type Response } from 'express'
import { type AnswerDeps, createAnswer, maxBodyBytes, refuse } from './answer.ts'
import { createBudget } from './budget.ts'
import { paths } from './paths.ts'

export interface AppDeps extends AnswerDeps {
  /** Reviews at work at once. */
  maxConcurrent: number
}

const maxBytesInFlight = 64 * 2 ** 20

/** The express application that answers admission reviews. `signal` ends the reading of bodies. */
export function createApp(deps: AppDeps, signal: AbortSignal): Express {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  const budget = createBudget({ maxConcurrent: deps.maxConcurrent, maxBytes: maxBytesInFlight })
  for (const [path, { resource, review }] of Object.entries(paths)) {
    const answer = createAnswer(deps, { path, resource, review }, signal)
    app.post(path, async (request: Request, response: Response) => {
      // A body of unknown length may become as long as is allowed.
      const release = budget.take(Number(request.headers['content-length'] ?? maxBodyBytes))
      if (!release) return refuse(response, 503, 'too many reviews at once')
      deps.metrics.webhook_requests_in_flight.inc()
      try {
        await answer(request, response)
      } finally {
        deps.metrics.webhook_requests_in_flight.dec()
        release()
      }
    })
    app.all(path, (_, response) => {
      response.setHeader('allow', 'POST')
      refuse(response, 405, 'reviews are sent with POST')
    })
  }
  app.use((_, response) => refuse(response, 404, `reviews go to ${Object.keys(paths).join(', ')}`))
  return app
}
