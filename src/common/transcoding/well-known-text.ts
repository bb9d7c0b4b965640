import { invalidArgument } from './status.ts';
import type { TranscodingStatus } from './status.ts';
import type { Value } from './untyped-message.ts';

/** JSON of google.protobuf's Timestamp, Duration and FieldMask, with quotes, or why there is none (the texts are protobuf's). */

const MIN_TIMESTAMP = -62_135_596_800;
const MAX_TIMESTAMP = 253_402_300_799;
const MAX_DURATION = 315_576_000_000;
const MAX_NANOS = 999_999_999;

export function timestampText(secondsValue: Value | undefined, nanosValue: Value | undefined): string | TranscodingStatus {
  const seconds = numberOf(secondsValue);
  const nanos = numberOf(nanosValue);
  if (seconds < MIN_TIMESTAMP) return invalidArgument('minimum acceptable time value is 0001-01-01T00:00:00Z');
  if (seconds > MAX_TIMESTAMP) return invalidArgument('maximum acceptable time value is 9999-12-31T23:59:59Z');
  if (nanos < 0 || nanos > MAX_NANOS) return invalidArgument('nanos must be in range [0, +999,999,999]');
  const text = new Date(seconds * 1_000).toISOString();
  return `"${text.slice(0, 19)}${fraction(nanos)}Z"`;
}

export function durationText(secondsValue: Value | undefined, nanosValue: Value | undefined): string | TranscodingStatus {
  const seconds = numberOf(secondsValue);
  const nanos = numberOf(nanosValue);
  if (Math.abs(seconds) > MAX_DURATION || Math.abs(nanos) > MAX_NANOS) return invalidArgument('duration out of range');
  if (seconds !== 0 && nanos !== 0 && seconds < 0 !== nanos < 0) return invalidArgument('nanos and seconds signs do not match');
  const sign = seconds < 0 || nanos < 0 ? '-' : '';
  return `"${sign}${Math.abs(seconds)}${fraction(Math.abs(nanos))}s"`;
}

/** Three, six or nine digits behind a point; nothing for a whole second. */
function fraction(nanos: number): string {
  if (nanos === 0) return '';
  const digits = String(nanos).padStart(9, '0');
  if (!digits.endsWith('000')) return `.${digits}`;
  return digits.endsWith('000000') ? `.${digits.slice(0, 3)}` : `.${digits.slice(0, 6)}`;
}

/** Far out of every range where a number would not be exact. */
function numberOf(value: Value | undefined): number {
  return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : 0;
}

/** Paths in lower camel case, joined with commas. Characters that have no place in a path stay as they are. */
export function fieldMaskText(paths: readonly Value[]): string {
  const texts = paths.map((path) => (path instanceof Buffer ? camelPath(path.toString('latin1')) : ''));
  return `"${texts.join(',')}"`;
}

function camelPath(path: string): string {
  let out = '';
  let underscore = false;
  for (const char of path) {
    if (char === '_') {
      underscore = true;
      continue;
    }
    const lower = char >= 'a' && char <= 'z';
    if (lower && underscore) out += char.toUpperCase();
    else if (lower || (char >= '0' && char <= '9') || char === '.') out += char;
    else out += underscore ? `_${char}` : char;
    underscore = false;
  }
  return out;
}
