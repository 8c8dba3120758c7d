import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pageToken, startTestPage } from '../fixtures/page.ts'
import { looks, openBrowser, openPage, signIn } from './browser.ts'
import { reportUsage, shop } from './state.ts'

interface Picture {
  name: string
  look: keyof typeof looks
  path: string
  /** Only this element. */
  part?: string
}

const pictures: readonly Picture[] = [
  { name: 'light', look: 'desktop, light', path: '/' },
  { name: 'nodes', look: 'desktop, dark', path: '/', part: '#nodes' },
  { name: 'phone', look: 'phone, dark', path: '/' },
  { name: 'explanation', look: 'desktop, light', path: '/explain?node=web-3' },
]

/** `node test/page/screenshots.ts [FOLDER]` takes the pictures of docs/status-page.md. */
const folder = process.argv[2] ?? join(import.meta.dirname, '../../docs/images')
await mkdir(folder, { recursive: true })
const page = await startTestPage()
const browser = await openBrowser()
try {
  reportUsage(page, ['web-1', 'web-2', 'web-3', 'web-4'])
  page.decide(shop({ pods: [] }))
  page.decide(shop())
  const origin = `http://127.0.0.1:${page.port}`
  for (const { name, look, path, part } of pictures) {
    const { page: tab } = await openPage(browser, looks[look])
    await signIn(tab, origin, pageToken())
    await tab.goto(`${origin}${path}`)
    const target = part === undefined ? tab : await tab.$(part)
    await target?.screenshot({ path: join(folder, `status-page-${name}.png`) as `${string}.png` })
  }
} finally {
  await browser.close()
  await page.stop()
}
