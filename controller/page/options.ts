import { defaultNamespace } from '../../common/api/names.ts'
import type { OptionTable } from '../../common/options.ts'

/** The service account whose tokens open the page, as the manifests make it. */
export const viewerAccount = 'vpsie-autoscaler-viewer'

/** How people look at the controller. */
export const pageOptions = {
  'page-addr': {
    type: 'string',
    default: ':8444',
    description: 'Address of the status page and of /v1/explain; 0 turns it off.',
  },
  'page-tls': {
    type: 'boolean',
    default: 'true',
    description:
      'Serve it over TLS, with the certificate of --ingest-addr; false only where nobody else listens.',
  },
  'page-viewers': {
    type: 'list',
    default: `system:serviceaccount:${defaultNamespace}:${viewerAccount}`,
    description: 'Users whose tokens for audience vpsie-autoscaler-page may look.',
  },
} as const satisfies OptionTable
