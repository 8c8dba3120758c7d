import { type builtInVariables, renderCloudInit, variablesOf } from '../../common/api/cloud-init.ts'
import type { NodeGroup } from '../../common/api/nodegroup.ts'
import { wantedLabels } from '../../common/api/ownership.ts'
import type { VPSieNode } from '../../common/api/vpsienode.ts'
import { hasCode, InputError } from '../../common/errors.ts'
import { resources } from '../../common/kube/resources.ts'
import type { ControllerDeps } from '../deps.ts'
import type { MachineHint, Offer, Pool } from '../vpsie/provider.ts'
import { makeToken } from './bootstrap-token.ts'
import type { ClusterView } from './machines.ts'

type PurchaseDeps = Pick<ControllerDeps, 'client' | 'provider' | 'clock' | 'log' | 'options'>

/** An order that is ready to be sent, once. */
export interface Purchase {
  /** What the claim must say of it before it is sent. */
  spec: { vpsieGroupID?: number }
  send(signal: AbortSignal): Promise<MachineHint>
}

/**
 * Prepares the order of a claim's machine: a worker in the pool of its size, or a plain VPS with its cloud-init.
 * Undefined if it cannot be sent yet. Rejects with an `InputError`, or what VPSie says, if it never can.
 */
export async function preparePurchase(
  deps: PurchaseDeps,
  claim: VPSieNode,
  nodeGroup: NodeGroup | undefined,
  view: ClusterView,
  offer: Offer,
  signal: AbortSignal,
): Promise<Purchase | undefined> {
  if (view.fleet.kind === 'vm')
    return nodeGroup ? prepareVM(deps, claim, nodeGroup, offer, signal) : undefined
  const pool = await ensurePool(view, offer.id, claim.spec.instanceType, signal)
  return (
    pool && {
      spec: { vpsieGroupID: pool.id },
      send: (sending) => deps.provider.addWorker(view.fleet.id, pool.id, sending),
    }
  )
}

/** The pool of a size: VPSie has one per size and cluster, shared by all NodeGroups; made when absent. */
async function ensurePool(
  view: ClusterView,
  sizeID: number,
  name: string,
  signal: AbortSignal,
): Promise<Pool | undefined> {
  const among = (pools: readonly Pool[]) => pools.find((pool) => pool.sizeID === sizeID)
  const found = among(await view.pools())
  if (found) return found
  try {
    await view.fleet.createPool({ name: `size-${name}`, sizeID }, signal)
  } catch (error) {
    if (!hasCode(error, 'AlreadyExists')) throw error
  }
  // VPSie hands back no id; when even the new list lacks the pool, the next pass looks again.
  return among(await view.poolsAnew())
}

async function prepareVM(
  deps: PurchaseDeps,
  claim: VPSieNode,
  nodeGroup: NodeGroup,
  offer: Offer,
  signal: AbortSignal,
): Promise<Purchase> {
  const { spec, metadata } = nodeGroup
  if (!spec.osImageID) throw new InputError('spec.osImageID', 'must name the image of the machines')
  const { template, path } = await readTemplate(deps, nodeGroup, signal)
  const needsToken = variablesOf(template).has('bootstrapToken')
  // Rendered before a token is made for it, so that a mistake in it makes none.
  const render = (bootstrapToken: string) =>
    renderCloudInit(
      template,
      { ...spec.cloudInit?.variables, ...builtIns(claim, nodeGroup), bootstrapToken },
      path,
    )
  render('abcdef.0123456789abcdef')
  const token = needsToken ? await makeToken(deps, claim, signal) : ''
  const order = {
    hostname: claim.metadata.name,
    projectID: claim.spec.project,
    datacenterID: claim.spec.datacenterID,
    // One dialect knows sizes by identifier, the other by number.
    sizeIdentifier: offer.identifier ?? String(offer.id),
    osImageID: spec.osImageID,
    sshKeyIDs: spec.sshKeyIDs ?? [],
    tags: spec.tags ?? [],
    notes: spec.notes ?? `NodeGroup ${metadata.namespace}/${metadata.name}`,
    userData: render(token),
    secrets: token === '' ? [] : [token],
  }
  return { spec: {}, send: (sending) => deps.provider.createVM(order, sending) }
}

async function readTemplate(
  { client }: PurchaseDeps,
  { spec, metadata }: NodeGroup,
  signal: AbortSignal,
): Promise<{ template: string; path: string }> {
  const { template, configMapRef } = spec.cloudInit ?? {}
  if (template !== undefined) return { template, path: 'spec.cloudInit.template' }
  if (!configMapRef) throw new InputError('spec.cloudInit', 'must have a template or a configMapRef')
  const { name, key } = configMapRef
  const path = `ConfigMap ${metadata.namespace}/${name}, key ${key}`
  const object = { name, ...(metadata.namespace ? { namespace: metadata.namespace } : {}) }
  const { data } = await client.get(resources.configMaps, object, signal)
  const text = data?.[key]
  if (text === undefined) throw new InputError(path, 'does not exist')
  return { template: text, path }
}

function builtIns(
  claim: VPSieNode,
  nodeGroup: NodeGroup,
): Record<Exclude<(typeof builtInVariables)[number], 'bootstrapToken'>, string> {
  const taints = [...(nodeGroup.spec.taints ?? []), ...(nodeGroup.spec.startupTaints ?? [])]
  return {
    hostname: claim.metadata.name,
    vpsieNode: claim.metadata.name,
    nodeGroup: nodeGroup.metadata.name,
    datacenter: claim.spec.datacenterID,
    offering: claim.spec.instanceType,
    kubernetesVersion: claim.spec.kubernetesVersion,
    nodeLabels: Object.entries(wantedLabels(claim, nodeGroup))
      .map(([key, value]) => `${key}=${value}`)
      .join(','),
    nodeTaints: taints.map(({ key, value = '', effect }) => `${key}=${value}:${effect}`).join(','),
  }
}
