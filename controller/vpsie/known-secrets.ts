/** Texts that no message may contain: what has been sent of late, since an answer may quote what an earlier one was asked with. */
export interface KnownSecrets {
  /** Notes these, and gives all that are known. */
  with(secrets: readonly string[]): readonly string[]
}

// A token lives an hour, so these are many hours' worth.
const most = 32

export function createKnownSecrets(): KnownSecrets {
  const known = new Set<string>()
  return {
    with(secrets) {
      for (const secret of secrets) {
        known.delete(secret)
        known.add(secret)
      }
      for (const oldest of known) {
        if (known.size <= most) break
        known.delete(oldest)
      }
      return [...known]
    },
  }
}
