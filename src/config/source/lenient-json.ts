import type { Json } from '../message/json.ts';
import type { SyntaxProblem } from './source.ts';
import type { SourceEntry, SourceNode } from './source-node.ts';

/** A value with its place. */
export interface JsonNode extends SourceNode {
  readonly scalar: Json;
  readonly entries?: readonly JsonEntry[];
  readonly items?: readonly JsonNode[];
}

export interface JsonEntry extends SourceEntry {
  readonly node: JsonNode;
}

/** As deep as Envoy's JSON reader goes for generic JSON. */
const MAX_DEPTH = 1000;

const ESCAPES: Record<string, string> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', '"': '"', "'": "'", '/': '/', '\\': '\\' };

class Fault extends Error {
  readonly problem: SyntaxProblem;

  constructor(offset: number, why: string, hint: string) {
    super(why);
    this.problem = { offset, why, hint };
  }
}

/**
 * JSON as protobuf's lenient reader takes it, with places: beside strict JSON, trailing commas, strings in single quotes, unquoted
 * keys and control characters in strings. Integers too large for a number come as bigint.
 */
export class LenientJson {
  private readonly text: string;
  private at: number;
  private depth: number;

  constructor(text: string) {
    this.text = text;
    this.at = 0;
    this.depth = 0;
  }

  /** The whole text as one value, or the first thing wrong with it. */
  parse(): JsonNode | SyntaxProblem {
    try {
      const node = this.value();
      this.space();
      if (this.at < this.text.length) this.fail('extraneous characters after the end of the JSON value');
      return node;
    } catch (fault) {
      if (fault instanceof Fault) return fault.problem;
      throw fault;
    }
  }

  private fail(why: string, hint = ''): never {
    throw new Fault(this.at, why, hint);
  }

  private space(): void {
    while (this.at < this.text.length && ' \t\r\n'.includes(this.text.charAt(this.at))) this.at++;
  }

  private value(): JsonNode {
    this.space();
    const offset = this.at;
    const char = this.text.charAt(this.at);
    if (char === '{') return this.object(offset);
    if (char === '[') return this.list(offset);
    if (char === '"' || char === "'") return { offset, scalar: this.string(char) };
    if (char === '-' || (char >= '0' && char <= '9')) return { offset, scalar: this.number() };
    return { offset, scalar: this.word() };
  }

  private word(): Json {
    const rest = this.text.slice(this.at, this.at + 16);
    for (const [word, value] of [['true', true], ['false', false], ['null', null]] as const) {
      if (!rest.startsWith(word)) continue;
      this.at += word.length;
      return value;
    }
    if (rest === '') this.fail('unexpected end of the text');
    this.noComment();
    if (/^[A-Za-z]/.test(rest)) this.fail(`unexpected ${JSON.stringify(/^[A-Za-z]+/.exec(rest)?.[0])}`, 'strings need quotes');
    this.fail(`unexpected character ${JSON.stringify(rest.charAt(0))}`);
  }

  private noComment(): void {
    if (/^(\/[*/]|#)/.test(this.text.slice(this.at, this.at + 2))) this.fail('JSON has no comments', 'remove the comment, or name the file .yaml');
  }

  private number(): Json {
    const match = /^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/.exec(this.text.slice(this.at, this.at + 400));
    if (match === null) this.fail('a number is incomplete');
    this.at += match[0].length;
    if (/[0-9A-Za-z._]/.test(this.text.charAt(this.at))) {
      this.fail(match[0] === '0' || match[0] === '-0' ? 'a number cannot have extraneous leading zero' : 'a number is malformed');
    }
    const value = Number(match[0]);
    const integer = match[2] === undefined && match[3] === undefined;
    return integer && !Number.isSafeInteger(value) ? BigInt(match[0]) : value;
  }

  private string(quote: string): string {
    const start = this.at++;
    let out = '';
    for (;;) {
      const char = this.text.charAt(this.at);
      if (char === '') {
        this.at = start;
        this.fail('this string has no end');
      }
      this.at++;
      if (char === quote) return out;
      out += char === '\\' ? this.escape() : char;
    }
  }

  private escape(): string {
    const char = this.text.charAt(this.at);
    const simple = ESCAPES[char];
    if (simple !== undefined) {
      this.at++;
      return simple;
    }
    if (char !== 'u') this.fail(`invalid escape \\${char}`);
    const unit = this.hexUnit();
    if (unit < 0xd800 || unit > 0xdfff) return String.fromCharCode(unit);
    const low = this.text.startsWith('\\u', this.at) && unit < 0xdc00 ? (this.at++, this.hexUnit()) : 0;
    if (low < 0xdc00 || low > 0xdfff) this.fail('half of a surrogate pair');
    return String.fromCharCode(unit, low);
  }

  private hexUnit(): number {
    const digits = this.text.slice(this.at + 1, this.at + 5);
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) this.fail('\\u takes four hexadecimal digits');
    this.at += 5;
    return parseInt(digits, 16);
  }

  private enter(): void {
    if (++this.depth > MAX_DEPTH) this.fail(`nested more than ${MAX_DEPTH} levels deep`);
    this.at++;
  }

  private object(offset: number): JsonNode {
    this.enter();
    const entries: JsonEntry[] = [];
    for (;;) {
      this.space();
      if (this.text.charAt(this.at) === '}') break;
      const at = this.at;
      const key = this.key();
      this.space();
      if (this.text.charAt(this.at) !== ':') this.fail(`expected ':' after the key ${JSON.stringify(key)}`);
      this.at++;
      entries.push({ key, offset: at, node: this.value() });
      if (!this.comma('}')) break;
    }
    this.at++;
    this.depth--;
    return { offset, scalar: null, entries };
  }

  private list(offset: number): JsonNode {
    this.enter();
    const items: JsonNode[] = [];
    for (;;) {
      this.space();
      if (this.text.charAt(this.at) === ']') break;
      items.push(this.value());
      if (!this.comma(']')) break;
    }
    this.at++;
    this.depth--;
    return { offset, scalar: null, items };
  }

  /** After a member: true at a comma (taken), false at the closing bracket. */
  private comma(close: string): boolean {
    this.space();
    const char = this.text.charAt(this.at);
    if (char === ',') {
      this.at++;
      return true;
    }
    if (char === close) return false;
    this.fail(char === '' ? `unexpected end of the text: a '${close}' is missing` : `expected ',' or '${close}'`);
  }

  private key(): string {
    const char = this.text.charAt(this.at);
    if (char === '"' || char === "'") return this.string(char);
    const word = /^[A-Za-z_$][A-Za-z0-9_$]*/.exec(this.text.slice(this.at, this.at + 200))?.[0];
    if (word === undefined) this.noComment();
    if (word === undefined) this.fail(char === '' ? "unexpected end of the text: a '}' is missing" : 'expected a key in quotes');
    this.at += word.length;
    return word;
  }
}
