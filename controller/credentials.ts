import type { Clock } from '../common/clock.ts'
import { errorText, TerminalError } from '../common/errors.ts'
import { startCache } from '../common/kube/cache.ts'
import type { KubeClient } from '../common/kube/client.ts'
import { resources } from '../common/kube/resources.ts'
import type { Logger } from '../common/log.ts'
import { type Credentials, readCredentials } from './vpsie/credentials.ts'

interface Deps {
  client: KubeClient
  clock: Clock
  log: Logger
}

/** The credentials of the VPSie API as they are in their Secret now. */
export interface CredentialsSource {
  /** The last usable ones. Throws `TerminalError` while there have never been any. */
  current(): Credentials
  /** Called when the Secret has changed. */
  onChange(listener: () => void): () => void
}

/**
 * Follows the Secret until `signal` aborts. A Secret that cannot be used, or is deleted, is told in the log and leaves
 * the last usable credentials in place.
 */
export function followCredentials(
  { client, clock, log }: Deps,
  { namespace, name }: { namespace: string; name: string },
  signal: AbortSignal,
): CredentialsSource {
  const selector = { namespace, fieldSelector: `metadata.name=${name}` }
  const cache = startCache({ client, clock, log }, resources.secrets, selector, signal)
  let usable: Credentials | undefined
  let problem = 'it has not been read yet'

  cache.onChange(() => {
    const secret = cache.get(`${namespace}/${name}`)
    try {
      if (!secret) throw new TerminalError('it does not exist', { code: 'NotFound' })
      usable = readCredentials(secret.data)
      problem = ''
    } catch (error) {
      const found = errorText(error)
      if (found !== problem)
        log.error('credentials cannot be used', { secret: `${namespace}/${name}`, error: found })
      problem = found
    }
  })

  return {
    current() {
      if (usable) return usable
      throw new TerminalError(`Secret ${namespace}/${name}: ${problem}`, { code: 'Unauthorized' })
    },
    onChange: (listener) => cache.onChange(listener),
  }
}
