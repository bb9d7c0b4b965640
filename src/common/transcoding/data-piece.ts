import { decodeBase64 } from './base64.ts';
import { doubleText } from './float-text.ts';
import { parseBool, parseDouble, parseInt32, parseInt64, parseUint32, parseUint64 } from './parse-number.ts';
import type { EnumType } from './types.ts';

/** A scalar on its way from JSON to protobuf. */
export const PIECE_NULL = 0;
export const PIECE_BOOL = 1;
/** An integer of 64 bits, signed. */
export const PIECE_INT64 = 2;
export const PIECE_UINT64 = 3;
export const PIECE_DOUBLE = 4;
export const PIECE_STRING = 5;
export type PieceType = 0 | 1 | 2 | 3 | 4 | 5;

const MAX_INT32 = 0x7fffffff;
const MIN_INT32 = -0x80000000;
const MAX_UINT32 = 0xffffffff;
const TWO_63 = 2 ** 63;
const TWO_64 = 2 ** 64;
const MAX_INT64 = (1n << 63n) - 1n;
const MAX_FLOAT = 3.4028234663852886e38;
/** From here on a double no longer rounds to the greatest float. */
const FLOAT_OVERFLOW = 3.4028235677973366e38;

/**
 * Its conversions are those of protobuf's converter: null where the value does not fit, and then `shown` is what the error says of it
 * (enums and bytes too).
 */
export class DataPiece {
  readonly type: PieceType;
  /** Value of integers; a bigint where a number would not be exact. */
  readonly integer: number | bigint;
  readonly double: number;
  /** A byte string. */
  readonly text: string;

  private constructor(type: PieceType, integer: number | bigint, double: number, text: string) {
    this.type = type;
    this.integer = integer;
    this.double = double;
    this.text = text;
  }

  static readonly NULL = new DataPiece(PIECE_NULL, 0, 0, '');
  static readonly TRUE = new DataPiece(PIECE_BOOL, 1, 0, '');
  static readonly FALSE = new DataPiece(PIECE_BOOL, 0, 0, '');

  static string(text: string): DataPiece {
    return new DataPiece(PIECE_STRING, 0, 0, text);
  }

  static int64(value: number | bigint): DataPiece {
    return new DataPiece(PIECE_INT64, value, 0, '');
  }

  static uint64(value: number | bigint): DataPiece {
    return new DataPiece(PIECE_UINT64, value, 0, '');
  }

  static double(value: number): DataPiece {
    return new DataPiece(PIECE_DOUBLE, 0, value, '');
  }

  /** The value in an error. */
  get shown(): string {
    switch (this.type) {
      case PIECE_NULL: return 'null';
      case PIECE_BOOL: return this.integer === 1 ? 'true' : 'false';
      case PIECE_INT64: case PIECE_UINT64: return String(this.integer);
      case PIECE_DOUBLE: return finiteText(this.double);
      case PIECE_STRING: return `"${this.text}"`;
    }
  }

  toInt32(): number | null {
    if (this.type === PIECE_STRING) return this.spaced ? null : parseInt32(this.text);
    const value = this.exactInteger();
    return typeof value === 'number' && value >= MIN_INT32 && value <= MAX_INT32 ? value : null;
  }

  toUint32(): number | null {
    if (this.type === PIECE_STRING) return this.spaced ? null : parseUint32(this.text);
    const value = this.exactInteger();
    return typeof value === 'number' && value >= 0 && value <= MAX_UINT32 ? value : null;
  }

  toInt64(): number | bigint | null {
    if (this.type === PIECE_STRING) return this.spaced ? null : parseInt64(this.text);
    if (this.type === PIECE_DOUBLE) return integerOf(this.double, -TWO_63, TWO_63);
    const value = this.exactInteger();
    return typeof value === 'bigint' && value > MAX_INT64 ? null : value;
  }

  toUint64(): number | bigint | null {
    if (this.type === PIECE_STRING) return this.spaced ? null : parseUint64(this.text);
    if (this.type === PIECE_DOUBLE) return integerOf(this.double, 0, TWO_64);
    const value = this.exactInteger();
    return value !== null && value < 0 ? null : value;
  }

  toDouble(): number | null {
    if (this.type === PIECE_DOUBLE) return this.double;
    if (this.type === PIECE_STRING) {
      const special = specialNumber(this.text);
      if (special !== null) return special;
      const value = this.spaced ? null : parseDouble(this.text);
      return value !== null && Number.isFinite(value) ? value : null;
    }
    return this.isInteger ? Number(this.integer) : null;
  }

  toFloat(): number | null {
    if (this.type === PIECE_DOUBLE) {
      const { double } = this;
      return Number.isFinite(double) && Math.abs(double) >= FLOAT_OVERFLOW ? null : Math.fround(double);
    }
    if (this.type === PIECE_STRING) {
      const special = specialNumber(this.text);
      if (special !== null) return special;
      const value = this.spaced ? null : parseDouble(this.text);
      return value !== null && Math.abs(value) <= MAX_FLOAT ? Math.fround(value) : null;
    }
    return this.isInteger ? Math.fround(Number(this.integer)) : null;
  }

  toBool(): boolean | null {
    if (this.type === PIECE_BOOL) return this.integer === 1;
    return this.type === PIECE_STRING && !this.spaced ? parseBool(this.text) : null;
  }

  toText(): string | null {
    return this.type === PIECE_STRING ? this.text : null;
  }

  toBytes(): Buffer | null {
    return this.type === PIECE_STRING ? decodeBase64(this.text) : null;
  }

  toEnum(type: EnumType, caseInsensitive: boolean): number | null {
    if (this.type === PIECE_NULL) return 0;
    // Numbers need not be declared: unknown values are kept.
    if (this.type !== PIECE_STRING) return this.toInt32();
    const named = type.number(this.text);
    if (named !== undefined) return named;
    const number = this.toInt32();
    if (number !== null && type.name(number) !== undefined) return number;
    return (caseInsensitive ? type.number(this.text.replaceAll('-', '_').toUpperCase()) : undefined) ?? null;
  }

  private get isInteger(): boolean {
    return this.type === PIECE_INT64 || this.type === PIECE_UINT64;
  }

  /** Text that begins or ends with a space is no number. */
  private get spaced(): boolean {
    return this.text.startsWith(' ') || this.text.endsWith(' ');
  }

  private exactInteger(): number | bigint | null {
    if (this.isInteger) return this.integer;
    return this.type === PIECE_DOUBLE ? integerOf(this.double, -TWO_63, TWO_64) : null;
  }
}

/** `value` if it is an integer in [min, max). */
function integerOf(value: number, min: number, max: number): number | bigint | null {
  if (!Number.isInteger(value) || value < min || value >= max) return null;
  return Number.isSafeInteger(value) ? value + 0 : BigInt(value);
}

function specialNumber(text: string): number | null {
  switch (text) {
    case 'Infinity': return Infinity;
    case '-Infinity': return -Infinity;
    case 'NaN': return NaN;
    default: return null;
  }
}

function finiteText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? 'Infinity' : '-Infinity';
  return doubleText(value);
}
