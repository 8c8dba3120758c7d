import type { Explanation } from '../../explain/explanation.ts'
import { alternativeText, headline, sentence, verdictText, whatIfText } from '../../explain/text.ts'
import { type Content, type Html, html } from './html.ts'
import { reasonsOf, subjectLink, time } from './parts.ts'

const mostMoves = 50

/** Everything there is to say about one pod, node or NodeGroup. */
export function explanationPage(explanation: Explanation): Html {
  const {
    decidedAt,
    since,
    until,
    reasons,
    moves = [],
    wouldChange,
    considered,
    history,
    kind,
    nodeGroup,
  } = explanation
  return html`<p class="back"><a href="/">All of the cluster</a>${
    kind !== 'group' && nodeGroup !== undefined && html` · ${subjectLink({ kind: 'group', name: nodeGroup })}`
  }</p>
<h1>${headline(explanation)}</h1>
<p class="fine">Decided at ${time(decidedAt)}${since !== undefined && html`, so since ${time(since)}`}${until !== undefined && html`, waits until ${time(until)}`}</p>
<section aria-labelledby="why"><h2 id="why">Why</h2>${reasonsOf(reasons, 20)}</section>
${part(
  'moves',
  'Where its pods go',
  moves.slice(0, mostMoves).map(({ pod, to }) => html`${subjectLink({ kind: 'pod', name: pod })} → ${to}`),
  '',
)}
${part('change', 'What would change it', wouldChange.map(whatIfText), 'Nothing that could be tried changes it.')}
${part('considered', 'What was considered', considered.map(alternativeText), '')}
${part(
  'before',
  'Before',
  history
    .slice(1)
    .map(({ at, verdict, reasons: then }) => html`${time(at)} ${verdictText(verdict)}: ${sentence(then)}`),
  '',
)}
<p class="fine">As JSON: <a href="/v1/explain?${kind}=${encodeURIComponent(explanation.name)}">/v1/explain</a></p>`
}

function part(id: string, title: string, items: readonly Content[], none: string): Content {
  if (items.length === 0 && none === '') return false
  return html`<section aria-labelledby="${id}"><h2 id="${id}">${title}</h2>
${items.length === 0 ? html`<p class="none">${none}</p>` : html`<ul class="plain">${items.map((item) => html`<li>${item}</li>\n`)}</ul>`}
</section>`
}
