import type { CheckContext } from './check-context.ts';

/** About 292 years: what still fits 64 bits of nanoseconds. */
const MAX_SECONDS = 9_223_372_035n;

/** Envoy's own limits for every Duration of a configuration, which PGV cannot express. */
export function checkDuration(value: unknown, context: CheckContext): void {
  const { seconds, nanos } = value as { seconds: bigint; nanos: number };
  if (seconds < 0n || nanos < 0) context.problem(`Invalid duration: Expected positive duration`);
  else if (nanos > 999_999_999 || seconds > MAX_SECONDS) context.problem('Invalid duration: Duration out-of-range');
}
