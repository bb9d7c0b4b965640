/** Runtime values (layers of static, disk, admin, RTDS), one immutable snapshot at a time; see runtime-overload-drain in the reference. */
export interface RuntimeSnapshot {
  getBoolean(key: string, defaultValue: boolean): boolean;
  getInteger(key: string, defaultValue: number): number;
  getDouble(key: string, defaultValue: number): number;
  getString(key: string): string | undefined;
  /**
   * Draws whether a feature with a fractional percentage is on: `random` is any unsigned integer, compared modulo the denominator.
   * The runtime value under `key`, when there, replaces numerator (and denominator if it is a FractionalPercent).
   */
  featureEnabled(key: string, percent: FractionalPercent, random: number): boolean;
  /** `envoy.reloadable_features.X`: the built-in default unless overridden. */
  runtimeFeatureEnabled(name: string): boolean;
}

export interface FractionalPercent {
  readonly numerator: number;
  /** 100, 10_000 or 1_000_000. */
  readonly denominator: number;
}

export interface Runtime {
  /** The newest snapshot; take it once per decision. */
  snapshot(): RuntimeSnapshot;
}
