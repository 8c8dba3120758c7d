import t from 'tap'
import { type OptionTable, variableName } from '../../common/options.ts'
import { workloads } from '../fixtures/workloads.ts'

const table = (program: string) => new URL(`../../${program}/options.ts`, import.meta.url)

for (const { kind, name, template } of workloads()) {
  for (const { args, env = [] } of template.spec.containers) {
    const [entry = '', ...rest] = args
    const program = entry.replace('/main.ts', '')
    t.test(`${kind} ${name} sets only options that its program has`, async (t) => {
      const options: OptionTable = (await import(table(program).href))[`${program}Options`]
      for (const flag of rest.filter((arg) => arg.startsWith('-'))) {
        const [, option = ''] = /^--([a-z-]+)=/.exec(flag) ?? []
        t.ok(Object.hasOwn(options, option), `${flag} is an option of ${program}`)
      }
      const variables = new Set(Object.keys(options).map(variableName))
      for (const variable of env.filter((one) => one.name !== 'NODE_OPTIONS')) {
        t.ok(variables.has(variable.name), `${variable.name} is an option of ${program}`)
      }
    })

    t.test(`${kind} ${name} starts a program of the image`, async (t) => {
      t.match(entry, /^(controller|webhook|agent|certs)\/main\.ts$/)
    })
  }
}
