import fc from 'fast-check'
import t from 'tap'
import { html } from '../../../controller/page/markup/html.ts'

t.test('no text gets out of its place, in content or in an attribute', async () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('<', '>', '"', "'", '&', 'a', '/', '`') }), (text) => {
      const { text: page } = html`<a href="${text}">${text}</a>`
      const [, attribute = '', content = ''] = /^<a href="([^"<>']*)">([^"<>']*)<\/a>$/.exec(page) ?? []
      const read = (escaped: string) =>
        escaped
          .replaceAll('&lt;', '<')
          .replaceAll('&gt;', '>')
          .replaceAll('&quot;', '"')
          .replaceAll('&#39;', "'")
          .replaceAll('&amp;', '&')
      return read(attribute) === text && read(content) === text
    }),
  )
})

t.test('pieces stay pieces, lists are joined, and what is not there leaves nothing', async (t) => {
  const items = ['a', '<b>'].map((text) => html`<li>${text}</li>`)
  t.equal(html`<ul>${items}${false}${undefined}${0}</ul>`.text, '<ul><li>a</li><li>&lt;b&gt;</li>0</ul>')
})
