import t from 'tap'
import type { Rule as CelRule } from '../../common/api/schema.ts'
import { reviewed, ruleTable } from '../../webhook/rules.ts'

const rules = ruleTable.flatMap(({ rules }) => rules)
const warnings = ruleTable.flatMap(({ warnings }) => warnings)

/** The messages of all CEL rules of a schema's spec and of the object itself, at any depth. */
function celMessages(schema: object): string[] {
  if (typeof schema !== 'object' || schema === null) return []
  const { status: _, ...children } = schema as Record<string, object>
  const { 'x-kubernetes-validations': own = [], ...rest } = children
  return [...(own as CelRule[]).map(({ message }) => message), ...Object.values(rest).flatMap(celMessages)]
}

const messages = new Set(Object.values(reviewed).flatMap(celMessages))

t.test('every rule and warning has a name of its own', async (t) => {
  const names = [...rules, ...warnings].map(({ name }) => name)
  t.same([...new Set(names)], names)
})

t.test('every CEL rule of a spec is one that the webhook holds too, in its own words', async (t) => {
  const claimed = new Set(rules.flatMap(({ cel = [] }) => cel))
  t.same(
    [...messages].filter((message) => !claimed.has(message)),
    [],
  )
})

t.test('every CEL rule that the table tells of is in a schema', async (t) => {
  for (const { name, cel = [] } of rules)
    for (const message of cel) t.ok(messages.has(message), `${name}: ${message}`)
})

t.test('what no schema and no CEL rule can know is left to the webhook alone', async (t) => {
  t.same(
    rules.filter(({ schema, cel }) => !schema && !cel).map(({ name }) => name),
    [
      'windows',
      'namespace',
      'name-unique',
      'fixed-with-machines',
      'vm-image',
      'cloud-init-variables',
      'cloud-init-renders',
      'cloud-init-kept',
      'one-datacenter',
      'claim-namespace',
      'claim-identifiers',
      'claim-keys',
      'machine-once',
      'claim-owner',
    ],
  )
})
