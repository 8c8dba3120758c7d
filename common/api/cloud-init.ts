import { InputError } from '../errors.ts'

/** What the controller fills in for each machine, beside the variables of the NodeGroup, which win. */
export const machineVariables = [
  'nodeName',
  'nodeGroup',
  'datacenterID',
  'offering',
  'kubernetesVersion',
  'resourceIdentifier',
] as const

const opening = '{{'
const placeholder = /\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}/y

/**
 * The template with every `{{ name }}` replaced by its value. Throws `InputError` at `path` with the line of a
 * placeholder that is not closed or has no value, or if what comes out is no user data that cloud-init reads: it must
 * begin with `#cloud-config` or `#!`. No message shows any of the text, which may hold a join token.
 */
export function renderCloudInit(
  template: string,
  variables: Readonly<Record<string, string>>,
  path: string,
): string {
  let rendered = ''
  let at = 0
  for (;;) {
    const next = template.indexOf(opening, at)
    if (next < 0) break
    placeholder.lastIndex = next
    const [whole = '', name = ''] = placeholder.exec(template) ?? []
    const line = template.slice(0, next).split('\n').length
    if (whole === '')
      throw new InputError(path, `line ${line}: must have a name and "}}" after "{{", as in {{ nodeName }}`)
    const value = Object.hasOwn(variables, name) ? variables[name] : undefined
    if (value === undefined) {
      const known = Object.keys(variables).join(', ')
      throw new InputError(path, `line ${line}: {{ ${name} }} must be one of the variables: ${known}`)
    }
    rendered += template.slice(at, next) + value
    at = next + whole.length
  }
  rendered += template.slice(at)
  if (!/^#(cloud-config|!)/.test(rendered))
    throw new InputError(path, 'must begin with #cloud-config or #!, or cloud-init passes over it')
  return rendered
}
