/** Buckets that Prometheus and `histogram_buckets=` show (Envoy's defaults; `stats_config.histogram_bucket_settings` replaces them by name). */
export const DEFAULT_BUCKETS: readonly number[] = [
  0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000, 600_000, 1_800_000, 3_600_000,
];

export const QUANTILES: readonly number[] = [0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 1];

/** Finds the buckets for a histogram by its full name. */
export type BucketsFor = (statName: string) => readonly number[];

/** `settings` in order of configuration, already compiled; the first that matches and has buckets wins. */
export function bucketsFrom(settings: readonly { match(name: string): boolean; readonly buckets: readonly number[] }[]): BucketsFor {
  if (settings.length === 0) return () => DEFAULT_BUCKETS;
  return (name) => settings.find((each) => each.buckets.length > 0 && each.match(name))?.buckets ?? DEFAULT_BUCKETS;
}
