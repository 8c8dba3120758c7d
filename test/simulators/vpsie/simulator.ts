import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { issueAuthority, issueLeaf } from '../../../certs/issue.ts'
import type { SimulatedCredentials } from './auth.ts'
import { createVPSie, type VPSieInMemory, type VPSieSimulatorOptions } from './memory.ts'
import { createFace } from './server.ts'

/** A simulated VPSie behind real TLS. */
export interface VPSieSimulator extends Omit<VPSieInMemory, 'desk' | 'end'> {
  /** Base URL without a dialect's prefix. */
  readonly url: string
  /** PEM of the authority that signed its certificate, and the path of a file that holds it. */
  readonly ca: string
  readonly caFile: string
  readonly credentials: SimulatedCredentials
  /** The `data` of a credentials Secret, base64: to log in as a client or by static token. */
  secretData(kind?: 'client' | 'token'): Record<string, string>
  stop(): Promise<void>
}

/** Starts a VPSie on a free port of the loopback interface; certificates use the machine's own time. */
export async function startVPSie(options: VPSieSimulatorOptions = {}): Promise<VPSieSimulator> {
  const vpsie = createVPSie(options)
  const certificates = await issueCertificates()
  const server = createServer(
    { cert: certificates.certificate, key: certificates.key },
    createFace(vpsie.desk),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const url = `https://127.0.0.1:${port}`
  const { credentials } = vpsie.auth
  return {
    ...vpsie,
    url,
    ca: certificates.ca,
    caFile: certificates.caFile,
    credentials,
    secretData: (kind = 'client') => secretData(credentials, kind, url),
    async stop() {
      vpsie.end()
      vpsie.faults.clear()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await rm(certificates.folder, { recursive: true, force: true })
    },
  }
}

function secretData(
  { clientId, clientSecret, token }: SimulatedCredentials,
  kind: 'client' | 'token',
  url: string,
): Record<string, string> {
  const data = kind === 'token' ? { token, url } : { clientId, clientSecret, url }
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
  )
}

async function issueCertificates() {
  const now = Date.now()
  const authority = await issueAuthority({ commonName: 'simulated VPSie', now })
  const leaf = await issueLeaf({ authority, commonName: 'localhost', hosts: ['127.0.0.1', 'localhost'], now })
  const folder = await mkdtemp(join(tmpdir(), 'vpsie-'))
  const caFile = join(folder, 'ca.crt')
  await writeFile(caFile, authority.certificate)
  return { ca: authority.certificate, caFile, folder, certificate: leaf.certificate, key: leaf.key }
}
