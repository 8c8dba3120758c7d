import { homedir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { defaultNamespace } from '../common/api/names.ts'
import { systemClock as clock } from '../common/clock.ts'
import { errorText } from '../common/errors.ts'
import { connect } from '../common/kube/connect.ts'
import type { OptionTable } from '../common/options.ts'
import { runProgram } from '../common/program.ts'
import { askLeader } from './explain/ask.ts'
import type { Explanation, Subject } from './explain/explanation.ts'
import { explanationText } from './explain/text.ts'
import { controllerOptions } from './options.ts'
import { viewerAccount } from './page/options.ts'

const longestMs = 30_000

const options = {
  kubeconfig: {
    type: 'string',
    default: join(homedir(), '.kube/config'),
    description: 'Kubeconfig file of who asks.',
  },
  context: {
    type: 'string',
    default: '',
    description: 'Context of the kubeconfig; empty means its current one.',
  },
  namespace: {
    type: 'string',
    default: '',
    short: 'n',
    description: 'Namespace of the pod or NodeGroup; empty finds it where only one has the name.',
  },
  output: {
    type: 'string',
    default: 'text',
    choices: ['text', 'json', 'yaml'],
    short: 'o',
    description: 'How to print the explanation.',
  },
  'controller-namespace': {
    type: 'string',
    default: defaultNamespace,
    description: 'Namespace of the controller.',
  },
  'page-port': {
    type: 'integer',
    default: '8444',
    min: 1,
    max: 65_535,
    description: 'Port of its status page.',
  },
  'leader-election-id': controllerOptions['leader-election-id'],
} as const satisfies OptionTable

const kinds = {
  pod: 'pod',
  pods: 'pod',
  po: 'pod',
  node: 'node',
  nodes: 'node',
  no: 'node',
  nodegroup: 'group',
  nodegroups: 'group',
  ng: 'group',
  group: 'group',
} as const satisfies Record<string, Subject['kind']>

/** `node controller/explain.ts pod NAMESPACE/NAME`: asks the controller that leads why something is as it is. */
await runProgram({
  name: 'explain',
  summary:
    'tells why a pod, node or NodeGroup is as it is, what would change it, and what else was considered.',
  options,
  commands: Object.keys(kinds) as (keyof typeof kinds)[],
  operand: 'NAME',
  async main(
    { kubeconfig, context, namespace, output, ...where },
    { command, operand },
    signal,
  ): Promise<number> {
    const kind = kinds[command]
    const name =
      namespace === '' || kind === 'node' || operand.includes('/') ? operand : `${namespace}/${operand}`
    try {
      const client = connect({ clock }, { kubeconfig, context })
      const explanation = await askLeader<Explanation>(
        client,
        `/v1/explain?${new URLSearchParams({ [kind]: name })}`,
        {
          namespace: where['controller-namespace'],
          lease: where['leader-election-id'],
          serviceAccount: viewerAccount,
          port: where['page-port'],
        },
        AbortSignal.any([signal, clock.timeout(longestMs)]),
      )
      process.stdout.write(printed(explanation, output))
      return 0
    } catch (error) {
      signal.throwIfAborted()
      process.stderr.write(`${errorText(error)}\n`)
      return 1
    }
  },
})

function printed(explanation: Explanation, output: 'text' | 'json' | 'yaml'): string {
  if (output === 'json') return `${JSON.stringify(explanation, null, 2)}\n`
  return output === 'yaml' ? stringify(explanation) : `${explanationText(explanation)}\n`
}
