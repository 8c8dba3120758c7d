import { nodeGroup } from '../../fixtures/objects.ts'

/** What the API server sends: an AdmissionReview as text. */
export interface ReviewBody {
  name: string
  body: string
}

/** What managedFields look like: many short keys, as server-side apply keeps them. */
function managedFields(bytes: number): object[] {
  const fields: Record<string, object> = {}
  for (let i = 0; JSON.stringify(fields).length < bytes; i += 8) {
    for (let k = 0; k < 8; k++)
      fields[`f:field-${i + k}`] = { '.': {}, 'f:value': {}, 'f:lastTransitionTime': {} }
  }
  const entry = { manager: 'kubectl', operation: 'Update', apiVersion: 'autoscaler.vpsie.com/v1alpha1' }
  return [{ ...entry, time: '2026-01-01T00:00:00Z', fieldsType: 'FieldsV1', fieldsV1: { 'f:spec': fields } }]
}

function review(operation: 'CREATE' | 'UPDATE', bytes: number): string {
  const share = operation === 'UPDATE' ? bytes / 2 : bytes
  const labels = { team: 'payments', 'example.com/tier': 'gold' }
  const group = (maxNodes: number) => {
    const spec = {
      maxNodes,
      offeringIDs: ['small', 'medium'],
      labels,
      taints: [{ key: 'team', effect: 'NoSchedule' as const }],
    }
    return nodeGroup('workers-7', { metadata: { managedFields: managedFields(share) } as object, spec })
  }
  const resource = { group: 'autoscaler.vpsie.com', version: 'v1alpha1', resource: 'nodegroups' }
  const kind = { group: 'autoscaler.vpsie.com', version: 'v1alpha1', kind: 'NodeGroup' }
  return JSON.stringify({
    kind: 'AdmissionReview',
    apiVersion: 'admission.k8s.io/v1',
    request: {
      uid: '705ab4f5-6393-11e8-b7cc-42010a800002',
      kind,
      resource,
      requestKind: kind,
      requestResource: resource,
      name: 'workers-7',
      namespace: 'kube-system',
      operation,
      userInfo: { username: 'jane', groups: ['system:masters', 'system:authenticated'] },
      object: group(20),
      oldObject: operation === 'UPDATE' ? group(10) : null,
      dryRun: false,
      options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1', fieldManager: 'kubectl' },
    },
  })
}

/** A minimal NodeGroup, the same with the managedFields of an object in use, and one that many managers share. */
export const reviews: readonly ReviewBody[] = [
  { name: '1.4 KB', body: review('CREATE', 0) },
  { name: '5.7 KB', body: review('CREATE', 4_300) },
  { name: '200 KB', body: review('UPDATE', 197_500) },
]
