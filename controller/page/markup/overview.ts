import { money } from '../../decide/money.ts'
import { verdictText } from '../../explain/text.ts'
import type { View } from '../view.ts'
import { type Content, type Html, html } from './html.ts'
import { badge, reasonsOf, rowsOf, subjectLink, tableSection, time } from './parts.ts'
import { sparkline } from './sparkline.ts'

/** The page at a glance, from what matters most to what is merely good to know. */
export function overview(view: View, query: string): Html {
  const { decision } = view
  return html`<h1 class="visually-hidden">Status</h1>
${decision ? tiles(view, decision) : standby(view)}
${decision?.isPaused && html`<p class="notice" role="note"><strong>Paused.</strong> Decisions and explanations go on, nothing is done.</p>`}
<form class="search" method="get" action="/" role="search">
<label for="q">Search</label><input id="q" name="q" type="search" value="${query}" maxlength="100" placeholder="name, verdict or reason code">
<button>Search</button>${query !== '' && html` <a href="/">Show all</a>`}
</form>
${groups(view)}${pods(view)}${machines(view)}${nodes(view)}${log(view)}`
}

function tile(id: string, label: string, value: Content, note: Content = ''): Html {
  return html`<div class="tile" id="${id}"><dt>${label}</dt><dd><span class="value">${value}</span>${note !== '' && html`<span class="note">${note}</span>`}</dd></div>\n`
}

function tiles(view: View, decision: NonNullable<View['decision']>): Html {
  const { now, planned } = decision.monthlyCost
  const ready = view.groups.reduce((sum, group) => sum + group.ready, 0)
  const current = view.groups.reduce((sum, group) => sum + group.current, 0)
  const difference = planned - now
  const change =
    difference === 0
      ? 'no change planned'
      : `${money(planned)} planned, ${difference > 0 ? '+' : '−'}${money(Math.abs(difference))}`
  return html`<section aria-label="At a glance" id="glance"><dl class="tiles">
${tile('tile-cost', 'Cost a month', money(now), change)}
${tile('tile-nodes', 'Nodes ready', `${ready} of ${current}`, actionsText(decision.actions))}
${tile('tile-pods', 'Pods that wait', decision.waitingPods)}
${agentsTile(view)}
${tile('tile-vpsie', 'VPSie API', view.vpsie === 'closed' ? 'reachable' : badge(view.vpsie), view.vpsie === 'closed' ? '' : 'its circuit breaker')}
${certificateTile(view)}
</dl>
<p class="fine">Decision ${decision.seq} at ${time(decision.at)} by ${view.replica}</p></section>`
}

function actionsText(actions: NonNullable<View['decision']>['actions']): string {
  if (actions.length === 0) return 'nothing to do'
  return actions
    .map(({ type, count, nodes, offering }) =>
      `${type} ${count ?? nodes?.length ?? ''} ${offering ?? ''}`.trim(),
    )
    .join(', ')
}

function agentsTile({ agents: { fresh, unknown } }: View): Html {
  return tile(
    'tile-agents',
    'Agents reporting',
    `${fresh} of ${fresh + unknown}`,
    unknown > 0 ? `${unknown} silent: their nodes are kept` : '',
  )
}

function certificateTile({ certificate }: View): Html | false {
  if (!certificate) return false
  return tile(
    'tile-certificate',
    'Certificate',
    `${certificate.daysLeft} days`,
    html`until ${time(certificate.notAfter)}`,
  )
}

function standby(view: View): Html {
  return html`<section aria-label="At a glance" id="glance">
<p class="notice" role="note"><strong>This replica stands by.</strong> ${
    view.leader === undefined
      ? 'Nobody leads just now, or the first decision is yet to come.'
      : html`The decisions are made by <strong>${view.leader}</strong>; look there.`
  }</p>
<dl class="tiles">${agentsTile(view)}${certificateTile(view)}</dl>
<p class="fine">Replica ${view.replica}</p></section>`
}

function groups(view: View): Html {
  return tableSection({
    id: 'groups',
    title: 'NodeGroups',
    none: 'No NodeGroup is labelled autoscaler.vpsie.com/managed=true.',
    columns: [
      { title: 'Name' },
      { title: 'Ready', kind: 'number' },
      { title: 'Now → wanted', kind: 'number' },
      { title: 'Min–max', kind: 'number wide' },
      { title: 'Cost a month', kind: 'number' },
      { title: 'Why', kind: 'wide' },
    ],
    rows: view.groups.map(({ name, min, max, current, target, ready, monthlyCost, reasons }) => [
      subjectLink({ kind: 'group', name }),
      ready,
      current === target ? current : html`${current} → <strong>${target}</strong>`,
      `${min}–${max}`,
      money(monthlyCost),
      reasonsOf(reasons),
    ]),
  })
}

function pods({ pods }: View): Html {
  return tableSection({
    id: 'pods',
    title: 'Pods without a node',
    none: 'Every pod has its node.',
    columns: [{ title: 'Pod' }, { title: 'Verdict' }, { title: 'Why' }, { title: 'Since', kind: 'wide' }],
    ...rowsOf(pods, ({ pod, verdict, node, reasons, since }) => [
      subjectLink({ kind: 'pod', name: pod }),
      html`${badge(verdict)}${node !== undefined && html` <span class="object">${node}</span>`}`,
      reasonsOf(reasons),
      time(since),
    ]),
  })
}

function machines({ machines }: View): Html {
  return tableSection({
    id: 'machines',
    title: 'Machines on their way',
    none: 'No machine is coming or going.',
    columns: [
      { title: 'VPSieNode' },
      { title: 'Phase' },
      { title: 'Size' },
      { title: 'NodeGroup', kind: 'wide' },
    ],
    ...rowsOf(machines, ({ name, phase, offering, nodeGroup }) => [
      name,
      badge(phase),
      offering,
      subjectLink({ kind: 'group', name: nodeGroup }),
    ]),
  })
}

function nodes({ nodes }: View): Html {
  return tableSection({
    id: 'nodes',
    title: 'Nodes',
    none: 'No node.',
    columns: [
      { title: 'Node' },
      { title: 'Verdict' },
      { title: 'Last hour' },
      { title: 'Size', kind: 'wide' },
      { title: 'Cost a month', kind: 'number wide' },
      { title: 'Why', kind: 'wide' },
      { title: 'Since', kind: 'wide' },
    ],
    ...rowsOf(
      nodes,
      ({ node, nodeGroup, verdict, usage, offering, monthlyPrice, reasons, since, isReady }) => [
        html`${subjectLink({ kind: 'node', name: node })}${nodeGroup !== undefined && html`<span class="sub">${nodeGroup}</span>`}`,
        html`${badge(verdict)}${!isReady && html` ${badge('not ready', 'bad')}`}`,
        sparkline(usage),
        offering,
        nodeGroup === undefined ? '' : money(monthlyPrice),
        reasonsOf(reasons),
        time(since),
      ],
    ),
  })
}

function log({ log }: View): Html {
  return tableSection({
    id: 'log',
    title: 'Decision log',
    none: 'Nothing has changed yet.',
    columns: [{ title: 'What' }, { title: 'Verdict' }, { title: 'Why' }, { title: 'When', kind: 'wide' }],
    ...rowsOf(log, ({ at, kind, name, verdict, reasons }) => [
      html`${subjectLink({ kind, name })}<span class="sub">${kind}</span>`,
      kind === 'group' ? verdictText(verdict) : badge(verdict),
      reasonsOf(reasons, 1),
      time(at),
    ]),
  })
}
