import type { LogLevel } from '../contract/logger.ts';

/**
 * spdlog's pattern language (github.com/gabime/spdlog/wiki/3.-Custom-formatting) with Envoy's own flags: `%_` message with newlines
 * escaped, `%j` message as the inside of a JSON string, `%*` tags (nuncio has none) and `%+` message without them, `%N` version.
 */

export const LEVEL_NAMES: readonly string[] = ['trace', 'debug', 'info', 'warning', 'error', 'critical', 'off'];
const SHORT_LEVELS = 'TDIWECO';

/** One line to be written. */
export interface LogRecord {
  readonly level: LogLevel;
  readonly component: string;
  readonly message: string;
  /** Milliseconds since the epoch, with fraction. */
  readonly time: number;
  /** Of the line before, for `%o` and its like. */
  readonly previousTime: number;
  readonly thread: number;
  /** Source file relative to the project root, and line; empty and 0 when the pattern does not ask. */
  readonly file: string;
  readonly line: number;
}

type Piece = (record: LogRecord, local: Date) => string;

export interface CompiledLogFormat {
  /** Whether the pattern shows where in the source the message comes from: finding out costs a stack trace. */
  readonly needsLocation: boolean;
  format(record: LogRecord): string;
}

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = [
  'January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December',
];

function pad(value: number, width: number): string {
  return String(value).padStart(width, '0');
}

function hour12(local: Date): number {
  const hour = local.getHours() % 12;
  return hour === 0 ? 12 : hour;
}

function clock(local: Date): string {
  return `${pad(local.getHours(), 2)}:${pad(local.getMinutes(), 2)}:${pad(local.getSeconds(), 2)}`;
}

function zone(local: Date): string {
  const offset = -local.getTimezoneOffset();
  const minutes = Math.abs(offset);
  return `${offset < 0 ? '-' : '+'}${pad(Math.floor(minutes / 60), 2)}:${pad(minutes % 60, 2)}`;
}

function shortDate(local: Date): string {
  return `${pad(local.getMonth() + 1, 2)}/${pad(local.getDate(), 2)}/${pad(local.getFullYear() % 100, 2)}`;
}

function ampm(local: Date): string {
  return local.getHours() >= 12 ? 'PM' : 'AM';
}

function fraction(record: LogRecord, digits: number): string {
  const scale = 10 ** digits;
  return pad(Math.floor(((record.time % 1_000) / 1_000) * scale), digits);
}

function elapsed(record: LogRecord, scale: number): string {
  return String(Math.max(0, Math.floor((record.time - record.previousTime) * scale)));
}

function baseName(file: string): string {
  return file.slice(file.lastIndexOf('/') + 1);
}

function location(record: LogRecord): string {
  return record.line === 0 ? '' : `${record.file}:${record.line}`;
}

let version = '';
/** What `%N` shows. */
export function setLogVersion(text: string): void {
  version = text;
}

const FLAGS: Readonly<Record<string, Piece>> = {
  v: (r) => r.message,
  t: (r) => String(r.thread),
  P: () => String(process.pid),
  n: (r) => r.component,
  l: (r) => LEVEL_NAMES[r.level],
  L: (r) => SHORT_LEVELS[r.level],
  a: (_, d) => DAYS[d.getDay()].slice(0, 3),
  A: (_, d) => DAYS[d.getDay()],
  b: (_, d) => MONTHS[d.getMonth()].slice(0, 3),
  h: (_, d) => MONTHS[d.getMonth()].slice(0, 3),
  B: (_, d) => MONTHS[d.getMonth()],
  c: (_, d) =>
    `${DAYS[d.getDay()].slice(0, 3)} ${MONTHS[d.getMonth()].slice(0, 3)} ${d.getDate()} ${clock(d)} ${d.getFullYear()}`,
  C: (_, d) => pad(d.getFullYear() % 100, 2),
  Y: (_, d) => String(d.getFullYear()),
  D: (_, d) => shortDate(d),
  x: (_, d) => shortDate(d),
  m: (_, d) => pad(d.getMonth() + 1, 2),
  d: (_, d) => pad(d.getDate(), 2),
  H: (_, d) => pad(d.getHours(), 2),
  I: (_, d) => pad(hour12(d), 2),
  M: (_, d) => pad(d.getMinutes(), 2),
  S: (_, d) => pad(d.getSeconds(), 2),
  e: (r) => fraction(r, 3),
  f: (r) => fraction(r, 6),
  F: (r) => fraction(r, 9),
  E: (r) => String(Math.floor(r.time / 1_000)),
  p: (_, d) => ampm(d),
  r: (_, d) => `${pad(hour12(d), 2)}:${pad(d.getMinutes(), 2)}:${pad(d.getSeconds(), 2)} ${ampm(d)}`,
  R: (_, d) => `${pad(d.getHours(), 2)}:${pad(d.getMinutes(), 2)}`,
  T: (_, d) => clock(d),
  X: (_, d) => clock(d),
  z: (_, d) => zone(d),
  '%': () => '%',
  '@': location,
  s: (r) => baseName(r.file),
  g: (r) => r.file,
  '#': (r) => (r.line === 0 ? '' : String(r.line)),
  '!': () => '',
  u: (r) => elapsed(r, 1e6),
  i: (r) => elapsed(r, 1e3),
  o: (r) => elapsed(r, 1),
  O: (r) => elapsed(r, 1e-3),
  '^': () => '',
  $: () => '',
  '&': () => '',
  '*': () => '',
  '+': (r) => jsonInside(r.message),
  _: (r) => r.message.replaceAll('\n', '\\n'),
  j: (r) => jsonInside(r.message),
  N: () => version,
};

function jsonInside(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** Width, alignment and truncation between `%` and the flag: `%-8l`, `%=8l`, `%8!n`. */
function padded(piece: Piece, align: string, width: number, truncate: boolean): Piece {
  return (record, local) => {
    let text = piece(record, local);
    if (text.length < width) {
      const missing = width - text.length;
      if (align === '-') text = text + ' '.repeat(missing);
      else if (align === '=') {
        const left = Math.floor(missing / 2);
        text = ' '.repeat(left) + text + ' '.repeat(missing - left);
      } else text = ' '.repeat(missing) + text;
    } else if (truncate && text.length > width) text = text.slice(0, width);
    return text;
  };
}

const MAX_PAD = 64;

/** Compiles a pattern. Unknown flags are shown as they are written, as spdlog does. Lines end with a newline. */
export function compileLogFormat(pattern: string): CompiledLogFormat {
  const pieces: Piece[] = [];
  let needsLocation = false;
  const matcher = /%([-=]?)([0-9]{0,2})(!?)([^])|([^%]+)|%$/g;
  for (let found = matcher.exec(pattern); found !== null; found = matcher.exec(pattern)) {
    const [whole, align, width, truncate, flag, literal] = found;
    if (flag === undefined) {
      if (literal !== undefined) pieces.push(() => literal);
      continue;
    }
    // `%!` alone is the function name, not a truncation of nothing.
    const piece = FLAGS[width === '' && truncate === '!' ? '!' : flag];
    if (piece === undefined) {
      pieces.push(() => whole);
      continue;
    }
    if ('@sg#'.includes(flag)) needsLocation = true;
    if (width === '') pieces.push(truncate === '!' ? () => flag : piece);
    else pieces.push(padded(piece, align, Math.min(Number(width), MAX_PAD), truncate === '!'));
  }
  return {
    needsLocation,
    format(record: LogRecord): string {
      const local = new Date(record.time);
      let line = '';
      for (const piece of pieces) line += piece(record, local);
      return `${line}\n`;
    },
  };
}

const C_ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '"': '\\"', "'": "\\'", '\\': '\\\\' };

/** `--log-format-escaped`: C escapes in everything but the final newline. */
export function escapeLogLine(line: string): string {
  const body = line.endsWith('\n') ? line.slice(0, -1) : line;
  let out = '';
  for (const byte of Buffer.from(body, 'utf8')) {
    const char = String.fromCharCode(byte);
    const named = C_ESCAPES[char];
    if (named !== undefined) out += named;
    else if (byte >= 0x20 && byte < 0x7f) out += char;
    else out += `\\${byte.toString(8).padStart(3, '0')}`;
  }
  return `${out}\n`;
}
