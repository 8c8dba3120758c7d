import { X509Certificate } from 'node:crypto'
import { kinds } from '../../common/api/crd.ts'
import { group, labels } from '../../common/api/names.ts'
import { fromTimestamp, toTimestamp } from '../../common/clock.ts'
import { hasCode } from '../../common/errors.ts'
import { resources } from '../../common/kube/resources.ts'
import type { DoctorDeps } from './doctor.ts'
import { type Finding, failed, ok, warning } from './finding.ts'

const applyAgain = 'apply the manifests again: kubectl apply -k manifests/base'

/** The three kinds are there, and the API server serves them. */
export async function definitions({ client }: DoctorDeps, signal: AbortSignal): Promise<Finding[]> {
  const { items } = await client.list(resources.customResourceDefinitions, {}, signal)
  return kinds.map(({ resource }) => {
    const name = `${resource.plural}.${group}`
    const found = items.find(({ metadata }) => metadata.name === name)
    if (!found) return failed(`definition ${name}`, 'it does not exist', 'kubectl apply -k manifests/crds')
    const conditions = (found as { status?: { conditions?: { type: string; status: string }[] } }).status
      ?.conditions
    const isServed =
      conditions?.some(({ type, status }) => type === 'Established' && status === 'True') ?? true
    return isServed
      ? ok(`definition ${name}`, 'it is served')
      : failed(`definition ${name}`, 'it is not established', `kubectl describe crd ${name}`)
  })
}

/** What the controller's account must be able to do, as the API server sees it. */
const rights = [
  ['list', '', 'pods'],
  ['watch', '', 'nodes'],
  ['patch', '', 'nodes'],
  ['delete', '', 'nodes'],
  ['create', '', 'pods/eviction'],
  ['list', 'policy', 'poddisruptionbudgets'],
  ['create', 'autoscaler.vpsie.com', 'vpsienodes'],
  ['patch', 'autoscaler.vpsie.com', 'nodegroups/status'],
  ['create', 'authentication.k8s.io', 'tokenreviews'],
  ['create', '', 'events'],
] as const

const account = 'system:serviceaccount:kube-system:vpsie-autoscaler-controller'

export async function permissions({ client, options }: DoctorDeps, signal: AbortSignal): Promise<Finding[]> {
  const [namespace = ''] = options.namespaces
  const lacking: string[] = []
  for (const [verb, group, whole] of rights) {
    const [resource, subresource] = whole.split('/')
    const resourceAttributes = { verb, group, resource, namespace, ...(subresource ? { subresource } : {}) }
    const spec = {
      user: account,
      groups: ['system:serviceaccounts', 'system:authenticated'],
      resourceAttributes,
    }
    const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec }
    const path = '/apis/authorization.k8s.io/v1/subjectaccessreviews'
    const { status } = await client.post<{ status?: { allowed?: boolean } }>(path, review, signal)
    if (!status?.allowed) lacking.push(`${verb} ${whole}`)
  }
  return lacking.length === 0
    ? [ok('permissions', `the controller may do all ${rights.length} things that were asked about`)]
    : [failed('permissions', `the controller may not: ${lacking.join(', ')}`, applyAgain)]
}

/** Somebody leads, it is one of ours, and its clock is near this one. */
export async function leader(
  { client, clock, options }: DoctorDeps,
  signal: AbortSignal,
): Promise<Finding[]> {
  const name = { namespace: options['leader-election-namespace'], name: options['leader-election-id'] }
  const pods = await client.list(
    resources.pods,
    { namespace: name.namespace, labelSelector: 'app.kubernetes.io/component=controller' },
    signal,
  )
  const lease = await found(client.get(resources.leases, name, signal))
  const { holderIdentity = '', renewTime, leaseDurationSeconds = 15 } = lease?.spec ?? {}
  const silentMs = clock.now() - (fromTimestamp(renewTime ?? undefined) ?? 0)
  if (!lease || holderIdentity === '' || silentMs > 2000 * leaseDurationSeconds)
    return [
      failed(
        'leader',
        'no controller leads',
        'kubectl -n kube-system get pods -l app.kubernetes.io/component=controller',
      ),
    ]
  const host = holderIdentity.replace(/_[^_]*$/, '')
  const isOurs = pods.items.some(({ metadata }) => metadata.name === host)
  const findings = isOurs
    ? [ok('leader', `pod ${host} leads`)]
    : [
        failed(
          'leader',
          `"${holderIdentity}" holds the lease and is no pod of this autoscaler`,
          'another autoscaler still runs: scale it to 0',
        ),
      ]
  if (silentMs < -5000)
    findings.push(
      warning(
        'clock',
        `the leader's clock is ${Math.round(-silentMs / 1000)} s ahead of this one (${toTimestamp(clock.now())})`,
        'let both keep time by NTP',
      ),
    )
  return findings
}

const ours = 'vpsie-autoscaler-webhook'
// The Go autoscaler's, of which the API server keeps asking while it stands in a configuration, ours by name or not.
const nodeDeletion = '/validate/node-deletion'

/** Ours can be verified by the API server, and none of an older autoscaler is left. */
export async function webhooks({ client }: DoctorDeps, signal: AbortSignal): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const resource of [
    resources.validatingWebhookConfigurations,
    resources.mutatingWebhookConfigurations,
  ]) {
    const about = resource.kind
    const { items } = await client.list(resource, {}, signal)
    const own = items.find(({ metadata }) => metadata.name === ours)
    const bare = (own?.webhooks ?? [])
      .filter(({ clientConfig }) => !clientConfig.caBundle)
      .map(({ name }) => name)
    if (!own) findings.push(failed(about, `${ours} does not exist`, applyAgain))
    else if (bare.length > 0)
      findings.push(
        failed(
          about,
          `${bare.join(', ')} has no caBundle, so calls are refused`,
          'look at the jobs of the CronJob vpsie-autoscaler-certs',
        ),
      )
    else if (own.webhooks?.some(({ clientConfig }) => clientConfig.service?.path === nodeDeletion))
      findings.push(
        failed(
          about,
          `${ours} still has a webhook of an older autoscaler, which nobody answers, so no Node can be deleted`,
          `kubectl delete ${resource.kind.toLowerCase()} ${ours}, then ${applyAgain}`,
        ),
      )
    else findings.push(ok(about, `${own.webhooks?.length ?? 0} webhooks, each with its authority`))
    for (const { metadata, webhooks = [] } of items) {
      if (metadata.name === ours || !webhooks.some(({ name }) => name.endsWith('.autoscaler.vpsie.com')))
        continue
      findings.push(
        failed(
          about,
          `${metadata.name} is left of an older autoscaler`,
          `kubectl delete ${resource.kind.toLowerCase()} ${metadata.name}`,
        ),
      )
    }
  }
  return findings
}

const served = ['vpsie-autoscaler-webhook-tls', 'vpsie-autoscaler-ingest-tls']
const dayMs = 86_400_000

export async function certificates(
  { client, clock, options }: DoctorDeps,
  signal: AbortSignal,
): Promise<Finding[]> {
  const namespace = options['leader-election-namespace']
  const rotate = 'node certs/main.ts rotate --force'
  return Promise.all(
    served.map(async (name) => {
      const about = `certificate ${name}`
      const secret = await found(client.get(resources.secrets, { namespace, name }, signal))
      const pem = Buffer.from(secret?.data?.['tls.crt'] ?? '', 'base64').toString()
      if (pem.trim() === '')
        return failed(about, 'there is none', 'look at the jobs of the CronJob vpsie-autoscaler-certs')
      const left = Date.parse(new X509Certificate(pem).validTo) - clock.now()
      if (left <= 0) return failed(about, 'it has expired', rotate)
      const days = Math.floor(left / dayMs)
      return days < 5
        ? warning(about, `it ends in ${days} days`, rotate)
        : ok(about, `it is good for ${days} days`)
    }),
  )
}

/** An agent runs on each Node. */
export async function agents({ client, options }: DoctorDeps, signal: AbortSignal): Promise<Finding[]> {
  const name = { namespace: options['leader-election-namespace'], name: 'vpsie-autoscaler-agent' }
  const set = await found(client.get(resources.daemonSets, name, signal))
  if (!set) return [failed('agents', 'the DaemonSet does not exist, so no node is ever removed', applyAgain)]
  const { status = {} } = set as { status?: { desiredNumberScheduled?: number; numberReady?: number } }
  const { desiredNumberScheduled: wanted = 0, numberReady: ready = 0 } = status
  const { items } = await client.list(resources.nodes, { labelSelector: `${labels.managed}=true` }, signal)
  return ready < wanted
    ? [
        warning(
          'agents',
          `${ready} of ${wanted} are ready; nodes without one are kept`,
          'kubectl -n kube-system get pods -l app.kubernetes.io/component=agent -o wide',
        ),
      ]
    : [ok('agents', `${ready} are ready, ${items.length} nodes are managed`)]
}

/** The object; undefined if there is none. */
async function found<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading
  } catch (error) {
    if (hasCode(error, 'NotFound')) return undefined
    throw error
  }
}
