/**
 * Rewrites a pattern in RE2 syntax as a JavaScript one without flags that matches the same bytes, or gives up (null): then re2js runs
 * the pattern itself. The input MUST have passed re2js's parser, so only valid syntax is met here.
 *
 * Differences between the dialects that are bridged: `.` (RE2: all but \n), `\s` (RE2: no \v, no 0xa0), `]` first in a class, POSIX
 * classes, `\A` `\z` `\a` `\Q…\E` `\x{…}` octal, named groups, the flags i and s (ASCII case folding becomes classes). Given up: the
 * flags m and U, `\p`, `\C`, code points above 0xff, and captures inside a repetition (JavaScript resets them, RE2 does not) if wanted.
 */
export interface Translation {
  readonly source: string;
  /** A capture group stands inside a repetition: captures may differ from RE2's. */
  readonly repeatedCapture: boolean;
}

class GiveUp extends Error {}

interface Flags {
  readonly ignoreCase: boolean;
  readonly dotAll: boolean;
}

const POSIX: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z', alpha: 'A-Za-z', ascii: '\\x00-\\x7f', blank: '\\t ', cntrl: '\\x00-\\x1f\\x7f', digit: '0-9', graph: '!-~',
  lower: 'a-z', print: ' -~', punct: '!-\\/:-@\\[-`\\{-~', space: '\\t\\n\\v\\f\\r ', upper: 'A-Z', word: '0-9A-Za-z_', xdigit: '0-9A-Fa-f',
};
const SPACE = '\\t\\n\\f\\r ';

/** Translates `pattern` (a byte string), or returns null. */
export function re2ToJs(pattern: string): Translation | null {
  try {
    const translator = new Translator(pattern);
    return { source: translator.run(), repeatedCapture: translator.repeatedCapture };
  } catch (error) {
    if (error instanceof GiveUp) return null;
    throw error;
  }
}

class Translator {
  repeatedCapture = false;
  private readonly text: string;
  private at = 0;

  constructor(text: string) {
    this.text = text;
  }

  run(): string {
    const out = this.alternation({ ignoreCase: false, dotAll: false }).source;
    if (this.at !== this.text.length) throw new GiveUp();
    return out;
  }

  /** Up to the closing parenthesis or the end. Flags set inside (`(?i)`) hold to the end of the group. */
  private alternation(outer: Flags): { source: string; captures: boolean } {
    let flags = outer;
    let source = '';
    let captures = false;
    while (this.at < this.text.length && this.text[this.at] !== ')') {
      const char = this.text[this.at];
      if (char === '|') {
        this.at++;
        source += '|';
        continue;
      }
      const inline = char === '(' ? this.inlineFlags(flags) : null;
      if (inline !== null) {
        flags = inline;
        continue;
      }
      const atom = char === '(' ? this.group(flags) : { source: this.atom(flags), captures: false };
      const repeat = this.repetition();
      if (repeat !== '' && atom.captures) this.repeatedCapture = true;
      captures ||= atom.captures;
      source += atom.source + repeat;
    }
    return { source, captures };
  }

  /** `(?i)`, `(?-s)`: flags for the rest of this group; null when the parenthesis opens a group. */
  private inlineFlags(flags: Flags): Flags | null {
    const match = /^\(\?([imsU]*)(?:-([imsU]*))?\)/.exec(this.text.slice(this.at, this.at + 16));
    if (match === null) return null;
    this.at += match[0].length;
    return changedFlags(flags, match[1], match[2] ?? '');
  }

  private group(flags: Flags): { source: string; captures: boolean } {
    const rest = this.text.slice(this.at, this.at + 64);
    const named = /^\(\?P?<[A-Za-z0-9_]+>/.exec(rest);
    const flagged = /^\(\?([imsU]*)(?:-([imsU]*))?:/.exec(rest);
    let inner = flags;
    let capture = true;
    if (named !== null) this.at += named[0].length;
    else if (flagged !== null) {
      this.at += flagged[0].length;
      inner = changedFlags(flags, flagged[1], flagged[2] ?? '');
      capture = false;
    } else if (rest.startsWith('(?')) throw new GiveUp();
    else this.at++;
    const body = this.alternation(inner);
    if (this.text[this.at] !== ')') throw new GiveUp();
    this.at++;
    return { source: (capture ? '(' : '(?:') + body.source + ')', captures: capture || body.captures };
  }

  private repetition(): string {
    const rest = this.text.slice(this.at, this.at + 16);
    const match = /^(?:[*+?]|\{\d+(?:,\d*)?\})\??/.exec(rest);
    if (match === null) return '';
    this.at += match[0].length;
    return match[0];
  }

  private atom(flags: Flags): string {
    const char = this.text[this.at];
    if (char === '[') return this.characterClass(flags);
    if (char === '\\') return this.escape(flags);
    this.at++;
    if (char === '.') return flags.dotAll ? '[^]' : '[^\\n]';
    if (char === '^') return '^';
    if (char === '$') return '$';
    return literal(char.charCodeAt(0), flags);
  }

  private escape(flags: Flags): string {
    const next = this.text[this.at + 1];
    switch (next) {
      case 'A': this.at += 2; return '^';
      case 'z': this.at += 2; return '$';
      case 'b': case 'B': case 'd': case 'D': case 'w': case 'W': this.at += 2; return '\\' + next;
      case 's': this.at += 2; return `[${SPACE}]`;
      case 'S': this.at += 2; return `[^${SPACE}]`;
      case 'Q': return this.quoted(flags);
      case 'C': case 'p': case 'P': throw new GiveUp();
      default: return literal(this.escapedCode(), flags);
    }
  }

  /** `\Q…\E`: one atom per character, so that a repetition behind it takes the last one only. */
  private quoted(flags: Flags): string {
    const end = this.text.indexOf('\\E', this.at);
    const stop = end < 0 ? this.text.length : end;
    let out = '';
    for (let i = this.at + 2; i < stop; i++) out += literal(this.text.charCodeAt(i), flags);
    this.at = end < 0 ? stop : end + 2;
    if (out === '' && this.repetition() !== '') throw new GiveUp();
    return out;
  }

  /** The code of an escape that stands for one byte; `at` is moved behind it. */
  private escapedCode(): number {
    const rest = this.text.slice(this.at, this.at + 12);
    const hex = /^\\x(?:\{([0-9A-Fa-f]+)\}|([0-9A-Fa-f]{2}))/.exec(rest);
    const octal = /^\\(0[0-7]{0,2}|[1-7][0-7]{1,2})/.exec(rest);
    if (hex !== null || octal !== null) {
      this.at += (hex ?? octal)?.[0].length ?? 0;
      const code = hex !== null ? parseInt(hex[1] ?? hex[2], 16) : parseInt(octal?.[1] ?? '', 8);
      if (code > 0xff) throw new GiveUp();
      return code;
    }
    const next = rest[1];
    if (next === undefined) throw new GiveUp();
    this.at += 2;
    const control = 'a\x07f\x0ct\tn\nr\rv\x0b';
    const index = control.indexOf(next);
    if (index >= 0 && index % 2 === 0) return control.charCodeAt(index + 1);
    if (/[A-Za-z0-9]/.test(next)) throw new GiveUp();
    return next.charCodeAt(0);
  }

  private characterClass(flags: Flags): string {
    this.at++;
    const negated = this.text[this.at] === '^';
    if (negated) this.at++;
    let out = '';
    let first = true;
    while (first || this.text[this.at] !== ']') {
      if (this.at >= this.text.length) throw new GiveUp();
      out += this.classItem(flags);
      first = false;
    }
    this.at++;
    return `[${negated ? '^' : ''}${out}]`;
  }

  private classItem(flags: Flags): string {
    const rest = this.text.slice(this.at, this.at + 12);
    const posix = /^\[:(\^?)([a-z]+):\]/.exec(rest);
    if (posix !== null) {
      const set = POSIX[posix[2]];
      if (set === undefined || posix[1] === '^') throw new GiveUp();
      this.at += posix[0].length;
      return flags.ignoreCase && /^(lower|upper)$/.test(posix[2]) ? 'A-Za-z' : set;
    }
    const perl = /^\\([dDsSwW])/.exec(rest);
    if (perl !== null) {
      this.at += 2;
      if (perl[1] === 's') return SPACE;
      if (perl[1] === 'S') throw new GiveUp();
      return perl[0];
    }
    if (/^\\[pPQ]/.test(rest)) throw new GiveUp();
    const low = this.classCode();
    if (this.text[this.at] === '-' && this.text[this.at + 1] !== ']' && this.at + 1 < this.text.length) {
      this.at++;
      return classRange(low, this.classCode(), flags);
    }
    return classRange(low, low, flags);
  }

  private classCode(): number {
    if (this.text[this.at] === '\\') return this.escapedCode();
    return this.text.charCodeAt(this.at++);
  }
}

function changedFlags(flags: Flags, on: string, off: string): Flags {
  if (/[mU]/.test(on)) throw new GiveUp();
  return {
    ignoreCase: off.includes('i') ? false : on.includes('i') || flags.ignoreCase,
    dotAll: off.includes('s') ? false : on.includes('s') || flags.dotAll,
  };
}

function byteEscape(code: number): string {
  const char = String.fromCharCode(code);
  return /[A-Za-z0-9_ ]/.test(char) ? char : '\\x' + code.toString(16).padStart(2, '0');
}

function isLetter(code: number): boolean {
  return (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a);
}

function literal(code: number, flags: Flags): string {
  if (code > 0xff) throw new GiveUp();
  // Case folding of bytes above ASCII is left to re2js.
  if (flags.ignoreCase && code >= 0x80) throw new GiveUp();
  if (flags.ignoreCase && isLetter(code)) return `[${byteEscape(code)}${byteEscape(code ^ 0x20)}]`;
  return byteEscape(code);
}

function classRange(low: number, high: number, flags: Flags): string {
  if (low > 0xff || high > 0xff) throw new GiveUp();
  const range = low === high ? byteEscape(low) : `${byteEscape(low)}-${byteEscape(high)}`;
  if (!flags.ignoreCase) return range;
  if (high >= 0x80) throw new GiveUp();
  let folded = range;
  for (let code = low; code <= high; code++) if (isLetter(code)) folded += byteEscape(code ^ 0x20);
  return folded;
}
