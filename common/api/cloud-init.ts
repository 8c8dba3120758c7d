import { parseDocument } from 'yaml'
import { InputError } from '../errors.ts'

/** What every cloud-init template may use beside its own variables. */
export const builtInVariables = [
  'hostname',
  'vpsieNode',
  'nodeGroup',
  'datacenter',
  'offering',
  'kubernetesVersion',
  /** `key=value,...`, as kubelet's --node-labels takes it. */
  'nodeLabels',
  /** `key=value:Effect,...`, as kubelet's --register-with-taints takes it. */
  'nodeTaints',
  /** Of a bootstrap token made for this machine alone, `id.secret`. */
  'bootstrapToken',
] as const

export type BuiltInVariable = (typeof builtInVariables)[number]

// What means itself in YAML, quoted or not, and in a shell.
const harmless = /^[A-Za-z0-9 ._:/,=@+~%-]*$/
const place = /\{\{\s*([A-Za-z][A-Za-z0-9_]*)\s*\}\}/g
// VPSie tells no limit; this is that of the clouds that have one.
const longestBytes = 65_536

/** Names of the variables that a template uses. */
export function variablesOf(template: string): Set<string> {
  return new Set([...template.matchAll(place)].map(([, name = '']) => name))
}

/**
 * Puts values into a template. There is no logic in templates: `{{ name }}` stands for a value, and nothing else may
 * stand in braces. Throws `InputError` below `path` for an unknown variable, a value that could change what the
 * document means, and a document that cloud-init would not read; a value is never quoted, it may be secret.
 */
export function renderCloudInit(
  template: string,
  values: Readonly<Partial<Record<string, string>>>,
  path: string,
): string {
  for (const name of variablesOf(template)) checkValue(name, values[name], path)
  const text = template.replace(place, (_, name: string) => values[name] ?? '')
  const left = /\{\{[^\n]{0,40}/.exec(text)?.[0]
  if (left !== undefined)
    throw new InputError(
      path,
      `must have only variables such as {{ hostname }} in double braces: it has "${left}"`,
    )
  checkDocument(text, path)
  return text
}

function checkValue(name: string, value: string | undefined, path: string): void {
  if (value === undefined)
    throw new InputError(
      path,
      `uses variable "${name}", which is neither in spec.cloudInit.variables nor one of ${builtInVariables.join(', ')}`,
    )
  if (harmless.test(value)) return
  throw new InputError(
    path,
    `the value of variable "${name}" may have letters, digits, blanks and ._:/,=@+~%- only, so that it means the same in YAML and in a shell; give anything else as base64`,
  )
}

function checkDocument(text: string, path: string): void {
  const bytes = Buffer.byteLength(text)
  if (bytes > longestBytes)
    throw new InputError(path, `must be at most ${longestBytes} bytes: it has ${bytes}`)
  if (text.startsWith('#!')) return
  if (!/^#cloud-config[ \t]*\r?\n/.test(text))
    throw new InputError(path, 'must begin with a line "#cloud-config", or with "#!" for a script')
  const document = parseDocument(text)
  const [problem] = document.errors
  // The parser's own words quote the document.
  if (problem) {
    const line = problem.linePos?.[0].line
    throw new InputError(path, `must be YAML: line ${line ?? '?'} is not (${problem.code})`)
  }
  const value: unknown = document.toJS()
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new InputError(path, 'must be a YAML mapping, as cloud-init reads it')
}
