import type { Review, ReviewDeps } from './paths.ts'
import { type AdmissionRequest, allowed, type Verdict } from './review.ts'

/**
 * The verdict on a request. Let through unseen: whatever is no create or update, an object on its way out, so that
 * finalizers can always go, and the controller's own writes, without which a cluster at zero nodes could not grow.
 */
export function decideReview(
  deps: ReviewDeps & { controller: string },
  review: Review,
  request: AdmissionRequest,
): Verdict {
  const { object, operation, user } = request
  if (operation !== 'CREATE' && operation !== 'UPDATE') return allowed
  if (!object || (object.metadata.deletionTimestamp ?? undefined) !== undefined) return allowed
  if (user.username === deps.controller) return allowed
  return review(deps, { ...request, object })
}
