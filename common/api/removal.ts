import Type from 'typebox'
import { countOrPercent, forms, seconds, text } from './schema.ts'

/** How a NodeGroup gives up nodes: what keeps one, how it is emptied, and how many may leave at once. */

export const drainBlockers = ['Unreplicated', 'LocalStorage', 'KubeSystem', 'CustomController'] as const
export type DrainBlocker = (typeof drainBlockers)[number]

export const drain = Type.Object(
  {
    timeoutSeconds: Type.Optional(
      seconds('How long a drain may take before it is undone.', 1, 86_400, { default: 900 }),
    ),
    maxPodGracePeriodSeconds: Type.Optional(
      seconds("Cap on each pod's own termination grace period.", 0, 86_400, { default: 600 }),
    ),
    blockOn: Type.Optional(
      Type.Array(Type.Enum([...drainBlockers], { type: 'string', maxLength: 32 }), {
        maxItems: 4,
        uniqueItems: true,
        default: ['Unreplicated', 'LocalStorage', 'KubeSystem'],
        description: 'Which pods keep their node from being removed.',
      }),
    ),
    minReplicas: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 1000,
        default: 0,
        description: 'Owners with fewer replicas keep their nodes.',
      }),
    ),
  },
  { description: 'How nodes are emptied.', builtInDefault: {} },
)

export const disruption = Type.Object(
  {
    maxUnavailable: Type.Optional(
      countOrPercent('Nodes of the group that may be leaving at once.', { default: '10%' }),
    ),
    minNodeAgeSeconds: Type.Optional(
      seconds('Younger nodes are not removed.', 0, 2_592_000, { default: 600 }),
    ),
    windows: Type.Optional(
      Type.Array(
        Type.Object({
          schedule: text('Start, as a cron expression of five fields.', 128, forms.cron),
          durationSeconds: seconds('How long the window stays open.', 60, 604_800),
          timeZone: Type.Optional(text('IANA name, UTC if absent.', 64)),
          maxUnavailable: Type.Optional(countOrPercent("Budget within this window instead of the group's.")),
        }),
        {
          maxItems: 32,
          builtInDefault: [],
          description: 'Removals happen only within; any time when empty.',
        },
      ),
    ),
  },
  { description: 'Budget of voluntary removals.', builtInDefault: {} },
)
