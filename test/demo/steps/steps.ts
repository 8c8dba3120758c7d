import type { Step } from '../story.ts'
import type { World } from '../world.ts'
import { admission } from './admission.ts'
import { askWhy } from './ask-why.ts'
import { bill } from './bill.ts'
import { comeUp } from './come-up.ts'
import { loseAgent } from './lose-agent.ts'
import { loseLeader } from './lose-leader.ts'
import { metricsTold } from './metrics-told.ts'
import { replace } from './replace.ts'
import { rotate } from './rotate.ts'
import { scaleDown } from './scale-down.ts'
import { scaleUp } from './scale-up.ts'
import { seeUsage } from './see-usage.ts'
import { vpsieFails } from './vpsie-fails.ts'

/** The story, in order: each step builds on those before it. */
export const steps: readonly Step<World>[] = [
  comeUp,
  admission,
  scaleUp,
  seeUsage,
  askWhy,
  rotate,
  scaleDown,
  loseAgent,
  vpsieFails,
  loseLeader,
  replace,
  metricsTold,
  bill,
]
