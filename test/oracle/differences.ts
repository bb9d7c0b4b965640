// The reviewed list of what may differ from Envoy 1.40. Everything that is not here must be equal.
import type { Mismatch } from './observation.ts'

/** One allowed difference. */
export interface Difference {
  /** Matches `scenario/case`. */
  readonly where: RegExp
  /** Matches the path of the mismatch, such as `stats.http.ingress.x` or `clients.a.received`. */
  readonly path: RegExp
  /** What Envoy shows must match, where given. */
  readonly envoy?: RegExp
  /** What nuncio shows must match, where given. */
  readonly nuncio?: RegExp
  /** Why this is right, in words for the user: it is listed in docs/user/differences.md. */
  readonly reason: string
}

export const DIFFERENCES: readonly Difference[] = []

/** The entry that allows a mismatch, or undefined. */
export function allowedBy(where: string, mismatch: Mismatch): Difference | undefined {
  return DIFFERENCES.find(
    (entry) => entry.where.test(where) && entry.path.test(mismatch.path) && (entry.envoy?.test(mismatch.envoy ?? '') ?? true) && (entry.nuncio?.test(mismatch.nuncio ?? '') ?? true),
  )
}
