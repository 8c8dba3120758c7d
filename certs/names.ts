import { group } from '../common/api/names.ts'

/** The objects the job keeps, all in one namespace; the two webhook configurations belong to the whole cluster. */
export const authoritySecret = 'vpsie-autoscaler-ca'
export const trustConfigMap = 'vpsie-autoscaler-trust'
export const webhookConfiguration = 'vpsie-autoscaler-webhook'

/** The CRDs of ours, whose conversion a webhook may serve. */
export const definitions = ['nodegroups', 'vpsienodes', 'autoscalerconfigs'].map(
  (plural) => `${plural}.${group}`,
)

/** The two listeners with a serving certificate. Their order is the order of issuing. */
export const leafNames = ['webhook', 'ingest'] as const
export type LeafName = (typeof leafNames)[number]

/** The Secret (`tls.crt`, `tls.key`) a listener's pods mount. */
export const leafSecrets: Readonly<Record<LeafName, string>> = {
  webhook: 'vpsie-autoscaler-webhook-tls',
  ingest: 'vpsie-autoscaler-ingest-tls',
}

/** Selects the pods that serve a listener. */
export const podSelectors: Readonly<Record<LeafName, string>> = {
  webhook: 'app.kubernetes.io/name=vpsie-autoscaler,app.kubernetes.io/component=webhook',
  ingest: 'app.kubernetes.io/name=vpsie-autoscaler,app.kubernetes.io/component=controller',
}

/** Keys of the authority Secret. The private key of a retired authority is not kept. */
export const authorityKeys = {
  activeCertificate: 'active.crt',
  activeKey: 'active.key',
  nextCertificate: 'next.crt',
  nextKey: 'next.key',
  retired: 'retired.crt',
} as const

/** Annotations of the authority Secret: where a rotation stands. */
export const rotationAnnotations = {
  phase: `${group}/rotation-phase`,
  /** RFC 3339: since when it is in this phase. */
  since: `${group}/rotation-since`,
  /** Decimal: how often in a row every replica was seen to serve a certificate of the active authority. */
  confirmations: `${group}/rotation-confirmations`,
  /** RFC 3339: when the replicas were last looked at. */
  confirmedAt: `${group}/rotation-confirmed-at`,
  /** Decimal: number of the newest authority, part of its name. */
  epoch: `${group}/rotation-epoch`,
} as const
