import type { Options, OptionTable } from '../../common/options.ts'

const scaleUpOptions = {
  'expendable-pods-priority-cutoff': {
    type: 'integer',
    default: '-10',
    description: 'Pods below this priority get no node and keep none.',
  },
  'new-pod-scale-up-delay': {
    type: 'duration',
    default: '0s',
    description:
      'Pods get a node only after waiting so long; AutoscalerConfig unschedulablePodGracePeriodSeconds goes first.',
  },
  'scale-up-cooldown': {
    type: 'duration',
    default: '0s',
    description: 'Pause after a growth of a group before its next one; AutoscalerConfig goes first.',
  },
  'max-cluster-workers': {
    type: 'integer',
    default: '0',
    description: 'Machines of all groups together, 0 is no limit; AutoscalerConfig goes first.',
    min: 0,
  },
  'max-monthly-cost': {
    type: 'number',
    default: '0',
    description: 'Cost of all groups together in account currency that no plan goes past; 0 is no limit.',
    min: 0,
  },
  'max-nodes-per-scaleup': {
    type: 'integer',
    default: '10000',
    description: 'Machines that one decision may order.',
    min: 1,
  },
  'max-decision-steps': {
    type: 'integer',
    default: '100000000',
    description:
      'Looks at a pod and a place for it after which a decision ends (100 million take seconds). What is left comes next time.',
    min: 1000,
  },
  'max-concurrent-scale-ups': {
    type: 'integer',
    default: '0',
    description: 'Groups that may be growing at once, 0 is no limit; AutoscalerConfig goes first.',
    min: 0,
  },
  'max-node-provision-time': {
    type: 'duration',
    default: '15m',
    description:
      'No pod waits for a machine that has been on its way so long; AutoscalerConfig nodeReadyTimeoutSeconds goes first.',
    min: 1000,
  },
  'node-reserved-cpu': {
    type: 'string',
    default: '100m',
    description: 'What a new node of unknown allocatable is expected to keep from pods.',
  },
  'node-reserved-memory': {
    type: 'string',
    default: '300Mi',
    description: 'What a new node of unknown allocatable is expected to keep from pods.',
  },
  'node-reserved-memory-percent': {
    type: 'integer',
    default: '5',
    description: 'And this share of its memory, which kernel and firmware take before Kubernetes sees it.',
    min: 0,
    max: 90,
  },
} as const satisfies OptionTable

const scaleDownOptions = {
  'scale-down-enabled': {
    type: 'boolean',
    default: 'true',
    description: 'Remove nodes that are not needed; off beats every NodeGroup.',
  },
  'scale-down-utilization-threshold': {
    type: 'number',
    default: '0.5',
    description:
      'Share of CPU and of memory up to which a node is underused, where its NodeGroup says nothing.',
    min: 0,
    max: 1,
  },
  'scale-down-unneeded-time': {
    type: 'duration',
    default: '10m',
    description: 'How long a node must be unneeded, where its NodeGroup says nothing.',
  },
  'scale-down-unready-time': {
    type: 'duration',
    default: '20m',
    description: 'A node that has not been ready for so long is dead and is replaced.',
    min: 1000,
  },
  'scale-down-delay-after-add': {
    type: 'duration',
    default: '10m',
    description:
      'No removal for so long after any growth; AutoscalerConfig scaleDownCooldownSeconds goes first.',
  },
  'scale-down-delay-after-delete': {
    type: 'duration',
    default: '0s',
    description:
      'No removal for so long after any other; AutoscalerConfig scaleDownCooldownSeconds goes first.',
  },
  'max-concurrent-scale-downs': {
    type: 'integer',
    default: '0',
    description: 'Groups that may be shrinking at once, 0 is no limit; AutoscalerConfig goes first.',
    min: 0,
  },
  'ok-total-unready-count': {
    type: 'integer',
    default: '3',
    description: 'So many unready nodes never stop removals.',
    min: 0,
  },
  'max-total-unready-percentage': {
    type: 'number',
    default: '45',
    description: 'With more unready nodes than this nothing is removed.',
    min: 0,
    max: 100,
  },
  usage: {
    type: 'string',
    default: 'on',
    choices: ['on', 'off'],
    description:
      "on: a node without fresh reports of its agent is kept. off: agents' reports are not considered.",
  },
} as const satisfies OptionTable

/** The options of the decision; flags of Cluster Autoscaler keep their name where the meaning is the same. */
export const decideOptions = { ...scaleUpOptions, ...scaleDownOptions } as const satisfies OptionTable

export type DecideOptions = Options<typeof decideOptions>
