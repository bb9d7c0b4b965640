import type { Int64Range } from '#api/envoy/type/v3/range_pb.js';
import { ConfigError } from '../../contract/errors.ts';

/** Statuses from `start` to before `end`. */
export interface StatusRange {
  readonly start: number;
  readonly end: number;
}

/** `expected_statuses` and `retriable_statuses`; `otherwise` when none is given. */
export function readStatusRanges(ranges: readonly Int64Range[], kind: 'expected' | 'retriable', otherwise: readonly StatusRange[]): readonly StatusRange[] {
  if (ranges.length === 0) return otherwise;
  return ranges.map((range, i) => {
    const [start, end] = [Number(range.start), Number(range.end)];
    const fail = (why: string): ConfigError => new ConfigError(`Invalid http ${kind} status range: ${why}`, { path: `${kind}_statuses[${i}]` });
    if (start >= end) throw fail(`expecting start < end, but found start=${start} and end=${end}`);
    if (start < 100) throw fail(`expecting start >= 100, but found start=${start}`);
    if (end > 600) throw fail(`expecting end <= 600, but found end=${end}`);
    return { start, end };
  });
}

export function inRanges(status: number, ranges: readonly StatusRange[]): boolean {
  for (const range of ranges) if (status >= range.start && status < range.end) return true;
  return false;
}
