/**
 * Log-linear histogram bins as Circonus' circllhist cuts them, on which Envoy's percentiles rest: a bin is the first two decimal digits
 * of a value and its power of ten, so there are 90 bins a decade, and one for zero.
 *
 * A histogram's bins are kept by decade ("lane"): lane 0 holds 0 and 1-9, lane 1 holds 10-99, lane 2 holds 100-999, and so on. Only lanes
 * that were ever hit take memory.
 */
export const LANE_CELLS = 91;
/** 10^LANES bounds what can be told apart; larger values fall into the last bin. */
export const LANES = 16;

const POWERS: readonly number[] = Array.from({ length: LANES + 1 }, (_, i) => 10 ** i);

/** Lane of an integer ≥ 0. */
export function laneOf(value: number): number {
  if (value < 10) return 0;
  if (value < 100) return 1;
  if (value < 1_000) return 2;
  let lane = 3;
  while (lane < LANES - 1 && value >= POWERS[lane + 1]) lane++;
  return lane;
}

/** Bin within the lane: 0 is the zero bin (lane 0 only), 1-90 are leading digits 10-99. */
export function binOf(value: number, lane: number): number {
  if (lane === 1) return value - 9;
  if (lane === 0) return value === 0 ? 0 : value * 10 - 9;
  const digits = Math.floor(value / POWERS[lane - 1]);
  return (digits > 99 ? 99 : digits) - 9;
}

/** Lower bound of a bin. */
export function binLeft(lane: number, bin: number): number {
  return bin === 0 ? 0 : ((bin + 9) * POWERS[lane]) / 10;
}

/** Width of a bin; the zero bin has none. */
export function binWidth(lane: number, bin: number): number {
  return bin === 0 ? 0 : POWERS[lane] / 10;
}

/** One filled bin of a histogram. */
export interface Bin {
  readonly left: number;
  readonly width: number;
  readonly count: number;
}

/**
 * Quantiles as circllhist's approx_quantile: the q-quantile of n samples is the sample of rank ceil(q n), and the k-th of m samples in a bin
 * is taken to lie at k / (m + 1) of its width. `at` ascending in [0, 1]; NaN when empty.
 */
export function quantiles(bins: readonly Bin[], at: readonly number[]): number[] {
  const total = totalCount(bins);
  if (total === 0) return at.map(() => NaN);
  let index = 0;
  let before = 0;
  return at.map((quantile) => {
    const rank = Math.max(1, Math.ceil(total * quantile));
    while (index < bins.length - 1 && before + bins[index].count < rank) before += bins[index++].count;
    const bin = bins[index];
    return bin.left + ((rank - before) / (bin.count + 1)) * bin.width;
  });
}

export function totalCount(bins: readonly Bin[]): number {
  let total = 0;
  for (const bin of bins) total += bin.count;
  return total;
}

/** Sum with each value taken as the harmonic mean of its bin's ends (circllhist's approx_sum). */
export function approximateSum(bins: readonly Bin[]): number {
  let sum = 0;
  for (const { left, width, count } of bins) {
    const right = left + width;
    if (right > 0) sum += ((2 * left * right) / (left + right)) * count;
  }
  return sum;
}

/** How many recorded values lie in bins that begin at or below `bound`. */
export function countBelow(bins: readonly Bin[], bound: number): number {
  let count = 0;
  for (const bin of bins) {
    if (bin.left > bound) break;
    count += bin.count;
  }
  return count;
}
