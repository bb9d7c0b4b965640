import { ScalarType } from '@bufbuild/protobuf';
import { describe, quote, type Json } from './json.ts';
import type { ReadContext } from './read-context.ts';

/** Returned by a reader that has reported a problem. */
export const FAILED: unique symbol = Symbol('failed');
export type Failed = typeof FAILED;

/** Reads one JSON value as one kind of field value. */
export type ValueReader = (value: Json, context: ReadContext) => unknown;

const INT32_MIN = -0x80000000;
const INT32_MAX = 0x7fffffff;
const UINT32_MAX = 0xffffffff;
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
const UINT64_MAX = 2n ** 64n - 1n;
const FLOAT_MAX = 3.4028234663852886e38;

/** Decimal integer as strings of JSON may hold it. */
const INTEGER_TEXT = /^[+-]?[0-9]+$/;
/** Strings of JSON may hold hexadecimal too; numbers may not. */
const HEX_TEXT = /^[+-]?0[xX][0-9a-fA-F]+$/;
/** What absl's string to double takes, apart from hexadecimal. */
const DOUBLE_TEXT = /^[ \t\n\r\v\f]*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?[ \t\n\r\v\f]*$/;

function expected(context: ReadContext, what: string, value: Json): Failed {
  context.problem(`expected ${what}, not ${describe(value)}`, hintFor(what, value));
  return FAILED;
}

function hintFor(what: string, value: Json): string {
  if (what !== 'a string') return '';
  if (typeof value === 'boolean') return `put it in quotes: YAML reads unquoted y, n, yes, no, on, off, true and false as booleans`;
  if (typeof value === 'number' || typeof value === 'bigint') return `put it in quotes: "${value}"`;
  return '';
}

function readString(value: Json, context: ReadContext): unknown {
  if (typeof value !== 'string') return expected(context, 'a string', value);
  if (value.isWellFormed()) return value;
  context.problem(`${quote(value)} holds half of a surrogate pair, which is no character`);
  return FAILED;
}

const TRUE_TEXT = new Set(['true', 't', 'yes', 'y', '1']);
const FALSE_TEXT = new Set(['false', 'f', 'no', 'n', '0']);

function readBool(value: Json, context: ReadContext): unknown {
  if (typeof value === 'boolean') return value;
  if (typeof value === 'string') {
    const lower = value.toLowerCase();
    if (TRUE_TEXT.has(lower)) return true;
    if (FALSE_TEXT.has(lower)) return false;
  }
  return expected(context, 'true or false', value);
}

/** The integer that a JSON value stands for, a number when it is exact, or undefined when it stands for none. */
function integerOf(value: Json, context: ReadContext): number | bigint | undefined {
  if (typeof value === 'number') {
    if (!Number.isInteger(value)) return undefined;
    if (!Number.isSafeInteger(value)) context.inexact = true;
    return value;
  }
  if (typeof value === 'bigint') return value;
  if (typeof value !== 'string') return undefined;
  if (INTEGER_TEXT.test(value)) {
    const exact = BigInt(value.startsWith('+') ? value.slice(1) : value);
    return exact <= BigInt(Number.MAX_SAFE_INTEGER) && exact >= BigInt(Number.MIN_SAFE_INTEGER) ? Number(exact) : exact;
  }
  if (HEX_TEXT.test(value)) return integerOf(value.startsWith('-') ? `-${BigInt(value.slice(1))}` : BigInt(value.replace('+', '')).toString(), context);
  if (!DOUBLE_TEXT.test(value) || value.trim() !== value) return undefined;
  const number = Number(value);
  return Number.isInteger(number) ? number : undefined;
}

function readInt32Range(name: string, low: number, high: number): ValueReader {
  return (value, context) => {
    if (typeof value === 'number' && Number.isInteger(value) && value >= low && value <= high) return value;
    const integer = integerOf(value, context);
    if (integer === undefined) return expected(context, 'an integer', value);
    if (integer < low || integer > high) {
      context.problem(`${integer} is out of range for ${name} (${low} to ${high})`);
      return FAILED;
    }
    return Number(integer);
  };
}

function readInt64Range(name: string, low: bigint, high: bigint, asText: boolean): ValueReader {
  return (value, context) => {
    const integer = integerOf(value, context);
    if (integer === undefined) return expected(context, 'an integer', value);
    const exact = BigInt(integer);
    if (exact < low || exact > high) {
      // Of an inexact number the caller reads the text again, with the digits kept.
      if (!context.inexact) context.problem(`${exact} is out of range for ${name} (${low} to ${high})`);
      else context.problem(`${exact} is out of range for ${name}`);
      return FAILED;
    }
    return asText ? exact.toString() : exact;
  };
}

const SPECIAL_DOUBLES = new Map<string, number>([
  ['nan', NaN],
  ['inf', Infinity],
  ['+inf', Infinity],
  ['-inf', -Infinity],
  ['infinity', Infinity],
  ['+infinity', Infinity],
  ['-infinity', -Infinity],
]);

function doubleOf(value: Json): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  if (typeof value !== 'string') return undefined;
  if (DOUBLE_TEXT.test(value)) return Number(value);
  if (HEX_TEXT.test(value)) return value.startsWith('-') ? -Number(value.slice(1)) : Number(value.replace('+', ''));
  return SPECIAL_DOUBLES.get(value.toLowerCase());
}

function readDouble(value: Json, context: ReadContext): unknown {
  return doubleOf(value) ?? expected(context, 'a number', value);
}

function readFloat(value: Json, context: ReadContext): unknown {
  const number = doubleOf(value);
  if (number === undefined) return expected(context, 'a number', value);
  if (Number.isFinite(number) && Math.abs(number) > FLOAT_MAX) {
    context.problem(`${number} is out of range for float`);
    return FAILED;
  }
  return Math.fround(number);
}

const BASE64_TEXT = /^[A-Za-z0-9+/_-]*={0,2}$/;

function readBytes(value: Json, context: ReadContext): unknown {
  if (typeof value !== 'string') return expected(context, 'a string in base64', value);
  const digits = value.replace(/=+$/, '').length;
  const padded = digits !== value.length;
  if (!BASE64_TEXT.test(value) || digits % 4 === 1 || (padded && value.length % 4 !== 0)) {
    context.problem(`${quote(value)} is not base64`, 'a bytes field takes base64; for plain text use inline_string where there is one');
    return FAILED;
  }
  return new Uint8Array(Buffer.from(value, 'base64url'));
}

const int32 = readInt32Range('int32', INT32_MIN, INT32_MAX);
const uint32 = readInt32Range('uint32', 0, UINT32_MAX);

/** The reader of a scalar type. `asText`: 64-bit integers come as strings (jstype = JS_STRING). */
export function scalarReader(type: ScalarType, asText: boolean): ValueReader {
  switch (type) {
    case ScalarType.STRING:
      return readString;
    case ScalarType.BOOL:
      return readBool;
    case ScalarType.BYTES:
      return readBytes;
    case ScalarType.DOUBLE:
      return readDouble;
    case ScalarType.FLOAT:
      return readFloat;
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return int32;
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return uint32;
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return readInt64Range('int64', INT64_MIN, INT64_MAX, asText);
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return readInt64Range('uint64', 0n, UINT64_MAX, asText);
  }
}

/** Reads a map key, which JSON always writes as a string. */
export function mapKeyReader(type: ScalarType): ValueReader {
  return type === ScalarType.STRING ? readString : scalarReader(type, true);
}
