import { DataPiece } from './data-piece.ts';
import type { ObjectWriter } from './object-writer.ts';
import { isSpace, parseDouble, parseInt64, parseUint64 } from './parse-number.ts';
import { invalidArgument, OK } from './status.ts';
import type { TranscodingStatus } from './status.ts';
import { utf8Prefix } from './utf8.ts';

// What is expected next.
const VALUE = 0;
const OBJ_MID = 1;
const ENTRY = 2;
const ENTRY_MID = 3;
const ARRAY_VALUE = 4;
const ARRAY_MID = 5;

// Tokens by their first bytes.
const BEGIN_STRING = 0;
const BEGIN_NUMBER = 1;
const BEGIN_TRUE = 2;
const BEGIN_FALSE = 3;
const BEGIN_NULL = 4;
const BEGIN_OBJECT = 5;
const END_OBJECT = 6;
const BEGIN_ARRAY = 7;
const END_ARRAY = 8;
const ENTRY_SEPARATOR = 9;
const VALUE_SEPARATOR = 10;
const BEGIN_KEY = 11;
const UNKNOWN = 12;

const MAX_DEPTH = 100;
/** Bytes shown around a fault, each way. */
const CONTEXT = 20;
const LONGEST_KEYWORD = 5;
/** `\uXXXX`. */
const ESCAPE_LENGTH = 6;
const BACKSLASH = 0x5c;

const EXPECTED_KEY = 'Expected an object key or }.';
const EXPECTED_COMMA_OR_BRACE = 'Expected , or } after key:value pair.';
const EXPECTED_COMMA_OR_BRACKET = 'Expected , or ] after array value.';
const NO_QUOTE = 'Closing quote expected in string.';
const NO_NUMBER = 'Unable to parse number.';

/** More is needed to know: the same step is tried again with the next bytes. */
const MORE: TranscodingStatus = Object.freeze({ code: 1, message: '' });

/** What a backslash makes of the byte after it; other bytes stand for themselves. */
const ESCAPES: ReadonlyMap<string, string> = new Map([['b', '\b'], ['f', '\f'], ['n', '\n'], ['r', '\r'], ['t', '\t'], ['v', '\v']]);

/**
 * A JSON parser fed with pieces, lenient in the way of protobuf's: single quotes, bare keys and trailing commas pass; `finish` makes
 * what is missing a fault. Faults show where they are, and their text is protobuf's. Text is held as byte strings of UTF-8.
 */
export class JsonStreamParser {
  private readonly writer: ObjectWriter;
  private stack: number[];
  /** Bytes that could not be used yet. */
  private leftover: string;
  /** The piece at work, and the place in it. */
  private json: string;
  private pos: number;
  private finishing: boolean;
  private key: string;
  /** The present string so far; its open quote, or 0. */
  private partial: string;
  private quote: number;
  private depth: number;

  constructor(writer: ObjectWriter) {
    this.writer = writer;
    this.stack = [VALUE];
    this.leftover = '';
    this.json = '';
    this.pos = 0;
    this.finishing = false;
    this.key = '';
    this.partial = '';
    this.quote = 0;
    this.depth = 0;
  }

  /** Bytes held for what is not complete yet. */
  get heldBytes(): number {
    return this.leftover.length + this.partial.length + this.key.length;
  }

  parse(bytes: Buffer): TranscodingStatus {
    const chunk = this.leftover + bytes.latin1Slice(0, bytes.length);
    const valid = utf8Prefix(chunk);
    this.leftover = '';
    if (valid === 0) {
      this.leftover = chunk;
      return OK;
    }
    const status = this.parseChunk(valid === chunk.length ? chunk : chunk.slice(0, valid));
    if (valid < chunk.length) this.leftover += chunk.slice(valid);
    return status;
  }

  /** No more bytes: what is left must be complete. */
  finish(): TranscodingStatus {
    if (this.stack.length === 0 && this.leftover === '') return OK;
    this.json = this.leftover;
    this.pos = 0;
    if (utf8Prefix(this.leftover) < this.leftover.length) return this.fail('Encountered non UTF-8 code points.');
    this.finishing = true;
    const status = this.run();
    if (status !== OK) return status;
    this.skipSpace();
    return this.pos < this.json.length ? this.fail('Parsing terminated before end of input.') : OK;
  }

  private parseChunk(chunk: string): TranscodingStatus {
    this.json = chunk;
    this.pos = 0;
    this.finishing = false;
    const status = this.run();
    if (status !== OK) return status;
    this.skipSpace();
    if (this.pos >= chunk.length) return OK;
    if (this.stack.length === 0) return this.fail('Parsing terminated before end of input.');
    this.leftover = chunk.slice(this.pos);
    return OK;
  }

  private run(): TranscodingStatus {
    const { stack } = this;
    for (let type = stack.pop(); type !== undefined; type = stack.pop()) {
      const token = this.quote === 0 ? this.nextToken() : BEGIN_STRING;
      const status = this.step(type, token);
      if (status === OK) continue;
      if (status !== MORE) return status;
      // Finishing never asks for more.
      stack.push(type);
      return OK;
    }
    return OK;
  }

  private step(type: number, token: number): TranscodingStatus {
    switch (type) {
      case VALUE: return this.value(token);
      case OBJ_MID: return this.objectMid(token);
      case ENTRY: return this.entry(token);
      case ENTRY_MID: return this.entryMid(token);
      case ARRAY_VALUE: return this.arrayValue(token);
      default: return this.arrayMid(token);
    }
  }

  private value(token: number): TranscodingStatus {
    switch (token) {
      case BEGIN_OBJECT: return this.beginObject();
      case BEGIN_ARRAY: return this.beginArray();
      case BEGIN_STRING: return this.stringValue();
      case BEGIN_NUMBER: return this.number();
      case BEGIN_TRUE: return this.keyword(DataPiece.TRUE, 4);
      case BEGIN_FALSE: return this.keyword(DataPiece.FALSE, 5);
      case BEGIN_NULL: return this.keyword(DataPiece.NULL, 4);
      case UNKNOWN: return this.unknown('Expected a value.');
      default:
        // `fals` may become `false`.
        if (!this.finishing && this.json.length - this.pos < LONGEST_KEYWORD) return MORE;
        return this.fail('Unexpected token.');
    }
  }

  private keyword(data: DataPiece, length: number): TranscodingStatus {
    this.render(data);
    this.pos += length;
    return OK;
  }

  private render(data: DataPiece): void {
    this.writer.render(this.key, data);
    this.key = '';
  }

  private stringValue(): TranscodingStatus {
    const status = this.string();
    if (status !== OK) return status;
    this.render(DataPiece.string(this.takeString()));
    return OK;
  }

  private takeString(): string {
    const text = this.partial;
    this.partial = '';
    return text;
  }

  /** Reads a string into `partial`; it may take several pieces. */
  private string(): TranscodingStatus {
    const { json } = this;
    if (this.quote === 0) this.quote = json.charCodeAt(this.pos++);
    let from = this.pos;
    while (this.pos < json.length) {
      const code = json.charCodeAt(this.pos);
      if (code === BACKSLASH) {
        this.partial += json.slice(from, this.pos);
        const status = this.escape();
        if (status !== OK) return status;
        from = this.pos;
      } else if (code === this.quote) {
        this.partial += json.slice(from, this.pos++);
        this.quote = 0;
        return OK;
      } else this.pos++;
    }
    this.partial += json.slice(from, this.pos);
    if (!this.finishing) return MORE;
    this.quote = 0;
    return this.fail(NO_QUOTE);
  }

  private escape(): TranscodingStatus {
    const next = this.json[this.pos + 1];
    if (next === undefined) return this.finishing ? this.fail(NO_QUOTE) : MORE;
    if (next === 'u') return this.unicodeEscape();
    this.partial += ESCAPES.get(next) ?? next;
    this.pos += 2;
    return OK;
  }

  private unicodeEscape(): TranscodingStatus {
    const left = this.json.length - this.pos;
    if (left < ESCAPE_LENGTH) return this.finishing ? this.fail('Illegal hex string.') : MORE;
    let code = this.hex(this.pos + 2);
    if (code < 0) return this.fail('Invalid escape sequence.');
    if (code >= 0xd800 && code <= 0xdbff) {
      if (left < 2 * ESCAPE_LENGTH) return this.finishing ? this.fail('Missing low surrogate.') : MORE;
      const second = this.pos + ESCAPE_LENGTH;
      if (!this.json.startsWith('\\u', second)) return this.fail('Missing low surrogate.');
      const low = this.hex(second + 2);
      if (low < 0) return this.fail('Invalid escape sequence.');
      if (low < 0xdc00 || low > 0xdfff) return this.fail('Invalid low surrogate.');
      code = (((code & 0x3ff) << 10) | (low & 0x3ff)) + 0x10000;
      this.pos = second;
    }
    if (code >= 0xdc00 && code <= 0xdfff) return this.fail('Invalid unicode code point.');
    this.partial += utf8Text(code);
    this.pos += ESCAPE_LENGTH;
    return OK;
  }

  /** Four hexadecimal digits, or -1. */
  private hex(at: number): number {
    let value = 0;
    for (let i = at; i < at + 4; i++) {
      const digit = hexDigit(this.json.charCodeAt(i));
      if (digit < 0) return -1;
      value = value * 16 + digit;
    }
    return value;
  }

  private number(): TranscodingStatus {
    const { json } = this;
    let end = this.pos;
    let floating = false;
    for (; end < json.length; end++) {
      const code = json.charCodeAt(end);
      if (code >= 0x30 && code <= 0x39) continue;
      if (code === 0x2e || code === 0x65 || code === 0x45) floating = true;
      else if (code !== 0x2b && code !== 0x2d && code !== 0x78) break;
    }
    if (end === json.length && !this.finishing) return MORE;
    const text = json.slice(this.pos, end);
    const data = floating ? null : this.integer(text);
    if (data !== null && !(data instanceof DataPiece)) return data;
    if (data !== null) this.render(data);
    else {
      const value = parseDouble(text);
      if (value === null) return this.fail(NO_NUMBER);
      if (!Number.isFinite(value)) return this.fail('Number exceeds the range of double.');
      this.render(DataPiece.double(value));
    }
    this.pos = end;
    return OK;
  }

  /** Null for what is too large or none, which is tried as a double. */
  private integer(text: string): DataPiece | TranscodingStatus | null {
    const negative = text.startsWith('-');
    if (text.length >= (negative ? 3 : 2) && text[negative ? 1 : 0] === '0') return this.fail('Octal/hex numbers are not valid JSON values.');
    const value = negative ? parseInt64(text) : parseUint64(text);
    if (value === null) return null;
    return negative ? DataPiece.int64(value) : DataPiece.uint64(value);
  }

  private beginObject(): TranscodingStatus {
    this.pos++;
    this.writer.startObject(this.key);
    if (++this.depth > MAX_DEPTH) return invalidArgument(`Message too deep. Max recursion depth reached for key '${this.key}'`);
    this.key = '';
    this.stack.push(ENTRY);
    return OK;
  }

  private endObject(): TranscodingStatus {
    this.pos++;
    this.writer.endObject();
    this.depth--;
    return OK;
  }

  private objectMid(token: number): TranscodingStatus {
    if (token === UNKNOWN) return this.unknown(EXPECTED_COMMA_OR_BRACE);
    if (token === END_OBJECT) return this.endObject();
    if (token !== VALUE_SEPARATOR) return this.fail(EXPECTED_COMMA_OR_BRACE);
    this.pos++;
    this.stack.push(ENTRY);
    return OK;
  }

  /** A comma before the brace passes. */
  private entry(token: number): TranscodingStatus {
    if (token === UNKNOWN) return this.unknown(EXPECTED_KEY);
    if (token === END_OBJECT) return this.endObject();
    const status = token === BEGIN_STRING ? this.quotedKey() : this.bareKey(token);
    if (status === OK) this.stack.push(OBJ_MID, ENTRY_MID);
    return status;
  }

  private quotedKey(): TranscodingStatus {
    const status = this.string();
    if (status === OK) this.key = this.takeString();
    return status;
  }

  private bareKey(token: number): TranscodingStatus {
    const keyword = token === BEGIN_NULL || token === BEGIN_TRUE || token === BEGIN_FALSE;
    if (token !== BEGIN_KEY && !keyword) return this.fail(EXPECTED_KEY);
    const from = this.pos;
    let end = from + 1;
    while (end < this.json.length && isKeyCharacter(this.json.charCodeAt(end))) end++;
    if (end === this.json.length && !this.finishing) return MORE;
    this.key = this.json.slice(from, end);
    this.pos = end;
    if (keyword && (this.key === 'null' || this.key === 'true' || this.key === 'false')) return this.fail(EXPECTED_KEY);
    return OK;
  }

  private entryMid(token: number): TranscodingStatus {
    const expected = 'Expected : between key:value pair.';
    if (token === UNKNOWN) return this.unknown(expected);
    if (token !== ENTRY_SEPARATOR) return this.fail(expected);
    this.pos++;
    this.stack.push(VALUE);
    return OK;
  }

  private beginArray(): TranscodingStatus {
    this.pos++;
    this.writer.startList(this.key);
    if (++this.depth > MAX_DEPTH) return invalidArgument('Message too deep. Max recursion depth reached in array');
    this.key = '';
    this.stack.push(ARRAY_VALUE);
    return OK;
  }

  private endArray(): TranscodingStatus {
    this.pos++;
    this.writer.endList();
    this.depth--;
    return OK;
  }

  private arrayValue(token: number): TranscodingStatus {
    if (token === UNKNOWN) return this.unknown('Expected a value or ] within an array.');
    if (token === END_ARRAY) return this.endArray();
    // What the value pushes comes on top.
    this.stack.push(ARRAY_MID);
    const status = this.value(token);
    if (status === MORE) this.stack.pop();
    return status;
  }

  private arrayMid(token: number): TranscodingStatus {
    if (token === UNKNOWN) return this.unknown(EXPECTED_COMMA_OR_BRACKET);
    if (token === END_ARRAY) return this.endArray();
    if (token !== VALUE_SEPARATOR) return this.fail(EXPECTED_COMMA_OR_BRACKET);
    this.pos++;
    this.stack.push(ARRAY_VALUE);
    return OK;
  }

  /** A fault with the text around it, and a mark below. */
  private fail(message: string): TranscodingStatus {
    const begin = Math.max(this.pos - CONTEXT, 0);
    const end = Math.min(this.pos + CONTEXT, this.json.length);
    return invalidArgument(`${message}\n${this.json.slice(begin, end)}\n${' '.repeat(this.pos - begin)}^`);
  }

  private unknown(message: string): TranscodingStatus {
    if (!this.finishing) return MORE;
    return this.fail(this.pos >= this.json.length ? `Unexpected end of string. ${message}` : message);
  }

  private skipSpace(): void {
    const { json } = this;
    while (this.pos < json.length && isSpace(json.charCodeAt(this.pos))) this.pos++;
  }

  private nextToken(): number {
    this.skipSpace();
    const { json, pos } = this;
    if (pos >= json.length) return UNKNOWN;
    const char = json[pos];
    switch (char) {
      case '"': case "'": return BEGIN_STRING;
      case '{': return BEGIN_OBJECT;
      case '}': return END_OBJECT;
      case '[': return BEGIN_ARRAY;
      case ']': return END_ARRAY;
      case ':': return ENTRY_SEPARATOR;
      case ',': return VALUE_SEPARATOR;
      case 't': return json.startsWith('true', pos) ? BEGIN_TRUE : BEGIN_KEY;
      case 'f': return json.startsWith('false', pos) ? BEGIN_FALSE : BEGIN_KEY;
      case 'n': return json.startsWith('null', pos) ? BEGIN_NULL : BEGIN_KEY;
      default:
        if (char === '-' || (char >= '0' && char <= '9')) return BEGIN_NUMBER;
        return isLetter(json.charCodeAt(pos)) ? BEGIN_KEY : UNKNOWN;
    }
  }
}

function isLetter(code: number): boolean {
  const lower = code | 0x20;
  return (lower >= 0x61 && lower <= 0x7a) || code === 0x5f || code === 0x24;
}

function isKeyCharacter(code: number): boolean {
  return isLetter(code) || (code >= 0x30 && code <= 0x39);
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

/** The UTF-8 of a code point as a byte string. */
function utf8Text(code: number): string {
  return code < 0x80 ? String.fromCharCode(code) : Buffer.from(String.fromCodePoint(code), 'utf8').latin1Slice();
}
