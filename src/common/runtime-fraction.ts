import type { RuntimeFractionalPercent } from '#api/envoy/config/core/v3/base_pb.js';
import type { FractionalPercent as FractionalPercentMessage } from '#api/envoy/type/v3/percent_pb.js';
import type { FractionalPercent, Runtime } from '../contract/runtime.ts';

/** Index = FractionalPercent.DenominatorType. */
const DENOMINATORS: readonly number[] = [100, 10_000, 1_000_000];

export const HUNDRED_PERCENT: FractionalPercent = { numerator: 100, denominator: 100 };

export function fractionalPercent(message: FractionalPercentMessage | undefined): FractionalPercent {
  return { numerator: message?.numerator ?? 0, denominator: DENOMINATORS[message?.denominator ?? 0] ?? 100 };
}

/** A fraction that the runtime may override (RuntimeFractionalPercent). */
export class RuntimeFraction {
  readonly key: string;
  readonly fallback: FractionalPercent;
  private readonly runtime: Runtime;

  constructor(message: RuntimeFractionalPercent, runtime: Runtime) {
    this.key = message.runtimeKey;
    this.fallback = fractionalPercent(message.defaultValue);
    this.runtime = runtime;
  }

  /** Draws with `random`, an unsigned integer. */
  enabled(random: number): boolean {
    return this.runtime.snapshot().featureEnabled(this.key, this.fallback, random);
  }
}
