import { utf8Prefix } from './utf8.ts';

/**
 * JSON as a value, for reading single members out of it and for printing them again as the library nlohmann/json does (members sorted by
 * name). Byte strings.
 */
export type JsonValue = JsonText | JsonToken | JsonList | JsonMembers;

export class JsonText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** A number, `true`, `false` or `null`, in the form that it is printed in. */
export class JsonToken {
  readonly token: string;

  constructor(token: string) {
    this.token = token;
  }
}

export class JsonList {
  readonly items: readonly JsonValue[];

  constructor(items: readonly JsonValue[]) {
    this.items = items;
  }
}

export class JsonMembers {
  /** In the order of the names. */
  readonly members: ReadonlyMap<string, JsonValue>;

  constructor(members: ReadonlyMap<string, JsonValue>) {
    this.members = members;
  }
}

const MAX_DEPTH = 200;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const SPACE = /[ \t\r\n]*/y;
const STRING = /"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;

class JsonReader {
  private readonly text: string;
  private at: number;

  constructor(text: string) {
    this.text = text;
    this.at = 0;
  }

  read(): JsonValue | null {
    const value = this.value(0);
    this.take(SPACE);
    return value !== null && this.at === this.text.length ? value : null;
  }

  private take(pattern: RegExp): string | null {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (found === null) return null;
    this.at = pattern.lastIndex;
    return found[0];
  }

  private skip(char: string): boolean {
    this.take(SPACE);
    if (this.text[this.at] !== char) return false;
    this.at++;
    return true;
  }

  private value(depth: number): JsonValue | null {
    this.take(SPACE);
    if (depth > MAX_DEPTH) return null;
    switch (this.text[this.at]) {
      case '{': return this.members(depth);
      case '[': return this.list(depth);
      case '"': {
        const text = this.string();
        return text === null ? null : new JsonText(text);
      }
      default: return this.token();
    }
  }

  private token(): JsonValue | null {
    for (const word of ['true', 'false', 'null']) {
      if (!this.text.startsWith(word, this.at)) continue;
      this.at += word.length;
      return new JsonToken(word);
    }
    const number = this.take(NUMBER);
    return number === null ? null : new JsonToken(numberToken(number));
  }

  private string(): string | null {
    const quoted = this.take(STRING);
    if (quoted === null || utf8Prefix(quoted) < quoted.length) return null;
    if (!quoted.includes('\\')) return quoted.slice(1, -1);
    // Escapes give Unicode text; the bytes around them are UTF-8 already.
    const text: unknown = JSON.parse(Buffer.from(quoted, 'latin1').toString('utf8'));
    return typeof text === 'string' && text.isWellFormed() ? Buffer.from(text, 'utf8').toString('latin1') : null;
  }

  private list(depth: number): JsonValue | null {
    this.at++;
    const items: JsonValue[] = [];
    if (this.skip(']')) return new JsonList(items);
    do {
      const item = this.value(depth + 1);
      if (item === null) return null;
      items.push(item);
    } while (this.skip(','));
    return this.skip(']') ? new JsonList(items) : null;
  }

  private members(depth: number): JsonValue | null {
    this.at++;
    const members = new Map<string, JsonValue>();
    if (this.skip('}')) return new JsonMembers(members);
    do {
      this.take(SPACE);
      const name = this.string();
      if (name === null || !this.skip(':')) return null;
      const value = this.value(depth + 1);
      if (value === null) return null;
      members.set(name, value);
    } while (this.skip(','));
    if (!this.skip('}')) return null;
    // Byte strings compare as their bytes do.
    return new JsonMembers(new Map([...members].sort(([a], [b]) => (a < b ? -1 : 1))));
  }
}

/** Null when the text is no JSON. */
export function parseJson(text: string): JsonValue | null {
  return new JsonReader(text).read();
}

const MAX_POINT = 15;
const MIN_POINT = -4;
const MAX_INTEGER = 18446744073709551615n;
const MIN_INTEGER = -9223372036854775808n;

/** The number as nlohmann prints it: integers of 64 bits as they are, all others in their shortest form with a point or an exponent. */
function numberToken(text: string): string {
  if (/^-?\d+$/.test(text)) {
    const exact = BigInt(text);
    if (exact <= MAX_INTEGER && exact >= MIN_INTEGER) return String(exact);
  }
  const value = Number(text);
  if (!Number.isFinite(value)) return 'null';
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  const sign = value < 0 ? '-' : '';
  const [mantissa, power] = Math.abs(value).toExponential().split('e');
  const digits = mantissa.replace('.', '');
  // Digits before the point.
  const point = Number(power) + 1;
  if (digits.length <= point && point <= MAX_POINT) return `${sign}${digits.padEnd(point, '0')}.0`;
  if (point > 0 && point <= MAX_POINT) return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
  if (point > MIN_POINT && point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  const exponent = point - 1;
  const size = String(Math.abs(exponent)).padStart(2, '0');
  return `${sign}${digits[0]}${digits.length > 1 ? `.${digits.slice(1)}` : ''}e${exponent < 0 ? '-' : '+'}${size}`;
}

/** Compact JSON text. */
export function printJson(value: JsonValue): string {
  if (value instanceof JsonToken) return value.token;
  if (value instanceof JsonText) return quote(value.text);
  if (value instanceof JsonList) return `[${value.items.map(printJson).join(',')}]`;
  const members = [...value.members].map(([name, each]) => `${quote(name)}:${printJson(each)}`);
  return `{${members.join(',')}}`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"', '\\': '\\\\', '\b': '\\b', '\f': '\\f', '\n': '\\n', '\r': '\\r', '\t': '\\t',
};

function quote(text: string): string {
  const escaped = text.replace(/["\\\x00-\x1f]/g, (char) => ESCAPES[char] ?? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return `"${escaped}"`;
}
