import { InputError } from '../../common/errors.ts'

/** How to log in to VPSie. Never in a log, metric, event or error. */
export interface Credentials {
  login: { kind: 'token'; token: string } | { kind: 'client'; clientId: string; clientSecret: string }
  /** Where the API is, if the Secret says so. */
  url?: string
}

/** A header or form value of more than this is a mistake, such as a whole file pasted into the Secret. */
const longest = 8192

/**
 * Reads the `data` of the credentials Secret: `token`, else `clientId` and `clientSecret`, and `url` if it is there;
 * the predecessor's keys and precedence. Values are base64 as Kubernetes delivers them. Throws `InputError` that
 * names the key, never the value.
 */
export function readCredentials(data: Readonly<Record<string, string>> | undefined): Credentials {
  const url = read(data, 'url')
  const token = read(data, 'token')
  if (url && !URL.canParse(url))
    throw new InputError('data.url', 'must be a URL such as https://api.vpsie.com')
  const place = url ? { url } : {}
  if (token) return { login: { kind: 'token', token }, ...place }
  const clientId = read(data, 'clientId')
  const clientSecret = read(data, 'clientSecret')
  if (!clientId && !clientSecret)
    throw new InputError('data', "must have 'token', or 'clientId' and 'clientSecret'")
  if (!clientId) throw new InputError('data.clientId', "must be set beside 'clientSecret'")
  if (!clientSecret) throw new InputError('data.clientSecret', "must be set beside 'clientId'")
  return { login: { kind: 'client', clientId, clientSecret }, ...place }
}

// Secrets are often made with a trailing newline, which no header may carry.
function read(data: Readonly<Record<string, string>> | undefined, key: string): string | undefined {
  const text = Buffer.from(data?.[key] ?? '', 'base64')
    .toString('utf8')
    .trim()
  if (text.length > longest) throw new InputError(`data.${key}`, `must be at most ${longest} characters`)
  if (/[^\x20-\x7e]/.test(text)) throw new InputError(`data.${key}`, 'must be printable ASCII')
  return text === '' ? undefined : text
}

/** The texts of credentials that no message may contain. */
export function secretsOf({ login }: Credentials): string[] {
  return login.kind === 'token' ? [login.token] : [login.clientId, login.clientSecret]
}

/** True if both log in the same way at the same place. */
export function sameCredentials(a: Credentials, b: Credentials): boolean {
  return (
    a.url === b.url && secretsOf(a).join('\n') === secretsOf(b).join('\n') && a.login.kind === b.login.kind
  )
}
