import { labels } from '../../common/api/names.ts'
import { isOf } from '../../common/api/ownership.ts'
import { toTimestamp } from '../../common/clock.ts'
import type { Node } from '../../common/kube/objects.ts'
import { keyOf } from '../../common/kube/resources.ts'
import { priceOf } from '../decide/groups.ts'
import { isReady, offeringOf } from '../decide/members.ts'
import type { Action, NodeDecision, Reason } from '../decide/plan.ts'
import type { ClusterState } from '../decide/state.ts'
import type { UsagePoint } from '../ingest/history.ts'
import type { UsageStore } from '../ingest/store.ts'
import { phaseOf } from '../nodes/claims.ts'
import type { Change, Decision, Records } from '../record/records.ts'
import type { VPSieClient } from '../vpsie/client.ts'

/** What a person sees at a glance; also `GET /v1/status`. Times are RFC 3339, money is per month. */
export interface View {
  at: string
  /** This replica, and who leads as far as is known. */
  replica: string
  leader?: string
  /** Absent on a replica that does not lead, and before its first decision. */
  decision?: {
    seq: number
    at: string
    monthlyCost: { now: number; planned: number }
    actions: readonly Action[]
    /** Pods that nothing there has room for, or that are left alone, whatever is searched for. */
    waitingPods: number
    isPaused: boolean
  }
  groups: readonly GroupRow[]
  nodes: Rows<NodeRow>
  /** Claims whose machine is not a ready Node yet, or no more. */
  machines: Rows<MachineRow>
  pods: Rows<PodRow>
  log: Rows<LogRow>
  agents: { fresh: number; unknown: number }
  vpsie: VPSieClient['breakerState']
  certificate?: { notAfter: string; daysLeft: number }
}

/** The first of a list, and how many there are besides. */
export interface Rows<T> {
  rows: readonly T[]
  omitted: number
}

export interface GroupRow {
  name: string
  min: number
  max: number
  current: number
  target: number
  ready: number
  monthlyCost: number
  reasons: readonly Reason[]
}

export interface NodeRow extends Omit<NodeDecision, 'evict' | 'moves'> {
  offering: string
  monthlyPrice: number
  isReady: boolean
  /** The last hour in equal parts, oldest first. */
  usage: readonly (UsagePoint | undefined)[]
}

export interface MachineRow {
  name: string
  nodeGroup: string
  offering: string
  phase: string
}

export interface PodRow {
  pod: string
  verdict: string
  node?: string
  reasons: readonly Reason[]
  since?: string
}

export interface LogRow extends Pick<Change, 'kind' | 'name' | 'verdict' | 'reasons'> {
  at: string
}

/** What a view is made of. */
export interface ViewParts {
  records: Pick<Records, 'last' | 'history' | 'since'>
  usage: Pick<UsageStore, 'agents' | 'series'>
  replica: string
  leader: string | undefined
  vpsie: View['vpsie']
  /** Milliseconds since the epoch. */
  certificateEnds: number | undefined
  now: number
}

const mostRows = 200
const usageParts = 30
const dayMs = 86_400_000

/** Looks at the last decision and what agents tell. `query` keeps rows that hold it in a name, verdict or reason code. */
export function viewOf(parts: ViewParts, query = ''): View {
  const { records, usage, replica, leader, vpsie, certificateEnds, now } = parts
  const agents = usage.agents()
  const fresh = agents.filter(({ freshness }) => freshness === 'fresh').length
  return {
    at: toTimestamp(now),
    replica,
    ...(leader !== undefined && { leader }),
    ...decided(records, usage, filterOf(query)),
    agents: { fresh, unknown: agents.length - fresh },
    vpsie,
    ...(certificateEnds !== undefined && {
      certificate: {
        notAfter: toTimestamp(certificateEnds),
        daysLeft: Math.floor((certificateEnds - now) / dayMs),
      },
    }),
  }
}

type Decided = Pick<View, 'decision' | 'groups' | 'nodes' | 'machines' | 'pods' | 'log'>

function decided(
  { last, history, since }: ViewParts['records'],
  usage: ViewParts['usage'],
  filter: Filter,
): Decided {
  const none = { rows: [], omitted: 0 }
  if (!last) return { groups: [], nodes: none, machines: none, pods: none, log: none }
  const { seq, state, plan } = last
  const pods = podRows(last, since)
  return {
    decision: {
      seq,
      at: plan.at,
      monthlyCost: plan.monthlyCost,
      actions: plan.actions,
      waitingPods: pods.filter(({ verdict }) => verdict !== 'fits').length,
      isPaused: state.autoscalerConfig?.spec.globalSettings?.paused === true,
    },
    groups: groupRows(last),
    nodes: first(
      nodeRows(last, since).filter(({ node, verdict, reasons, nodeGroup }) =>
        filter([node, nodeGroup, verdict], reasons),
      ),
      (row) => ({
        ...row,
        usage: usage.series(row.node, usageParts),
      }),
    ),
    machines: first(
      machineRows(state).filter(({ name, nodeGroup, phase }) => filter([name, nodeGroup, phase], [])),
    ),
    pods: first(pods.filter(({ pod, verdict, reasons }) => filter([pod, verdict], reasons))),
    log: first(
      history
        .flatMap(({ at, changes }) =>
          changes.map(({ kind, name, verdict, reasons }) => ({ at, kind, name, verdict, reasons })),
        )
        .reverse()
        .filter(({ name, verdict, reasons }) => filter([name, verdict], reasons)),
    ),
  }
}

type Filter = (texts: readonly (string | undefined)[], reasons: readonly Reason[]) => boolean

function filterOf(query: string): Filter {
  const wanted = query.trim().toLowerCase()
  if (wanted === '') return () => true
  return (texts, reasons) =>
    [...texts, ...reasons.map(({ code }) => code)].some((text) => text?.toLowerCase().includes(wanted))
}

function first<T, U = T>(all: readonly T[], complete: (row: T) => U = (row) => row as unknown as U): Rows<U> {
  return { rows: all.slice(0, mostRows).map(complete), omitted: Math.max(0, all.length - mostRows) }
}

function groupRows({ state, plan }: Decision): GroupRow[] {
  const decisions = new Map(plan.groups.map((group) => [group.nodeGroup, group]))
  return state.nodeGroups.map((nodeGroup) => {
    const name = keyOf(nodeGroup)
    const { current = 0, target = 0, monthlyCost = 0, reasons = [] } = decisions.get(name) ?? {}
    const claims = state.vpsieNodes.filter((claim) => isOf(claim, nodeGroup))
    return {
      name,
      min: nodeGroup.spec.minNodes ?? 0,
      max: nodeGroup.spec.maxNodes,
      current,
      target,
      ready: claims.filter((claim) => phaseOf(claim) === 'Ready').length,
      monthlyCost,
      reasons,
    }
  })
}

/** Those that are not simply kept come first. */
function nodeRows({ state, plan }: Decision, since: Records['since']): Omit<NodeRow, 'usage'>[] {
  const nodes = new Map(state.nodes.map((node) => [node.metadata.name, node]))
  const rank = ({ verdict, nodeGroup }: NodeDecision) => (verdict !== 'keep' ? 0 : nodeGroup ? 1 : 2)
  return [...plan.nodes]
    .sort((a, b) => rank(a) - rank(b))
    .map(({ evict: _, moves: __, ...decision }) => {
      const node = nodes.get(decision.node)
      const known = decision.since ?? since('node', decision.node)
      return {
        ...decision,
        ...(known !== undefined && { since: known }),
        offering: node ? offeringOf(node) : '',
        monthlyPrice: node && decision.nodeGroup ? priceOf(sizeOf(node), state.offerings) : 0,
        isReady: node !== undefined && isReady(node),
      }
    })
}

function sizeOf(node: Node): { offering: string; datacenterID: string | undefined } {
  return { offering: offeringOf(node), datacenterID: node.metadata.labels?.[labels.datacenter] }
}

function machineRows({ vpsieNodes }: ClusterState): MachineRow[] {
  return vpsieNodes
    .filter((claim) => phaseOf(claim) !== 'Ready')
    .map((claim) => ({
      name: claim.metadata.name,
      nodeGroup: `${claim.metadata.namespace}/${claim.spec.nodeGroupName}`,
      offering: claim.spec.instanceType,
      phase: phaseOf(claim),
    }))
}

/** Pods without a node that wait for something, those that nothing is done for first. */
function podRows({ plan }: Decision, since: Records['since']): PodRow[] {
  const order = ['unschedulable', 'ignored', 'scaleUp', 'fits']
  return plan.pods
    .filter(({ verdict, reasons }) => verdict !== 'bound' && reasons[0]?.code !== 'NotUnschedulable')
    .sort((a, b) => order.indexOf(a.verdict) - order.indexOf(b.verdict))
    .map(({ pod, verdict, node, reasons }) => {
      const known = since('pod', pod)
      return {
        pod,
        verdict,
        ...(node !== undefined && { node }),
        reasons,
        ...(known !== undefined && { since: known }),
      }
    })
}
