/**
 * Times as absl::FormatTime writes them, with Envoy's additions: `%s` (seconds since the epoch), `%f` and `%1f`…`%9f`, `%*f` (fraction
 * digits), `%E1S`…`%E9S`, `%E*S`, `%E#f`. Everything but the fraction is remembered for the running second: a busy log line costs one
 * concatenation.
 */
type Part = (time: BrokenDown) => string;

interface BrokenDown {
  readonly seconds: number;
  readonly year: number;
  /** 0-11. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  /** 0 = Sunday. */
  readonly weekday: number;
  /** 0-365. */
  readonly yearDay: number;
  /** Minutes east of UTC. */
  readonly offset: number;
}

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = [
  'January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December',
];
/** Width of a fraction that drops trailing zeros. */
const DYNAMIC = 0;
const FRACTION = /%([1-9*]?)f|%E([1-9*])([Sf])/;

export const DEFAULT_TIME_FORMAT = '%Y-%m-%dT%H:%M:%E3SZ';
export const DEFAULT_LOCAL_TIME_FORMAT = '%Y-%m-%dT%H:%M:%E3S%z';

export class DateFormat {
  private readonly local: boolean;
  /** Text before each fraction, and behind the last; one more than `fractions`. */
  private readonly texts: readonly (readonly Part[])[];
  private readonly fractions: readonly Fraction[];
  private cachedSecond: number;
  private readonly cached: string[];

  /** An empty format is the default one. */
  constructor(format: string, local: boolean) {
    this.local = local;
    const texts: Part[][] = [];
    const fractions: Fraction[] = [];
    let rest = format === '' ? (local ? DEFAULT_LOCAL_TIME_FORMAT : DEFAULT_TIME_FORMAT) : format;
    for (let match = FRACTION.exec(rest); match !== null; match = FRACTION.exec(rest)) {
      const width = match[1] ?? match[2];
      const withSeconds = match[3] === 'S';
      texts.push(compile(rest.slice(0, match.index) + (withSeconds ? '%S' : '')));
      fractions.push(new Fraction(width === '' ? 9 : width === '*' ? DYNAMIC : Number(width), withSeconds));
      rest = rest.slice(match.index + match[0].length);
    }
    texts.push(compile(rest));
    this.texts = texts;
    this.fractions = fractions;
    this.cachedSecond = NaN;
    this.cached = new Array<string>(texts.length).fill('');
  }

  /** `wallMs`: milliseconds since the epoch, with fraction. */
  format(wallMs: number): string {
    const seconds = Math.floor(wallMs / 1_000);
    if (seconds !== this.cachedSecond) this.refresh(seconds);
    let out = this.cached[0];
    for (let i = 0; i < this.fractions.length; i++) out += this.fractions[i].text(wallMs - seconds * 1_000) + this.cached[i + 1];
    return out;
  }

  private refresh(seconds: number): void {
    const time = this.local ? localTime(seconds) : utcTime(seconds);
    for (let i = 0; i < this.texts.length; i++) {
      let text = '';
      for (const part of this.texts[i]) text += part(time);
      this.cached[i] = text;
    }
    this.cachedSecond = seconds;
  }
}

class Fraction {
  private readonly width: number;
  private readonly withDot: boolean;

  constructor(width: number, withDot: boolean) {
    this.width = width;
    this.withDot = withDot;
  }

  /** `ms` is in [0, 1000). */
  text(ms: number): string {
    if (this.width === 3) {
      const whole = Math.floor(ms);
      const digits = whole < 10 ? '00' + whole : whole < 100 ? '0' + whole : String(whole);
      return this.withDot ? '.' + digits : digits;
    }
    const nanos = String(Math.floor(ms * 1_000_000)).padStart(9, '0');
    if (this.width !== DYNAMIC) return (this.withDot ? '.' : '') + nanos.slice(0, this.width);
    const short = nanos.replace(/0+$/, '');
    if (this.withDot) return short === '' ? '' : '.' + short;
    return short === '' ? '0' : short;
  }
}

function utcTime(seconds: number): BrokenDown {
  const date = new Date(seconds * 1_000);
  const year = date.getUTCFullYear();
  return {
    seconds, year, month: date.getUTCMonth(), day: date.getUTCDate(), hour: date.getUTCHours(), minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(), weekday: date.getUTCDay(), offset: 0,
    yearDay: Math.round((Date.UTC(year, date.getUTCMonth(), date.getUTCDate()) - Date.UTC(year, 0, 1)) / 86_400_000),
  };
}

function localTime(seconds: number): BrokenDown {
  const date = new Date(seconds * 1_000);
  const year = date.getFullYear();
  return {
    seconds, year, month: date.getMonth(), day: date.getDate(), hour: date.getHours(), minute: date.getMinutes(),
    second: date.getSeconds(), weekday: date.getDay(), offset: -date.getTimezoneOffset(),
    yearDay: Math.round((Date.UTC(year, date.getMonth(), date.getDate()) - Date.UTC(year, 0, 1)) / 86_400_000),
  };
}

function compile(format: string): Part[] {
  const parts: Part[] = [];
  let at = 0;
  while (at < format.length) {
    const percent = format.indexOf('%', at);
    const end = percent < 0 || percent === format.length - 1 ? format.length : percent;
    if (end > at) {
      const text = format.slice(at, end);
      parts.push(() => text);
    }
    if (end === format.length) break;
    const extended = /^%(E[zTY4]Y?|E\*?z|:{1,3}z)/.exec(format.slice(end, end + 5));
    const name = extended !== null && SPECIFIERS[extended[1]] !== undefined ? extended[1] : format[end + 1];
    const written = '%' + name;
    parts.push(SPECIFIERS[name] ?? (() => written));
    at = end + 1 + name.length;
  }
  return parts;
}

function two(value: number, pad = '0'): string {
  return value < 10 ? pad + value : String(value);
}

function hour12(time: BrokenDown): number {
  return time.hour % 12 === 0 ? 12 : time.hour % 12;
}

function zone(time: BrokenDown, separator: string): string {
  const minutes = Math.abs(time.offset);
  return (time.offset < 0 ? '-' : '+') + two(Math.floor(minutes / 60)) + separator + two(minutes % 60);
}

/** Week of the year, weeks beginning on `firstDay`. */
function week(time: BrokenDown, firstDay: number): number {
  return Math.floor((time.yearDay + 7 - ((time.weekday - firstDay + 7) % 7)) / 7);
}

/** ISO 8601 year and week. */
function isoWeek(time: BrokenDown): { year: number; week: number } {
  const thursday = new Date(Date.UTC(time.year, time.month, time.day + 4 - (time.weekday === 0 ? 7 : time.weekday)));
  const year = thursday.getUTCFullYear();
  return { year, week: Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / 604_800_000) + 1 };
}

function clock(time: BrokenDown): string {
  return `${two(time.hour)}:${two(time.minute)}:${two(time.second)}`;
}

function shortDate(time: BrokenDown): string {
  return `${two(time.month + 1)}/${two(time.day)}/${two(time.year % 100)}`;
}

const SPECIFIERS: Readonly<Record<string, Part>> = {
  '%': () => '%',
  n: () => '\n',
  t: () => '\t',
  s: (time) => String(time.seconds),
  Y: (time) => String(time.year),
  E4Y: (time) => String(time.year).padStart(4, '0'),
  C: (time) => two(Math.floor(time.year / 100)),
  y: (time) => two(time.year % 100),
  m: (time) => two(time.month + 1),
  d: (time) => two(time.day),
  e: (time) => two(time.day, ' '),
  H: (time) => two(time.hour),
  k: (time) => two(time.hour, ' '),
  I: (time) => two(hour12(time)),
  l: (time) => two(hour12(time), ' '),
  M: (time) => two(time.minute),
  S: (time) => two(time.second),
  p: (time) => (time.hour < 12 ? 'AM' : 'PM'),
  P: (time) => (time.hour < 12 ? 'am' : 'pm'),
  j: (time) => String(time.yearDay + 1).padStart(3, '0'),
  a: (time) => DAYS[time.weekday].slice(0, 3),
  A: (time) => DAYS[time.weekday],
  b: (time) => MONTHS[time.month].slice(0, 3),
  h: (time) => MONTHS[time.month].slice(0, 3),
  B: (time) => MONTHS[time.month],
  u: (time) => String(time.weekday === 0 ? 7 : time.weekday),
  w: (time) => String(time.weekday),
  U: (time) => two(week(time, 0)),
  W: (time) => two(week(time, 1)),
  V: (time) => two(isoWeek(time).week),
  G: (time) => String(isoWeek(time).year),
  g: (time) => two(isoWeek(time).year % 100),
  D: shortDate,
  x: shortDate,
  F: (time) => `${time.year}-${two(time.month + 1)}-${two(time.day)}`,
  T: clock,
  X: clock,
  R: (time) => `${two(time.hour)}:${two(time.minute)}`,
  r: (time) => `${two(hour12(time))}:${two(time.minute)}:${two(time.second)} ${time.hour < 12 ? 'AM' : 'PM'}`,
  c: (time) => `${DAYS[time.weekday].slice(0, 3)} ${MONTHS[time.month].slice(0, 3)} ${two(time.day, ' ')} ${clock(time)} ${time.year}`,
  z: (time) => zone(time, ''),
  Ez: (time) => zone(time, ':'),
  ':z': (time) => zone(time, ':'),
  'E*z': (time) => `${zone(time, ':')}:00`,
  '::z': (time) => `${zone(time, ':')}:00`,
  ET: () => 'T',
  Z: (time) => (time.offset === 0 ? 'UTC' : zone(time, '')),
};
