import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseOptions } from '../common/options.ts'
import { decide } from '../controller/decide/decide.ts'
import { decideOptions } from '../controller/decide/options.ts'
import {
  fitReasons,
  keepReasons,
  otherReasons,
  podReasons,
  removeReasons,
} from '../controller/decide/reasons.ts'
import { readDocuments } from '../controller/simulate/documents.ts'
import { explain } from '../controller/simulate/print.ts'
import { readState } from '../controller/simulate/state.ts'

const root = join(import.meta.dirname, '..')
const folder = 'manifests/examples/why'
const shop = 'manifests/examples/offerings.yaml'
const at = '2026-01-01T09:00:00Z'

/** The text of docs/reasons.md: a chapter for each example, with what `simulate --explain` says, and all codes. */
export async function reasonsPage(): Promise<string> {
  const names = readdirSync(join(root, folder)).sort()
  const chapters = await Promise.all([
    chapter(['manifests/examples/state.yaml']),
    ...names.map((name) => chapter([shop, `${folder}/${name}`])),
  ])
  return `# Why?

Every pod, node and NodeGroup has an answer: a code that never changes, a sentence with the numbers, and the object it
is about. The controller writes it into the status of the NodeGroup and into events; \`controller/simulate.ts\` gives it
for a state in a file, without touching anything. This page is generated from the examples in \`manifests/examples\`: each is
a small cluster to run, to change and to run again.

For a live cluster write its state down first, and add the sizes that VPSie sells:

\`\`\`
kubectl get nodes,pods,ds,rs,sts,jobs,rc,pdb,pvc,pv,sc,csinodes,priorityclasses,ns,nodegroups,vpsienodes,autoscalerconfigs -A -o yaml > state.yaml
node controller/simulate.ts --state state.yaml ${shop} --explain pod/default/web-1
\`\`\`

${chapters.join('\n')}
## All codes

${codes('Why a pod does not fit on a node: the plugins of kube-scheduler', fitReasons)}
${codes('Why a pod gets no machine', podReasons)}
${codes('Why a node stays', keepReasons)}
${codes('Why a node goes', removeReasons)}
${codes('Everything else', otherReasons)}`
}

/** The chapter of the last of the files, which says itself what it is about; the others belong to its state. */
async function chapter(files: readonly string[]): Promise<string> {
  const text = readFileSync(join(root, files.at(-1) ?? ''), 'utf8')
  const [, title = '', words = ''] = /^# (.*)\n#\n((?:# .*\n)+)#\n/.exec(text) ?? []
  const objects = [...text.matchAll(/^# explain: (.*)$/gm)].map(([, object = '']) => object)
  const { state } = await readState(documents(files), { namespaces: ['kube-system'], usage: 'on' })
  const plan = decide(state, parseOptions(decideOptions, []), Date.parse(at))
  const command = [
    `node controller/simulate.ts --at ${at} --state ${files.join(' ')}`,
    ...objects.map((object) => `  --explain ${object}`),
  ].join(' \\\n')
  const answer = objects.map((object) => explain(plan, object)).join('\n')
  const paragraph = words.replaceAll(/^# /gm, '').trim()
  return `## ${title}\n\n${paragraph}\n\n\`\`\`\n${command}\n\`\`\`\n\n\`\`\`\n${answer}\n\`\`\`\n`
}

async function* documents(files: readonly string[]) {
  for (const file of files) {
    const content = readFileSync(join(root, file))
    yield* readDocuments(
      file,
      (async function* () {
        yield content
      })(),
    )
  }
}

function codes(title: string, table: Readonly<Record<string, string>>): string {
  const rows = Object.entries(table).map(([code, text]) => `| \`${code}\` | ${text} |`)
  return `### ${title}\n\n| code | meaning |\n|---|---|\n${rows.join('\n')}\n`
}
