import type { Page } from 'puppeteer-core'
import t, { type Test } from 'tap'
import { pod } from '../fixtures/objects.ts'
import { pageToken, startTestPage } from '../fixtures/page.ts'
import { clusterState } from '../fixtures/state.ts'
import { type Look, looks, missingBrowser, openBrowser, openPage, signIn, violations } from './browser.ts'
import { reportUsage, shop } from './state.ts'

const missing = missingBrowser()
if (missing) t.plan(0, missing)
else {
  const browser = await openBrowser()
  t.teardown(() => browser.close())
  const desktop: Look = looks['desktop, light']

  /** A page that shows `state`, or a replica that stands by, with somebody who has signed in. */
  async function visit(t: Test, state = shop(), look: Look = desktop) {
    const server = await startTestPage()
    t.teardown(() => server.stop())
    reportUsage(server, ['web-1', 'web-2', 'web-3', 'web-4'])
    server.decide(state)
    const { page, wrongs } = await openPage(browser, look)
    t.teardown(() => page.browserContext().close())
    const origin = `http://127.0.0.1:${server.port}`
    await signIn(page, origin, pageToken())
    return { server, page, wrongs, origin }
  }

  const textOf = (page: Page, selector: string) =>
    page.$eval(selector, (element) => element.textContent ?? '')
  // Scripts for the browser are texts: this side of the wire has no document.
  const inPage = <T>(page: Page, script: string) => page.evaluate(script) as Promise<T>
  const hasText = (page: Page, selector: string, text: string) =>
    page.waitForFunction(
      `document.querySelector(${JSON.stringify(selector)})?.textContent.includes(${JSON.stringify(text)})`,
      { timeout: 10_000 },
    )

  for (const [name, look] of Object.entries(looks)) {
    t.test(
      `${name}: axe finds nothing, nothing goes wrong, and nothing is wider than the window`,
      async (t) => {
        const { server, page, wrongs, origin } = await visit(t, shop(), look)
        const places: [what: string, show: () => Promise<unknown>][] = [
          ['the cluster', () => page.goto(`${origin}/`)],
          ['a search', () => page.goto(`${origin}/?q=web`)],
          ['a pod', () => page.goto(`${origin}/explain?pod=default/render-gpu-0`)],
          ['a node', () => page.goto(`${origin}/explain?node=web-2`)],
          ['a NodeGroup', () => page.goto(`${origin}/explain?group=kube-system/web`)],
          [
            'an empty cluster',
            () => {
              server.decide(clusterState({ nodeGroups: [] }))
              return page.goto(`${origin}/`)
            },
          ],
          [
            'a replica that stands by',
            () => {
              server.records.clear()
              return page.goto(`${origin}/`)
            },
          ],
          ['the form to sign in', () => page.goto(`${origin}/sign-in`)],
        ]
        for (const [what, show] of places) {
          await show()
          t.same(await violations(page), [], what)
          const overflow = await inPage<number>(page, 'document.documentElement.scrollWidth - innerWidth')
          t.ok(overflow <= 0, `${what}: ${overflow} px wider`)
        }
        t.same(wrongs, [])
      },
    )
  }

  t.test('a cluster of thousands is shown in part, and what is left out can be searched for', async (t) => {
    const pods = Array.from({ length: 3000 }, (_, i) => pod(`wants-${i}`, { requests: { cpu: '64' } }))
    const { page, origin } = await visit(t, shop({ pods }))
    t.match(await textOf(page, '#pods'), /and 2800 more/)
    t.same(await violations(page), [])
    await page.goto(`${origin}/?q=wants-2999`)
    t.equal(await page.$$eval('#pods tbody tr', (rows) => rows.length), 1)
  })

  t.test('what is decided is seen without a reload, and the focus stays where it was', async (t) => {
    const { server, page, wrongs } = await visit(t, shop({ pods: [] }))
    await hasText(page, '#connection', 'live')
    await page.focus('#nodes a[href="/explain?node=web-1"]')
    await inPage(page, "document.title = 'not loaded again'")
    server.decide(shop())
    await hasText(page, '#pods', 'default/render-gpu-0')
    t.equal(await page.title(), 'not loaded again')
    t.equal(await inPage(page, "document.activeElement.getAttribute('href')"), '/explain?node=web-1')
    t.same(wrongs, [])
  })

  t.test('a page whose controller has gone says so', async (t) => {
    const { server, page } = await visit(t)
    await hasText(page, '#connection', 'live')
    await server.stop()
    await hasText(page, '#connection', 'not live')
  })

  t.test('by keyboard alone: from signing in to the reason of a pod, and out again', async (t) => {
    const { page } = await visit(t)
    const tabTo = async (wanted: string) => {
      for (let i = 0; i < 60; i++) {
        await page.keyboard.press('Tab')
        const found = await inPage(page, `document.activeElement.matches(${JSON.stringify(wanted)})`)
        if (found) return
      }
      throw new Error(`Tab does not lead to ${wanted}`)
    }
    await page.keyboard.press('Tab')
    t.equal(await inPage(page, 'document.activeElement.textContent'), 'Skip to content')
    await tabTo('#pods a[href*="render-gpu-0"]')
    await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')])
    t.match(await textOf(page, 'h1'), /render-gpu-0: unschedulable/)
    await tabTo('form[action="/sign-out"] button')
    await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')])
    t.equal(await textOf(page, 'h1'), 'Sign in')
  })

  t.test('without scripts everything is there to read', async (t) => {
    const { page, origin } = await visit(t)
    await page.setJavaScriptEnabled(false)
    await page.goto(`${origin}/`)
    t.match(await textOf(page, '#nodes'), /web-4[\s\S]*Protected/)
  })

  t.test('a token that may not look is told whose would', async (t) => {
    const { page, origin } = await visit(t)
    await page.browserContext().deleteCookie(...(await page.browserContext().cookies()))
    await signIn(page, origin, pageToken({ user: 'system:serviceaccount:default:nosy' }))
    t.match(await textOf(page, '[role="alert"]'), /nosy may not look; ask for a token of .*viewer/)
  })
}
