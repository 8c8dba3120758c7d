import { rotateUnderLoad, tryNodeGroup } from '../../checks/rotation.ts'
import { expect } from '../../fixtures/wait.ts'
import type { Step } from '../story.ts'
import type { World } from '../world.ts'

export const rotate: Step<World> = {
  name: 'The authority of all certificates is rotated while people write and agents report',
  asked: 'certs/main.ts rotate --force, with NodeGroups admitted and reports taken all the time',
  async run(world, tell, signal) {
    const load = { rotations: 1, admit: tryNodeGroup(world), parallel: 2, bundleDelayMs: () => 0 }
    const result = await rotateUnderLoad(world, load, tell, signal)
    const { admissions, rejected, reports, refusedReports, worstGapMs } = result
    expect(admissions > 50 && reports > 50, 'there was a load')
    expect(
      rejected + refusedReports === 0,
      `nothing is refused: ${rejected} writes, ${refusedReports} reports`,
    )
    return `${admissions} admissions and ${reports} reports, 0 refused; never more than ${worstGapMs} ms between two admissions`
  },
}
