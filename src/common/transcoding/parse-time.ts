import { isSpace, parseInt32, parseUint64 } from './parse-number.ts';

/** Timestamps and durations in JSON, as protobuf's converter reads them. A string in the place of a result says why there is none. */
export interface Time {
  readonly seconds: number;
  readonly nanos: number;
}

const MIN_TIMESTAMP = -62_135_596_800;
const MAX_TIMESTAMP = 253_402_300_799;
const MAX_DURATION = 315_576_000_000;
const NANOS_PER_SECOND = 1_000_000_000;
const NANO_DIGITS = 9;
const BAD_ZONE = "Illegal timestamp format; timestamps must end with 'Z' or have a valid timezone offset.";
const TIMESTAMP_LIMIT = 'Timestamp value exceeds limits';
const DURATION_LIMIT = 'Duration value exceeds limits';

export function parseTimestamp(text: string): Time | string {
  let offset = 0;
  let local = text;
  if (text.endsWith('Z')) local = text.slice(0, -1);
  else {
    const at = Math.max(text.lastIndexOf('+'), text.lastIndexOf('-'));
    const zone = at < 0 ? null : parseZone(text.slice(at));
    if (zone === null) return BAD_ZONE;
    offset = zone;
    local = text.slice(0, at);
  }
  const [secondsText, nanosText] = splitFraction(local);
  const seconds = parseCivil(secondsText);
  if (typeof seconds === 'string') return `Invalid time format: ${seconds}`;
  const nanos = parseNanos(nanosText, 'Invalid time format, failed to parse nano seconds', TIMESTAMP_LIMIT);
  if (typeof nanos === 'string') return nanos;
  const utc = seconds - offset;
  return utc > MAX_TIMESTAMP || utc < MIN_TIMESTAMP ? TIMESTAMP_LIMIT : { seconds: utc, nanos };
}

export function parseDuration(text: string): Time | string {
  if (!text.endsWith('s')) return "Illegal duration format; duration must end with 's'";
  const negative = text.startsWith('-') && text.length > 1;
  const [secondsText, nanosText] = splitFraction(text.slice(negative ? 1 : 0, -1));
  const seconds = parseUint64(secondsText);
  if (seconds === null) return 'Invalid duration format, failed to parse seconds';
  const nanos = parseNanos(nanosText, 'Invalid duration format, failed to parse nano seconds', DURATION_LIMIT);
  if (typeof nanos === 'string') return nanos;
  // Wraps around as C++ does: 2^64 - 1 is -1.
  const signed = Number(BigInt.asIntN(64, negative ? -BigInt(seconds) : BigInt(seconds)));
  if (Math.abs(signed) > MAX_DURATION || nanos >= NANOS_PER_SECOND) return DURATION_LIMIT;
  return { seconds: signed, nanos: negative ? 0 - nanos : nanos };
}

function splitFraction(text: string): [string, string] {
  const dot = text.lastIndexOf('.');
  return dot < 0 ? [text, ''] : [text.slice(0, dot), text.slice(dot + 1)];
}

/** Digits behind the point as nanoseconds. */
function parseNanos(text: string, malformed: string, tooMuch: string): number | string {
  let zeros = 0;
  while (text[zeros] === '0') zeros++;
  const rest = text.slice(zeros);
  if (rest === '') return 0;
  const value = parseInt32(rest);
  if (value === null) return malformed;
  if (value > NANOS_PER_SECOND || value < 0) return tooMuch;
  for (let i = 0; i < rest.length; i++) {
    const code = rest.charCodeAt(i);
    if (code < 0x30 || code > 0x39) return malformed;
  }
  const digits = zeros + rest.length;
  return value > 0 && digits > NANO_DIGITS ? tooMuch : value * 10 ** (NANO_DIGITS - digits);
}

/** `+08:00`: seconds. */
function parseZone(text: string): number | null {
  if (text.length !== 6 || text[3] !== ':') return null;
  const hours = parseInt32(text.slice(1, 3));
  const minutes = parseInt32(text.slice(4, 6));
  if (hours === null || minutes === null || hours < 0 || hours >= 24 || minutes < 0 || minutes >= 60) return null;
  const seconds = (hours * 60 + minutes) * 60;
  return text.startsWith('-') ? -seconds : seconds;
}

const BAD_INPUT = 'Failed to parse input';
const OUT_OF_RANGE = 'Out-of-range field';
const TRAILING = 'Illegal trailing data in input string';
/** absl has words for the ends of time; any number out of range does. */
const FOREVER = 9e18;

/** `%Y-%m-%dT%H:%M:%S` as absl::ParseTime reads it: seconds since the epoch, or absl's error. */
function parseCivil(text: string): number | string {
  const trimmed = trimStart(text);
  if (trimmed.startsWith('infinite-future')) return trimEndIs(trimmed, 'infinite-future') ? FOREVER : BAD_INPUT;
  if (trimmed.startsWith('infinite-past')) return trimEndIs(trimmed, 'infinite-past') ? -FOREVER : BAD_INPUT;
  const scanner = new CivilScanner(trimmed);
  const year = scanner.number(Infinity, -FOREVER, FOREVER);
  scanner.literal('-');
  const month = scanner.number(2, 1, 12);
  scanner.literal('-');
  const day = scanner.number(2, 1, 31);
  scanner.literal('T');
  const hour = scanner.number(2, 0, 23);
  scanner.literal(':');
  const minute = scanner.number(2, 0, 59);
  scanner.literal(':');
  const second = scanner.number(2, 0, 60);
  if (scanner.failed) return BAD_INPUT;
  if (!scanner.atEnd) return TRAILING;
  if (day > daysInMonth(year, month)) return OUT_OF_RANGE;
  return daysSinceEpoch(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
}

function trimStart(text: string): string {
  let at = 0;
  while (at < text.length && isSpace(text.charCodeAt(at))) at++;
  return text.slice(at);
}

function trimEndIs(text: string, word: string): boolean {
  return trimStart(text.slice(word.length)) === '';
}

class CivilScanner {
  private readonly text: string;
  private at: number;
  failed: boolean;

  constructor(text: string) {
    this.text = text;
    this.at = 0;
    this.failed = false;
  }

  get atEnd(): boolean {
    return trimStart(this.text.slice(this.at)) === '';
  }

  literal(char: string): void {
    if (this.text[this.at] === char) this.at++;
    else this.failed = true;
  }

  /** A number of at most `width` characters, its sign included. */
  number(width: number, min: number, max: number): number {
    const negative = this.text[this.at] === '-';
    let left = width;
    if (negative) {
      this.at++;
      left--;
    }
    const from = this.at;
    let value = 0;
    while (left > 0 && this.at < this.text.length) {
      const digit = this.text.charCodeAt(this.at) - 0x30;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
      this.at++;
      left--;
    }
    const signed = negative ? -value : value;
    if (this.at === from || (negative && value === 0) || signed < min || signed > max) this.failed = true;
    return signed;
  }
}

function isLeap(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return isLeap(year) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Days from 1970-01-01 in the proleptic Gregorian calendar, counting years from March. */
function daysSinceEpoch(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}
