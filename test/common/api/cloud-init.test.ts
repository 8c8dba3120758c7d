import fc from 'fast-check'
import t from 'tap'
import { parse } from 'yaml'
import { renderCloudInit, variablesOf } from '../../../common/api/cloud-init.ts'

const path = 'spec.cloudInit.template'
const template = (line: string) => `#cloud-config\nhostname: "{{ hostname }}"\n${line}\n`
const values = { hostname: 'edge-1', server: 'https://10.0.0.10:6443' }

t.test('variables are put in, with or without blanks in the braces', async (t) => {
  const text = renderCloudInit(template('runcmd: [["join", "{{server}}"]]'), values, path)
  t.strictSame(parse(text), { hostname: 'edge-1', runcmd: [['join', 'https://10.0.0.10:6443']] })
  t.strictSame([...variablesOf(template('{{ server }}'))], ['hostname', 'server'])
})

t.test('a script is taken as it is', async (t) => {
  t.equal(
    renderCloudInit('#!/bin/sh\njoin {{ server }}\n', values, path),
    '#!/bin/sh\njoin https://10.0.0.10:6443\n',
  )
})

const refused: [name: string, text: string, over: Record<string, string>, message: RegExp][] = [
  ['an unknown variable', template('a: {{ nobody }}'), {}, /uses variable "nobody", which is neither/],
  [
    'a value with a line break',
    template('a: {{ v }}'),
    { v: 'x\nruncmd: [evil]' },
    /variable "v" may have letters/,
  ],
  ['a value with a quote', template('a: "{{ v }}"'), { v: '"' }, /variable "v"/],
  ['a value that a shell would run', template('a: {{ v }}'), { v: '$(reboot)' }, /variable "v"/],
  ['other things in braces', template('a: {{ if x }}'), {}, /must have only variables such as/],
  [
    'a document without its first line',
    'hostname: {{ hostname }}\n',
    {},
    /must begin with a line "#cloud-config"/,
  ],
  ['a document that is no YAML', template('a: [1'), {}, /must be YAML: line \d+/],
  ['a document that is no mapping', '#cloud-config\n- a\n', {}, /must be a YAML mapping/],
  ['a document that is too long', template(`a: ${'x'.repeat(70_000)}`), {}, /must be at most 65536 bytes/],
]

for (const [name, text, over, message] of refused) {
  t.test(`${name} is refused`, async (t) => {
    t.throws(() => renderCloudInit(text, { ...values, ...over }, path), { name: 'InputError', path, message })
  })
}

t.test('no value is quoted in an error, for it may be secret', async (t) => {
  try {
    renderCloudInit(template('a: {{ v }}'), { ...values, v: 'hush"hush' }, path)
    t.fail('it was taken')
  } catch (error) {
    t.notMatch(String(error), /hush/)
  }
})

t.test('whatever a value is, it is refused or stays one text and changes nothing else', async () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.string({ unit: 'binary' })), (v) => {
      let text: string
      try {
        text = renderCloudInit('#cloud-config\na: "{{ v }}"\nb: 1\n', { v }, path)
      } catch {
        return true
      }
      const { a, b, ...rest } = parse(text)
      return a === v && b === 1 && Object.keys(rest).length === 0
    }),
  )
})
