import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { controllerOptions } from '../controller/options.ts'
import { simulate } from '../controller/simulate/run.ts'

const root = join(import.meta.dirname, '..')
const why = 'manifests/examples/why'
const shop = 'manifests/examples/offerings.yaml'
const simulation = 'node controller/simulate.ts --at 2026-01-01T09:00:00Z'

/** A question with its answer, and the command that shows it. */
interface Question {
  question: string
  answer: string
  /** Run in the project's folder; what it prints stands below it. */
  command?: string
  after?: string
}

const onExample = (example: string, object: string) =>
  `${simulation} --state ${shop} ${why}/${example}.yaml --explain ${object}`

/** What people ask most about autoscalers of nodes, by the issues of Cluster Autoscaler and Karpenter. */
const questions: readonly Question[] = [
  {
    question: 'Why is my node not removed?',
    answer:
      'Ask it. The answer names the one thing that keeps it and what would change that, tried by deciding again. On a cluster it is `kubectl vpsie explain node NAME`; here on an example:',
    command: onExample('kept-by-pods', 'node/nobody-makes-it-again'),
    after:
      'The same reason stands in `status.nodes` of the NodeGroup, on the [status page](status-page.md) and in the metric `nodes_by_verdict`.',
  },
  {
    question: 'Why does my pod get no node?',
    answer:
      'Each NodeGroup and size is listed with what it lacks and what it costs. On a cluster: `kubectl vpsie explain pod NAMESPACE/NAME`.',
    command: onExample('no-group-fits', 'pod/default/not-tolerant'),
  },
  {
    question: 'Who removed my node, and why?',
    answer:
      'Every change of a verdict is in the decision log of the [status page](status-page.md), in the events of the NodeGroup and in the log, with the same code and sentence. What a removal looks like before it happens:',
    command: onExample('removed', 'node/underused'),
  },
  {
    question: 'What would it do with my cluster? Is there a dry run?',
    answer:
      'Three. `simulate` decides about a state in a file with the same code; `spec.dryRun` of a NodeGroup decides and reports, and does nothing for that group; `globalSettings.paused` of the AutoscalerConfig does so for all.',
    command: `${simulation} --state manifests/examples/state.yaml`,
  },
  {
    question: 'Does a restart of the controller set removals back?',
    answer:
      'No. Since when a node has been unneeded is an annotation on the node, so a new leader goes on where the old one stopped. What agents report has to cover the window anew only where no standby ran: every replica takes the reports.',
    command: onExample('kept-by-time', 'node/just-idle'),
  },
  {
    question: 'A PodDisruptionBudget allows nothing. Will the drain hang for ever?',
    answer: 'It does not begin: the budget is asked about before the node is tainted, and named.',
    command: onExample('kept-by-pods', 'node/budget'),
  },
  {
    question: 'A size is out of stock. Do my pods wait?',
    answer:
      'Only until the next pass: a refused size is left alone for a while in that datacenter, and the next best one is bought. It is told until when:',
    command: onExample('group-limits', 'pod/default/wants-sold-out'),
  },
  {
    question: 'Will it replace nodes by cheaper ones over and over?',
    answer:
      'A replacement must save at least `costOptimization.minMonthlySavings`, comes at most once in `optimizationInterval`, never gives a node up before `disruption.minNodeAgeSeconds`, and waits for an annotation with `requireApproval`. A size that came and went twice within an hour is held (`Oscillation`).',
    command: onExample('replaced', 'node/too-large'),
  },
  {
    question: 'How do I cap what it spends?',
    answer:
      '`spec.maxMonthlyCost` for a NodeGroup, `--max-monthly-cost` for all, `maxNodes` and `globalSettings.maxClusterWorkers` by number. The whole plan is charged, and a pod that waits for money is told how much is missing:',
    command: onExample('group-limits', 'pod/default/wants-dear'),
  },
  {
    question: 'I want spare room, without pods that only hold it.',
    answer:
      '`spec.headroom` of a NodeGroup: so many pods of a shape, or a percentage ([configuration](configuration.md#nodegroup)). It is planned as pods of the lowest priority, and a node that holds it is not removed unless it fits elsewhere.',
    command: onExample('headroom', 'group/growing'),
  },
  {
    question: 'My pod keeps data in an emptyDir. Does it keep its node for ever?',
    answer:
      'Only as long as you want it to. What keeps a node is `drain.blockOn` of its NodeGroup, and a pod whose data may be lost says so by an annotation:',
    command: onExample('kept-by-pods', 'node/local-data'),
  },
  {
    question: 'A node is broken, or a machine never became a node. Who replaces it?',
    answer:
      'The controller: a node after `--scale-down-unready-time`, a machine after `--launch-timeout`, `--register-timeout` or `--join-timeout`, whichever step it hangs in; within the budgets, and not while a large part of the cluster is unready. VPSie is asked first what it knows of the machine.',
    command: onExample('removed', 'node/gone-silent'),
  },
  {
    question: 'Pods may not share a node. Does it add one node a pass?',
    answer:
      'No: one decision adds all the nodes, up to the limits, and a pod that is left over is told which limit it was.',
    command: onExample('spread-and-affinity', 'pod/default/apart-2'),
  },
  {
    question: 'Do DaemonSets keep small nodes busy?',
    answer:
      'No: they count neither as load nor as something to move, and a new node is planned with those that will land on it. `--fit` tells what is left for a pod on a node:',
    command: `${simulation} --state manifests/examples/state.yaml --fit default/crunch-1@node-c`,
  },
  {
    question: 'VPSie lists fewer machines than there are. Are healthy nodes deleted?',
    answer:
      'No. A list that shrinks sharply is believed only after a second list and a look at the machine agree; until then `machine_lists_short` is set and nothing is concluded. Machines that nobody ordered here are reported (`machines_unclaimed`; `kubectl get nodegroups -n kube-system -o yaml` has them under `status.orphans`) and never touched: see [machines by hand](operations.md#machines-by-hand).',
  },
  {
    question: 'How much memory and CPU does it take?',
    answer:
      'The agent about 20 MiB and less than a thousandth of a CPU; the controller 100 to 300 MiB for a thousand nodes and 30,000 pods, and 31 ms for a pass with nothing to do. `npm run bench` measures it beside the peers: see [architecture](architecture.md).',
  },
]

/** The text of docs/faq.md; every command is run for it. */
export async function faqPage(): Promise<string> {
  const chapters: string[] = []
  for (const { question, answer, command, after } of questions) {
    const example =
      command === undefined ? '' : `\n\n\`\`\`console\n$ ${command}\n${await run(command)}\n\`\`\``
    chapters.push(`## ${question}\n\n${answer}${example}${after === undefined ? '' : `\n\n${after}`}\n`)
  }
  return `# Questions people ask

The questions that users of Cluster Autoscaler and Karpenter ask most, each answered by a command. The commands run as they stand,
from a clone after \`npm ci\` with \`node_modules/.bin\` first on the PATH; this page is made by running them.

${chapters.join('\n')}`
}

/** What the command prints; run here, since a process of its own for each would take half a minute. */
async function run(command: string): Promise<string> {
  const [, script, ...args] = command.split(' ')
  let printed = ''
  const code = await simulate(
    {
      readFile: (name) => createReadStream(join(root, name)),
      isTerminal: false,
      now: Date.now,
      monotonic: () => performance.now(),
      out: (text) => {
        printed += text
      },
      err: (text) => {
        printed += text
      },
    },
    args,
    controllerOptions,
  )
  if (script !== 'controller/simulate.ts' || code !== 0)
    throw new Error(`${command} ended with ${code}: ${printed}`)
  return printed.trimEnd()
}
