import { readFile } from 'node:fs/promises'
import { InputError } from '../../common/errors.ts'

/** What a connection to a controller needs, as the files hold it now. */
export interface Identity {
  /** Never logged. */
  token: string
  /** PEM. */
  ca: string
}

/** Reads both files; they are small, and a projected volume is renewed without a sign. Throws `InputError`. */
export async function readIdentity(files: { tokenFile: string; caFile: string }): Promise<Identity> {
  const [token, ca] = await Promise.all([read(files.tokenFile), read(files.caFile)])
  return { token: token.trim(), ca }
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new InputError(file, 'must be a readable file', { cause: error })
  }
}
