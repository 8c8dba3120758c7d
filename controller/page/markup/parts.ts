import type { Reason } from '../../decide/plan.ts'
import type { Subject } from '../../explain/explanation.ts'
import type { Rows } from '../view.ts'
import { type Content, type Html, html } from './html.ts'

/** A moment as people write it; the script of a page makes it local. */
export function time(timestamp: string | undefined): Content {
  if (timestamp === undefined) return ''
  const text = timestamp.replace('T', ' ').replace(/(\.\d+)?Z$/, ' UTC')
  return html`<time datetime="${timestamp}">${text}</time>`
}

/** What can be asked about, with the way to its explanation. */
export function subjectLink({ kind, name }: Subject, text: string = name): Html {
  return html`<a href="/explain?${kind}=${encodeURIComponent(name)}">${text}</a>`
}

const tones: Readonly<Record<string, string>> = {
  remove: 'warn',
  replace: 'warn',
  unschedulable: 'bad',
  scaleUp: 'good',
  fits: 'good',
  Failed: 'bad',
  open: 'bad',
  'half-open': 'warn',
}

/** A word that stands out. */
export function badge(word: string, tone: string | undefined = tones[word]): Html {
  return html`<span class="badge ${tone ?? 'plain'}">${word}</span>`
}

/** Reason codes with their sentences. */
export function reasonsOf(reasons: readonly Reason[], most = 3): Content {
  return html`${reasons
    .slice(0, most)
    .map(
      ({ code, message, object }) =>
        html`<p class="reason"><code>${code}</code> ${object !== undefined && html`<span class="object">${object}</span> `}${message}</p>`,
    )}${reasons.length > most && html`<p class="reason">and ${reasons.length - most} more</p>`}`
}

export interface Column {
  title: string
  /** `number` is set to the right; `wide` is left out where there is no room. */
  kind?: 'number' | 'wide' | 'number wide'
}

/** A section with a table; `rows` are lists of cells, the first of which names the row. */
export function tableSection({
  id,
  title,
  columns,
  rows,
  omitted = 0,
  none,
}: {
  id: string
  title: string
  columns: readonly Column[]
  rows: readonly (readonly Content[])[]
  omitted?: number
  /** Said where there is no row. */
  none: string
}): Html {
  const cell = (content: Content, i: number) => {
    const kind = columns[i]?.kind
    const attribute = kind !== undefined && html` class="${kind}"`
    return i === 0 ? html`<th scope="row"${attribute}>${content}</th>` : html`<td${attribute}>${content}</td>`
  }
  const head = columns.map(
    ({ title: text, kind }) =>
      html`<th scope="col"${kind !== undefined && html` class="${kind}"`}>${text}</th>`,
  )
  return html`<section id="${id}">
<h2 id="${id}-title">${title} <span class="count">${rows.length + omitted}</span></h2>
${
  rows.length === 0
    ? html`<p class="none">${none}</p>`
    : html`<div class="scroll" role="region" aria-labelledby="${id}-title" tabindex="0"><table aria-labelledby="${id}-title">
<thead><tr>${head}</tr></thead>
<tbody>${rows.map((cells) => html`<tr>${cells.map(cell)}</tr>\n`)}</tbody>
</table></div>`
}
${omitted > 0 && html`<p class="none">and ${omitted} more; search to see them</p>`}
</section>
`
}

/** The rows of a view as a section's. */
export function rowsOf<T>({ rows, omitted }: Rows<T>, cells: (row: T) => readonly Content[]) {
  return { rows: rows.map(cells), omitted }
}
