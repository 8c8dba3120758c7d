import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseOptions } from '../common/options.ts'
import { decide } from '../controller/decide/decide.ts'
import { decideOptions } from '../controller/decide/options.ts'
import type { Plan } from '../controller/decide/plan.ts'
import {
  fitReasons,
  keepReasons,
  otherReasons,
  podReasons,
  removeReasons,
} from '../controller/decide/reasons.ts'
import { explain } from '../controller/explain/explain.ts'
import type { Subject } from '../controller/explain/explanation.ts'
import { findSubject } from '../controller/explain/subject.ts'
import { explanationText } from '../controller/explain/text.ts'
import type { Situation } from '../controller/explain/what-if/situation.ts'
import { readDocuments } from '../controller/simulate/documents.ts'
import { readState } from '../controller/simulate/state.ts'

const root = join(import.meta.dirname, '..')
const folder = 'manifests/examples/why'
const shop = 'manifests/examples/offerings.yaml'
const at = '2026-01-01T09:00:00Z'

/** A small cluster that shows some reasons, and what to ask it. */
export interface Example {
  title: string
  words: string
  files: readonly string[]
  /** As `simulate --explain` takes them. */
  objects: readonly string[]
  situation: Situation
}

/** The examples of `manifests/examples`, each at the same moment. */
export async function readExamples(): Promise<Example[]> {
  const names = readdirSync(join(root, folder)).sort()
  const all = [['manifests/examples/state.yaml'], ...names.map((name) => [shop, `${folder}/${name}`])]
  return Promise.all(all.map(readExample))
}

/** The last of the files says itself what it is about; the others belong to its state. */
async function readExample(files: readonly string[]): Promise<Example> {
  const text = readFileSync(join(root, files.at(-1) ?? ''), 'utf8')
  const [, title = '', words = ''] = /^# (.*)\n#\n((?:# .*\n)+)#\n/.exec(text) ?? []
  const objects = [...text.matchAll(/^# explain: (.*)$/gm)].map(([, object = '']) => object)
  const { state } = await readState(documents(files), { namespaces: ['kube-system'], usage: 'on' })
  const situation = { state, options: parseOptions(decideOptions, []), now: Date.parse(at) }
  return { title, words: words.replaceAll(/^# /gm, '').trim(), files, objects, situation }
}

/** The text of docs/reasons.md: a chapter for each example, with what `simulate --explain` says, and all codes. */
export async function reasonsPage(): Promise<string> {
  const chapters = await Promise.all((await readExamples()).map(chapter))
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

async function chapter({ title, words, files, objects, situation }: Example): Promise<string> {
  const { state, options, now } = situation
  const plan = decide(state, options, now)
  const command = [
    `node controller/simulate.ts --at ${at} --state ${files.join(' ')}`,
    ...objects.map((object) => `  --explain ${object}`),
  ].join(' \\\n')
  const answers = await Promise.all(objects.map((object) => answerAbout(object, situation, plan)))
  return `## ${title}\n\n${words}\n\n\`\`\`\n${command}\n\`\`\`\n\n\`\`\`\n${answers.join('\n')}\n\`\`\`\n`
}

async function answerAbout(object: string, situation: Situation, plan: Plan): Promise<string> {
  const [, kind, name = ''] = /^(pod|node|group)\/(.*)$/.exec(object) ?? []
  const subject = findSubject(plan, kind as Subject['kind'], name)
  const explanation = subject && (await explain(situation, plan, subject))
  if (!explanation) throw new Error(`an example asks about ${object}, which is not in its plan`)
  return explanationText(explanation)
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
