/** Text that is HTML already. Only `html` makes it, so nothing else reaches a page unescaped. */
export class Html {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

export type Content = Html | string | number | undefined | false | readonly Content[]

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** A piece of a page: what is put in is escaped unless it is a piece itself; lists are joined, nothing is left out. */
export function html(parts: TemplateStringsArray, ...contents: readonly Content[]): Html {
  return new Html(
    parts.reduce((text, part, i) => text + part + (i < contents.length ? render(contents[i]) : ''), ''),
  )
}

function render(content: Content): string {
  if (content === undefined || content === false) return ''
  if (content instanceof Html) return content.text
  if (Array.isArray(content)) return content.map(render).join('')
  return String(content).replace(/[&<>"']/g, (letter) => entities[letter] ?? '')
}
