import t, { type Test } from 'tap'
import type { KubeObject } from '../../common/kube/objects.ts'
import { type AdmissionResponse, answer } from '../fixtures/admission-answer.ts'
import { type AdmissionCase, admissionCases } from '../fixtures/admission-cases.ts'
import { jsonPatch, type Operation } from '../simulators/kubernetes/json-patch.ts'

const cases = admissionCases()

t.test('there is a case for everything: at least 250', async (t) => {
  t.ok(cases.length >= 250, `${cases.length} cases`)
  const titles = cases.map(({ file, title }) => `${file}: ${title}`)
  t.same(
    titles.filter((title, i) => titles.indexOf(title) < i),
    [],
    'each has a title of its own',
  )
})

for (const each of cases) {
  t.test(`${each.file}: ${each.title}`, async (t) => {
    const response = answer(each)
    const causes = response.status?.details.causes ?? []
    t.same(
      causes.map(({ field, message }) => `${field}: ${message}`),
      each.refused,
    )
    t.equal(response.allowed, each.refused.length === 0)
    t.same(response.warnings ?? [], each.warnings)
    for (const warning of response.warnings ?? []) t.ok(warning.length < 120, warning)
    const fields = causes.map(({ field }) => field)
    t.same(fields, [...fields].sort(), 'sorted by field')
    if (each.patched !== undefined) checkPatch(t, each, response)
    if (each.refused.length > 0) t.ok(each.by, 'the case says which judge refuses first')
  })
}

function checkPatch(t: Test, { object, patched }: AdmissionCase, { patch }: AdmissionResponse): void {
  if (patched === 'nothing' || patched === undefined) return void t.equal(patch, undefined)
  const operations = JSON.parse(Buffer.from(patch ?? '', 'base64').toString()) as Operation[]
  const after = jsonPatch(object, operations) as KubeObject & { spec: object }
  t.match(after, {
    metadata: {
      ...(patched.labels ? { labels: patched.labels } : {}),
      ...(patched.annotations ? { annotations: patched.annotations } : {}),
    },
    ...(patched.spec ? { spec: patched.spec } : {}),
  })
}
