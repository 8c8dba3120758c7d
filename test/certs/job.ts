import { X509Certificate } from 'node:crypto'
import { decode } from '../../certs/authority.ts'
import { isSignedBy, parseBundle } from '../../certs/bundle.ts'
import { type Command, runCommand } from '../../certs/commands.ts'
import { leafSecrets } from '../../certs/names.ts'
import { certsOptions } from '../../certs/options.ts'
import type { Secret, WebhookConfiguration } from '../../common/kube/objects.ts'
import { resources } from '../../common/kube/resources.ts'
import { parseOptions } from '../../common/options.ts'
import { type VirtualClock, virtualClock } from '../fixtures/clock.ts'
import { type ClientCall, storeClient } from '../fixtures/kube-client.ts'
import { captureLog } from '../fixtures/log.ts'
import { createStore, type Store } from '../simulators/kubernetes/store.ts'

export const namespace = 'kube-system'
export const minute = 60_000
export const day = 24 * 60 * minute

/** A cluster with what the manifests bring for the job to write to. */
export function cluster() {
  const clock = virtualClock()
  const store = createStore({ clock })
  for (const resource of [
    resources.validatingWebhookConfigurations,
    resources.mutatingWebhookConfigurations,
  ]) {
    const service = { name: 'vpsie-autoscaler-webhook', namespace, path: '/x' }
    const webhooks = ['one', 'two'].map((name) => ({ name, clientConfig: { service }, timeoutSeconds: 3 }))
    store.create<WebhookConfiguration>(resource, { metadata: { name: 'vpsie-autoscaler-webhook' }, webhooks })
  }
  store.create('configmaps', { metadata: { name: 'vpsie-autoscaler-trust', namespace } })
  return { clock, store }
}

interface RunOptions {
  before?: (call: ClientCall) => void
  events?: string[]
}

/** Runs a command to its end, however long it waits. */
export async function run(
  { clock, store }: { clock: VirtualClock; store: Store },
  command: Command,
  flags: string[] = [],
  { before = () => undefined, events = [] }: RunOptions = {},
): Promise<number> {
  const deps = {
    client: storeClient(store, { before }),
    clock,
    log: captureLog().log,
    events: { record: (_: unknown, __: string, reason: string) => void events.push(reason) },
    print: () => undefined,
  }
  let isOver = false
  const options = parseOptions(certsOptions, flags)
  const running = runCommand(deps, command, options, new AbortController().signal).finally(() => {
    isOver = true
  })
  running.catch(() => undefined) // looked at below
  for (let waited = 0; !isOver && waited < 10_000; waited++) await clock.advance(minute)
  return running
}

export function bundles(store: Store): X509Certificate[][] {
  const configurations = [resources.validatingWebhookConfigurations, resources.mutatingWebhookConfigurations]
  const texts = configurations.flatMap((resource) =>
    (store.get<WebhookConfiguration>(resource, { name: 'vpsie-autoscaler-webhook' }).webhooks ?? []).map(
      ({ clientConfig }) => decode(clientConfig.caBundle),
    ),
  )
  const trust = store.get<Secret>('configmaps', { namespace, name: 'vpsie-autoscaler-trust' }).data?.[
    'ca.crt'
  ]
  return [...texts, trust ?? ''].map(parseBundle)
}

export function served(store: Store, name: keyof typeof leafSecrets): X509Certificate | undefined {
  const { data = {} } = store.find<Secret>('secrets', { namespace, name: leafSecrets[name] }) ?? {
    data: undefined,
  }
  return data['tls.crt'] ? new X509Certificate(decode(data['tls.crt'])) : undefined
}

const known = new WeakMap<Store, { revision: number; trusted: boolean }>()

/** Everybody who verifies trusts everything that is served. Looked at anew only where the store has changed. */
export function isTrusted(store: Store): boolean {
  const { revision } = store
  const last = known.get(store)
  if (last?.revision === revision) return last.trusted
  const trusted = trustsWhatIsServed(store)
  known.set(store, { revision, trusted })
  return trusted
}

function trustsWhatIsServed(store: Store): boolean {
  return (['webhook', 'ingest'] as const).every((name) => {
    const leaf = served(store, name)
    return !leaf || bundles(store).every((bundle) => bundle.some((authority) => isSignedBy(leaf, authority)))
  })
}

export function damage(store: Store, name: string, data: Record<string, string | null>): void {
  store.patch('secrets', { namespace, name }, { data })
}
