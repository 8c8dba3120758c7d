import type { RequestListener } from 'node:http'
import express from 'express'
import { type AnswerDeps, createAnswer, refuse } from './answer.ts'
import { createBudget } from './budget.ts'
import { createDeadlines } from './deadlines.ts'
import { paths } from './paths.ts'

export interface AppDeps extends AnswerDeps {
  /** Reviews at work at once. */
  maxConcurrent: number
}

const maxBytesInFlight = 64 * 2 ** 20

/**
 * What answers all calls. A review goes straight to its answer: express would give every request and response other
 * prototypes, which makes node's own code slow and doubles the price of a review. All else is express's.
 */
export function createApp(deps: AppDeps): RequestListener {
  const budget = createBudget({ maxConcurrent: deps.maxConcurrent, maxBytes: maxBytesInFlight })
  const deadlines = createDeadlines(deps.clock)
  const answers = new Map(
    Object.entries(paths).map(([path, { resource, review }]) => [
      path,
      createAnswer(deps, { budget, deadlines }, { path, resource, review }),
    ]),
  )
  const refusals = createRefusals()
  return (request, response) => {
    const answer = request.method === 'POST' ? answers.get(pathOf(request.url ?? '/')) : undefined
    if (answer) answer(request, response)
    else refusals(request, response)
  }
}

function createRefusals(): RequestListener {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  // A path is one path: other letters, or a slash at its end, are another.
  app.enable('case sensitive routing')
  app.enable('strict routing')
  app.all(Object.keys(paths), (_, response) => {
    response.setHeader('allow', 'POST')
    refuse(response, 405, 'reviews are sent with POST')
  })
  app.use((_, response) => refuse(response, 404, `reviews go to ${Object.keys(paths).join(', ')}`))
  return (request, response) => void app(request, response)
}

function pathOf(url: string): string {
  const query = url.indexOf('?')
  return query < 0 ? url : url.slice(0, query)
}
