import type { RuntimeFeatureFlag as RuntimeFeatureFlagMessage } from '#api/envoy/config/core/v3/base_pb.js';
import type { Runtime } from '../contract/runtime.ts';

/** A switch that the runtime may turn (envoy.config.core.v3.RuntimeFeatureFlag); on when it is not configured. */
export class RuntimeFeatureFlag {
  private readonly key: string;
  private readonly fallback: boolean;
  private readonly runtime: Runtime;

  constructor(message: RuntimeFeatureFlagMessage | undefined, runtime: Runtime) {
    this.key = message?.runtimeKey ?? '';
    this.fallback = message?.defaultValue ?? true;
    this.runtime = runtime;
  }

  get enabled(): boolean {
    return this.key === '' ? this.fallback : this.runtime.snapshot().getBoolean(this.key, this.fallback);
  }
}
