import t, { type Test } from 'tap'
import type { KubeObject } from '../../common/kube/objects.ts'
import { decideReview } from '../../webhook/decide.ts'
import { paths } from '../../webhook/paths.ts'
import { readReview, replyOf } from '../../webhook/review.ts'
import { type AdmissionCase, admissionCases, controllerAccount } from '../fixtures/admission-cases.ts'
import { jsonPatch, type Operation } from '../simulators/kubernetes/json-patch.ts'

interface Response {
  uid: string
  allowed: boolean
  warnings?: string[]
  patch?: string
  status?: { details: { causes: { field: string; message: string }[] } }
}

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

/** The answer of the review code to the case, as it would go over the wire. */
function answer({ kind, path, operation, object, old, user, dryRun, around }: AdmissionCase): Response {
  const review = paths[path]?.review
  if (!review) throw new Error(`there is no path ${path}`)
  const isDeletion = operation === 'DELETE'
  const request = readReview({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: 'u-1',
      operation,
      kind: { group: 'autoscaler.vpsie.com', version: 'v1alpha1', kind },
      name: object.metadata.name,
      namespace: object.metadata.namespace,
      userInfo: user,
      object: isDeletion ? null : object,
      oldObject: isDeletion ? object : (old ?? null),
      dryRun,
    },
  })
  const verdict = decideReview({ ...around, controller: controllerAccount }, review, request)
  return (replyOf(request, verdict) as { response: Response }).response
}

function checkPatch(t: Test, { object, patched }: AdmissionCase, { patch }: Response): void {
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
