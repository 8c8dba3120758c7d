import { connect } from 'node:tls'
import type { Clock } from '../common/clock.ts'
import { errorText } from '../common/errors.ts'
import { certificateProblem } from '../common/http/certificate.ts'
import { fingerprintOf } from '../common/http/pair.ts'
import type { RunningServer } from '../common/http/server.ts'

// Shorter than the kubelet's patience with a probe.
const dialMs = 2_000

/**
 * Why the API server should not call here: there is no certificate, it has expired, or a call to our own port is not
 * answered with the one that the files hold. Undefined if it may. A pair in the files that cannot be used is no
 * reason: the one before it is still served, and refusals are counted.
 */
export async function servingProblem(
  { clock }: { clock: Clock },
  server: Pick<RunningServer, 'host' | 'port' | 'certificate'> | undefined,
): Promise<string | undefined> {
  const problem = certificateProblem(server?.certificate, clock.now())
  if (problem !== undefined || server?.certificate === undefined) return problem ?? 'not listening'
  try {
    const served = await servedFingerprint(server)
    const { fingerprint } = server.certificate.pair
    return served === fingerprint
      ? undefined
      : `port serves certificate ${served}, the file holds ${fingerprint}`
  } catch (error) {
    return `own port does not answer: ${errorText(error)}`
  }
}

const everywhere = ['::', '0.0.0.0']

/** SHA-256 of the certificate that a handshake with ourselves gets. */
function servedFingerprint({ host, port }: Pick<RunningServer, 'host' | 'port'>): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const own = everywhere.includes(host) ? '127.0.0.1' : host
  // Whose certificate it is, is what is looked at; nothing is sent.
  const socket = connect({ host: own, port, rejectUnauthorized: false }, () => {
    const certificate = socket.getPeerX509Certificate()
    if (certificate) resolve(fingerprintOf(certificate))
    else reject(new Error('the handshake gave no certificate'))
    socket.destroy()
  })
  socket.setTimeout(dialMs, () => socket.destroy(new Error(`no handshake within ${dialMs} ms`)))
  socket.on('error', reject)
  return promise
}
