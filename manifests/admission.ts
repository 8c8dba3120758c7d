import { reviewed, ruleTable, type Told } from '../webhook/rules.ts'
import { code, fieldsBelow, mayBe, type Shape, table } from './fields.ts'

const head = `# Admission

Which rule lives where. Made from the rules themselves by \`node manifests/generate.ts\`; not to be edited by hand.

An object meets three judges, in this order:

1. The **schema** of its CustomResourceDefinition: types, bounds and forms of single fields.
2. **CEL** rules of the CustomResourceDefinition: what one object can be held to by itself.
3. The **webhook**: all of that again, in words that say what would be right, and what needs other objects, a calendar
   or the options of the webhook.

The first two are part of the API server and are there when the webhook is not. They are asked before it, so of an
object that breaks a rule of theirs the webhook does not hear. Each judge tells every mistake it finds at once.

Never in the way: an update is held only to what it changes (a mistake that was there before, with the same value,
passes); deletions, objects on their way out, the status and changes outside the spec are not reviewed; the
controller's own writes are exempt. While the webhook's watch caches are not filled, rules about other objects are
skipped with a warning. Reviews have no side effects, so a dry run is reviewed like any other call.

A bug in a rule is answered with status 500, which names the rule, is counted in \`webhook_panics_total\`, and denies
nothing else.
`

/** The text of docs/admission.md. */
export function admissionDocument(): string {
  return [
    head,
    ...ruleTable.flatMap(({ subject, rules, warnings }) => [
      `## ${subject}\n`,
      table(['rule', 'fields', 'what holds', 'schema', 'CEL', 'webhook'], rules.map(ruleRow)),
      'Warnings, which refuse nothing:\n',
      table(
        ['warning', 'when'],
        warnings.map(({ name, says }) => [code(name), says]),
      ),
    ]),
    ...Object.entries(reviewed).map(
      ([kind, schema]) =>
        `## Fields of ${kind}\n\nHeld by schema and webhook alike.\n\n${table(
          ['field', 'what it may be'],
          fieldsBelow((schema as Shape).properties?.spec, 'spec').map((field) => [
            code(field.path),
            mayBe(field),
          ]),
        )}`,
    ),
    `## The status of VPSieNodes\n\nThe webhook never sees a status. By CEL the phase goes one way: what is Terminating or Deleting can
only become Terminating, Deleting or Failed.\n`,
  ].join('\n')
}

function ruleRow({ name, fields, says, schema, cel }: Told): string[] {
  return [code(name), fields.map(code).join(' '), says, schema ? 'yes' : '', cel ? 'yes' : '', 'yes']
}
