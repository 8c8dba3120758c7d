import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { InputError } from '../../common/errors.ts'

/** What a connection to a controller needs, as the files hold it now. */
export interface Identity {
  /** Never logged. */
  token: string
  /** PEM. */
  ca: string
}

/** Reads the files anew. Throws `InputError` naming the file that cannot be read or holds no such thing. */
export type ReadIdentity = () => Promise<Identity>

const mostTokenChars = 16 * 1024

/**
 * Reads both files at each call: they are small, and a mounted volume is renewed by swapping a link, which file events
 * show badly. They lie in memory, so that reading them at once holds nothing up. The authorities are checked whenever
 * their text is another one.
 */
export function createIdentity({ tokenFile, caFile }: { tokenFile: string; caFile: string }): ReadIdentity {
  let checked: string | undefined
  return async () => {
    const token = read(tokenFile).trim()
    const ca = read(caFile)
    // What no header can carry would fail later, with an error that speaks of headers.
    if (!/^[\x21-\x7e]+$/.test(token) || token.length > mostTokenChars) {
      throw new InputError(tokenFile, `must hold one token of at most ${mostTokenChars} characters`)
    }
    if (ca !== checked) checkAuthorities(caFile, ca)
    checked = ca
    return { token, ca }
  }
}

// An empty text would be no authorities of ours, and then Node trusts every public one; TLS takes a bundle up to its
// first broken certificate without a word.
function checkAuthorities(file: string, text: string): void {
  const certificates = text.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? []
  try {
    for (const certificate of certificates) new X509Certificate(certificate)
  } catch (error) {
    throw new InputError(file, 'must hold only readable PEM certificates', { cause: error })
  }
  if (certificates.length === 0) throw new InputError(file, 'must hold at least one PEM certificate')
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new InputError(file, 'must be a readable file', { cause: error })
  }
}
