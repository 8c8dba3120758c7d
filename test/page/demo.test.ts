import t from 'tap'
import { startProgram } from '../fixtures/process.ts'
import { looks, missingBrowser, openBrowser, openPage, signIn, violations } from './browser.ts'

const longestStoryMs = 300_000
t.setTimeout(longestStoryMs + 60_000)

const missing = missingBrowser()
if (missing) t.plan(0, missing)
else
  t.test('after the demo its page tells what happened, and why', async (t) => {
    const browser = await openBrowser()
    t.teardown(() => browser.close())
    const demo = startProgram('test/demo/main.ts', ['--keep', '--logs'])
    t.teardown(() => demo.stop('SIGKILL'))
    await demo.waitFor(/Sign in to the page/, longestStoryMs)
    const token = await demo.waitFor(/^[\w-]+\.[\w-]+\.[\w-]+$/)
    t.ok(
      demo.lines.some((line) => /^All as told, in \d+ s\.$/.test(line)),
      demo.lines.join('\n'),
    )

    const origins = demo.lines.flatMap((line) => /(http:\/\/127\.0\.0\.1:\d+)\/ and /.exec(line)?.[1] ?? [])
    t.ok(origins.length > 0)
    const leading: string[] = []
    for (const origin of origins) {
      const { page, wrongs } = await openPage(browser, looks['desktop, light'])
      await signIn(page, origin, token)
      t.same(await violations(page), [], 'nothing against what the page shows')
      const main = await page.$eval('main', (element) => element.textContent ?? '')
      if (main.includes('This replica stands by')) t.match(main, /The decisions are made by/)
      else {
        leading.push(origin)
        t.match(main, /kube-system\/reports/, 'the groups of the story')
        const bill = demo.lines.flatMap((line) => /owner; (\d+) a month/.exec(line)?.[1] ?? [])
        t.match(main, `Cost a month${bill[0]}.00`, 'what the bill says')
        t.match(main, /Decision log.*Replaced/s, 'what was decided')
        const [node = ''] = await page.$$eval('#nodes th a', (links) => links.map(({ href }) => href))
        await page.goto(node)
        t.match(await page.$eval('main', (element) => element.textContent ?? ''), /Why.*What was considered/s)
        t.same(await violations(page), [], 'nor against an explanation')
      }
      t.same(wrongs, [])
    }
    t.equal(leading.length, 1, 'one replica leads')
    t.equal(await demo.stop('SIGINT', 60_000), 0)
  })
