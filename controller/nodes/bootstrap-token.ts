import { createHash, randomInt } from 'node:crypto'
import { labels } from '../../common/api/names.ts'
import type { VPSieNode } from '../../common/api/vpsienode.ts'
import { toTimestamp } from '../../common/clock.ts'
import { hasCode, TerminalError } from '../../common/errors.ts'
import type { Secret } from '../../common/kube/objects.ts'
import { resources } from '../../common/kube/resources.ts'
import type { ControllerDeps } from '../deps.ts'

type TokenDeps = Pick<ControllerDeps, 'client' | 'clock' | 'log' | 'options'>

// Where Kubernetes looks for them, kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens.
const namespace = 'kube-system'
const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789'

/**
 * Makes a bootstrap token for the machine of one claim, `id.secret`. Its id follows from the claim, so that nobody has
 * to look for it: a token of an earlier try is replaced, and revoking needs no list. It ends by itself when the machine
 * would be out of time.
 */
export async function makeToken(deps: TokenDeps, claim: VPSieNode, signal: AbortSignal): Promise<string> {
  const { client, clock, options } = deps
  try {
    await revokeToken(deps, claim, signal)
  } catch (cause) {
    if (!hasCode(cause, 'Forbidden')) throw cause
    const message = 'bootstrap tokens may not be made: the component manifests/vm-mode has the rights for it'
    throw new TerminalError(message, { code: 'Forbidden', cause })
  }
  const id = tokenID(claim)
  const secret = Array.from({ length: 16 }, () => alphabet[randomInt(alphabet.length)]).join('')
  const lifeMs = options['launch-timeout'] + options['join-timeout']
  const text = {
    'token-id': id,
    'token-secret': secret,
    expiration: toTimestamp(clock.now() + lifeMs),
    'usage-bootstrap-authentication': 'true',
    'usage-bootstrap-signing': 'true',
    'auth-extra-groups': 'system:bootstrappers:kubeadm:default-node-token',
    description: `the machine of VPSieNode ${claim.metadata.namespace}/${claim.metadata.name}`,
  }
  const data = Object.fromEntries(
    Object.entries(text).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
  )
  const object: Secret & { type: string } = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      namespace,
      name: `bootstrap-token-${id}`,
      labels: { [labels.managed]: 'true', [labels.vpsieNode]: claim.metadata.name },
    },
    type: 'bootstrap.kubernetes.io/token',
    data,
  }
  await client.create(resources.secrets, object, signal)
  return `${id}.${secret}`
}

/** Takes the claim's token back; one that is not there is a success. */
export async function revokeToken(
  { client }: TokenDeps,
  claim: VPSieNode,
  signal: AbortSignal,
): Promise<void> {
  try {
    await client.delete(
      resources.secrets,
      { namespace, name: `bootstrap-token-${tokenID(claim)}` },
      {},
      signal,
    )
  } catch (error) {
    if (!hasCode(error, 'NotFound')) throw error
  }
}

// 6 characters of [a-z0-9] are Kubernetes' form; 36^6 of them make two claims of one id unlikely.
function tokenID({ metadata }: VPSieNode): string {
  const digest = createHash('sha256').update(`${metadata.uid}`).digest()
  return Array.from({ length: 6 }, (_, i) => alphabet[(digest[i] ?? 0) % alphabet.length]).join('')
}
