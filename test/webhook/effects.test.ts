import t from 'tap'
import { type Effect, fieldEffects } from '../../common/api/effects.ts'
import { answer } from '../fixtures/admission-answer.ts'
import { toCase } from '../fixtures/admission-cases.ts'

const template = '#cloud-config\nhostname: {{ hostname }}\n'
const vm = { provisioner: 'vm', osImageID: 'ubuntu-22.04', cloudInit: { template } }

/** A spec that sets the field of a path; its value is a sound one. */
const samples: Readonly<Record<string, object>> = {
  osImageID: { osImageID: 'ubuntu-22.04' },
  sshKeyIDs: { sshKeyIDs: ['key-1'] },
  tags: { tags: ['blue'] },
  notes: { notes: 'mine' },
  cloudInit: { cloudInit: { template } },
  'multiRegion.enabled': { multiRegion: { enabled: true, datacenterIDs: ['dc-1'] } },
  'scaleUpPolicy.cpuThreshold': { scaleUpPolicy: { cpuThreshold: 80 } },
  'scaleUpPolicy.memoryThreshold': { scaleUpPolicy: { memoryThreshold: 80 } },
  'costOptimization.maxPerformanceImpact': { costOptimization: { maxPerformanceImpact: 10 } },
  spotConfig: { spotConfig: { enabled: false } },
  'spotConfig.enabled': { spotConfig: { enabled: true } },
}

for (const [path, { managed, vm: plain }] of Object.entries(fieldEffects)) {
  for (const [mode, effect, spec] of [
    ['managed', managed, {}],
    ['vm', plain, vm],
  ] as const) {
    t.test(`spec.${path} with provisioner ${mode}: ${effect}`, async (t) => {
      const sample = samples[path]
      t.ok(sample, 'there is a sample')
      const response = answer(toCase('effects', { title: path, nodeGroup: { ...spec, ...sample } }))
      t.equal(effectOf(response, path), effect, JSON.stringify(response))
    })
  }
}

/** What the answer of admission says about the field. */
function effectOf({ allowed, warnings = [], status }: ReturnType<typeof answer>, path: string): Effect {
  const isAbout = (text: string) => text.startsWith(`spec.${path}`)
  if (!allowed) return status?.details.causes.some(({ field }) => isAbout(field)) ? 'refused' : 'full'
  return warnings.some((warning) => isAbout(warning) && warning.includes('has no effect')) ? 'none' : 'full'
}
