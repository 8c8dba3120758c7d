import winston from 'winston'

/** A logger takes a constant message and the variables as fields. `child` adds fields to every line. */
export type Logger = winston.Logger

export const logLevels = ['error', 'warn', 'info', 'debug'] as const
export const logFormats = ['json', 'text'] as const

export interface LogOptions {
  level: (typeof logLevels)[number]
  format: (typeof logFormats)[number]
  /** Which program speaks: webhook, agent, controller, certs. */
  component: string
}

// The one list of field names whose values never reach a log line, at any depth.
const secretField =
  /^(authorization|vpsie-auth|.*(token|secret|password|passwd|privatekey|private_key|userdata|user_data|cloudinit)|clientid|tls\.key|ca\.key)$/i
// Values that are secret whatever the field is called: bearer headers, JSON web tokens, private keys.
const secretValue =
  /(bearer\s+)[\w.~+/-]+=*|eyJ[\w-]{8,}\.[\w-]+\.[\w-]*|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/gi
const deepest = 6

/** Replaces secret fields and values by `[redacted]`; errors become their name, message, code and stack. */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return value.replace(secretValue, '$1[redacted]')
  if (value === null || typeof value !== 'object') return value
  if (depth > deepest) return '[too deep]'
  if (value instanceof Error) return redactError(value, depth)
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1))
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      secretField.test(key) ? '[redacted]' : redact(item, depth + 1),
    ]),
  )
}

function redactError(error: Error, depth: number): unknown {
  const { name, message, stack, cause } = error
  const code = (error as { code?: unknown }).code
  return redact({ name, message, code, stack, ...(cause === undefined ? {} : { cause }) }, depth + 1)
}

const redaction = winston.format((info) => {
  for (const [key, value] of Object.entries(info)) {
    info[key] = secretField.test(key) ? '[redacted]' : redact(value)
  }
  return info
})

const text = winston.format.printf(({ timestamp, level, message, component, ...fields }) => {
  const rest = Object.entries(fields).map(([key, value]) => `${key}=${JSON.stringify(value)}`)
  return [timestamp, level, `[${component}]`, message, ...rest].join(' ')
})

/** The program's only logger; writes to standard error so that standard output stays for results. */
export function createLogger({ level, format, component }: LogOptions): Logger {
  return winston.createLogger({
    level,
    defaultMeta: { component },
    format: winston.format.combine(
      redaction(),
      winston.format.timestamp(),
      format === 'json' ? winston.format.json() : text,
    ),
    transports: [new winston.transports.Console({ stderrLevels: [...logLevels] })],
  })
}
