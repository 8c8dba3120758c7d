import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type Browser, launch, type Page } from 'puppeteer-core'

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** Why there is no browser to test with; undefined if there is one. Where everything must run that is a failure. */
export function missingBrowser(): string | undefined {
  if (places.some((place) => existsSync(place))) return undefined
  if (process.env.CI) throw new Error(`no Chromium at ${places.join(' or ')}`)
  return 'no Chromium on this machine: apt-get install chromium'
}

/** A headless Chromium; without a sandbox only where root starts it, as in a container. */
export function openBrowser(): Promise<Browser> {
  const executablePath = places.find((place) => existsSync(place))
  if (!executablePath) throw new Error('no Chromium')
  const asRoot = process.getuid?.() === 0 ? ['--no-sandbox'] : []
  return launch({ executablePath, args: ['--disable-dev-shm-usage', '--disable-gpu', ...asRoot] })
}

export interface Look {
  scheme: 'light' | 'dark'
  width: number
  height: number
}

export const looks = {
  'desktop, light': { scheme: 'light', width: 1280, height: 900 },
  'desktop, dark': { scheme: 'dark', width: 1280, height: 900 },
  'phone, light': { scheme: 'light', width: 360, height: 740 },
  'phone, dark': { scheme: 'dark', width: 360, height: 740 },
} as const satisfies Record<string, Look>

/** A page, with all that went wrong on it: errors, refused content, calls to other places. */
export async function openPage(
  browser: Browser,
  { scheme, width, height }: Look,
): Promise<{ page: Page; wrongs: string[] }> {
  const context = await browser.createBrowserContext()
  const page = await context.newPage()
  await page.setViewport({ width, height })
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }])
  const wrongs: string[] = []
  page.on('pageerror', (error) => wrongs.push(`error: ${String(error)}`))
  page.on('console', (message) => {
    if (message.type() === 'error') wrongs.push(`console: ${message.text()}`)
  })
  page.on('request', (request) => {
    const { hostname, protocol } = new URL(request.url())
    if (protocol !== 'data:' && hostname !== '127.0.0.1') wrongs.push(`call to ${request.url()}`)
  })
  return { page, wrongs }
}

/** Signs in on the page that asks for it. */
export async function signIn(page: Page, origin: string, token: string): Promise<void> {
  await page.goto(`${origin}/`)
  await page.type('#token', token)
  await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')])
}

interface Violation {
  id: string
  nodes: { html: string; failureSummary?: string }[]
}

const axePath = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

/** What axe-core finds against the page as it is; the best practices count too. */
export async function violations(page: Page): Promise<string[]> {
  // Scripts that DevTools evaluates are not held by the page's policy, which stays in force for its own.
  await page.evaluate(readFileSync(axePath, 'utf8'))
  const found = (await page.evaluate('axe.run().then(({ violations }) => violations)')) as Violation[]
  return found.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary ?? ''}`),
  )
}
