import type { Filter } from './filter.ts'

/** A node written into the pod by hand is the only one (plugin NodeName). */
export const nodeName: Filter = {
  code: 'NodeName',
  refuses: ({ pinnedTo }, { name }) => pinnedTo !== undefined && pinnedTo !== name,
  explain: ({ pinnedTo }) => `spec.nodeName is "${pinnedTo}"`,
}
