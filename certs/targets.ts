import type { X509Certificate } from 'node:crypto'
import { hasCode } from '../common/errors.ts'
import type { KubeClient } from '../common/kube/client.ts'
import type { ConfigMap, CustomResourceDefinition, WebhookConfiguration } from '../common/kube/objects.ts'
import { type Resource, resources } from '../common/kube/resources.ts'
import { decode, encode } from './authority.ts'
import { formatBundle, parseBundle, sameBundle, type Trust, wantedBundle } from './bundle.ts'
import { definitions, trustConfigMap, webhookConfiguration } from './names.ts'

interface Deps {
  client: KubeClient
}

/** An object that holds bundles for somebody who verifies our listeners. */
export interface Target {
  /** As a person would ask for it. */
  name: string
  /** One for each place in it; an empty place is an empty bundle. */
  bundles: readonly (readonly X509Certificate[])[]
  /** Writes these bundles, in the order of `bundles`; code `Conflict` if the object changed since it was read. */
  write(bundles: readonly (readonly X509Certificate[])[], signal: AbortSignal): Promise<void>
}

/** The targets of every installation, by name. */
export const alwaysThere = [
  `validatingwebhookconfigurations/${webhookConfiguration}`,
  `mutatingwebhookconfigurations/${webhookConfiguration}`,
  `configmaps/${trustConfigMap}`,
]

/** Reads every target there is. One that is not there yet gets its bundle by a run after its creation. */
export async function readTargets(deps: Deps, namespace: string, signal: AbortSignal): Promise<Target[]> {
  const targets = await Promise.all([
    readConfiguration(deps, resources.validatingWebhookConfigurations, signal),
    readConfiguration(deps, resources.mutatingWebhookConfigurations, signal),
    readTrust(deps, namespace, signal),
    ...definitions.map((name) => readConversion(deps, name, signal)),
  ])
  return targets.filter((target) => target !== undefined)
}

/** True if each bundle of the target holds what it must; `exactly` also that it holds no more. */
export function isServed({ bundles }: Target, trust: Trust, exactly: boolean): boolean {
  return bundles.every((live) => {
    const wanted = wantedBundle(live, trust)
    return exactly
      ? sameBundle(live, wanted)
      : sameBundle(wantedBundle(live, { ...trust, required: [] }), wanted)
  })
}

/** Writes the target if a bundle of it is not as it should be. Gives whether it did. */
export async function publishTo(target: Target, trust: Trust, signal: AbortSignal): Promise<boolean> {
  if (isServed(target, trust, true)) return false
  await target.write(
    target.bundles.map((live) => wantedBundle(live, trust)),
    signal,
  )
  return true
}

async function readConfiguration(
  { client }: Deps,
  resource: Resource<WebhookConfiguration>,
  signal: AbortSignal,
): Promise<Target | undefined> {
  const name = { name: webhookConfiguration }
  const object = await orAbsent(client.get(resource, name, signal))
  if (!object) return undefined
  const { webhooks = [], metadata } = object
  return {
    name: `${resource.plural}/${name.name}`,
    bundles: webhooks.map(({ clientConfig }) => parseBundle(decode(clientConfig.caBundle))),
    async write(bundles, signal) {
      // A merge patch replaces the whole list, so each entry goes back as it was read, and only at this version.
      const entries = webhooks.map((entry, i) => ({
        ...entry,
        clientConfig: { ...entry.clientConfig, caBundle: encode(formatBundle(bundles[i] ?? [])) },
      }))
      await client.patch(resource, name, { webhooks: entries }, versionOf(metadata), signal)
    },
  }
}

/** A CRD whose versions a webhook converts; ours have one version and none, until somebody adds another. */
async function readConversion(
  { client }: Deps,
  name: string,
  signal: AbortSignal,
): Promise<Target | undefined> {
  const object: CustomResourceDefinition | undefined = await orAbsent(
    client.get(resources.customResourceDefinitions, { name }, signal),
  )
  const { webhook } = object?.spec.conversion ?? {}
  if (!object || !webhook?.clientConfig) return undefined
  return {
    name: `customresourcedefinitions/${name}`,
    bundles: [parseBundle(decode(webhook.clientConfig.caBundle))],
    async write([bundle = []], signal) {
      const clientConfig = { caBundle: encode(formatBundle(bundle)) }
      const patch = { spec: { conversion: { webhook: { clientConfig } } } }
      await client.patch(
        resources.customResourceDefinitions,
        { name },
        patch,
        versionOf(object.metadata),
        signal,
      )
    },
  }
}

async function readTrust(
  { client }: Deps,
  namespace: string,
  signal: AbortSignal,
): Promise<Target | undefined> {
  const name = { namespace, name: trustConfigMap }
  const object: ConfigMap | undefined = await orAbsent(client.get(resources.configMaps, name, signal))
  if (!object) return undefined
  return {
    name: `configmaps/${trustConfigMap}`,
    bundles: [parseBundle(object.data?.['ca.crt'] ?? '')],
    async write([bundle = []], signal) {
      const patch = { data: { 'ca.crt': formatBundle(bundle) } }
      await client.patch(resources.configMaps, name, patch, versionOf(object.metadata), signal)
    },
  }
}

/** The precondition that an object is still as it was read. */
export function versionOf({ resourceVersion }: { resourceVersion?: string }): { resourceVersion?: string } {
  return resourceVersion === undefined ? {} : { resourceVersion }
}

async function orAbsent<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading
  } catch (error) {
    if (hasCode(error, 'NotFound')) return undefined
    throw error
  }
}
