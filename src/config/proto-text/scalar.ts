import { ScalarType, type DescEnum } from '@bufbuild/protobuf';
import { closest } from '../message/did-you-mean.ts';
import { shown, TextFault, type Lexer, type Token } from './lexer.ts';
import { unescapeBytes } from './unescape.ts';

/** What decides how a value is read. */
export interface ScalarKind {
  readonly name: string;
  readonly scalar?: ScalarType | undefined;
  readonly enum?: DescEnum | undefined;
}

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Reads a scalar or an enum value of the text format. */
export function readProtoScalar(lexer: Lexer, kind: ScalarKind): unknown {
  if (kind.enum !== undefined) return readEnum(lexer, kind.enum);
  switch (kind.scalar) {
    case ScalarType.STRING:
      return readString(lexer);
    case ScalarType.BYTES:
      return readBytes(lexer);
    case ScalarType.BOOL:
      return readBool(lexer);
    case ScalarType.DOUBLE:
      return readDouble(lexer);
    case ScalarType.FLOAT:
      return Math.fround(readDouble(lexer));
    case undefined:
      throw new TextFault(lexer.peek().offset, `${kind.name} has no scalar type`);
    default:
      return readInteger(lexer, kind.scalar);
  }
}

function readBytes(lexer: Lexer): Uint8Array {
  const first = lexer.next();
  if (first.kind !== 'string') throw new TextFault(first.offset, `expected a string, found ${shown(first)}`);
  const parts = [unescapeBytes(first.text, first.offset)];
  // Neighbouring strings are one, as in C.
  while (lexer.peek().kind === 'string') {
    const more = lexer.next();
    parts.push(unescapeBytes(more.text, more.offset));
  }
  return new Uint8Array(Buffer.concat(parts));
}

function readString(lexer: Lexer): string {
  const offset = lexer.peek().offset;
  const bytes = readBytes(lexer);
  try {
    return decoder.decode(bytes);
  } catch {
    throw new TextFault(offset, 'this string is not UTF-8');
  }
}

function readBool(lexer: Lexer): boolean {
  const token = lexer.next();
  if (['true', 'True', 't', '1'].includes(token.text) && token.kind !== 'string') return true;
  if (['false', 'False', 'f', '0'].includes(token.text) && token.kind !== 'string') return false;
  throw new TextFault(token.offset, `expected true or false, found ${shown(token)}`);
}

function readDouble(lexer: Lexer): number {
  const negative = lexer.take('-');
  const token = lexer.next();
  const value = doubleOf(token);
  if (value === undefined) throw new TextFault(token.offset, `expected a number, found ${shown(token)}`);
  return negative ? -value : value;
}

function doubleOf(token: Token): number | undefined {
  if (token.kind === 'number') return Number(token.text.replace(/[fF]$/, ''));
  const word = token.text.toLowerCase();
  if (token.kind === 'word' && (word === 'inf' || word === 'infinity')) return Infinity;
  return token.kind === 'word' && word === 'nan' ? NaN : undefined;
}

interface Range {
  readonly low: bigint;
  readonly high: bigint;
  readonly wide: boolean;
}

function rangeOf(scalar: ScalarType): Range {
  switch (scalar) {
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return { low: 0n, high: 2n ** 32n - 1n, wide: false };
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return { low: 0n, high: 2n ** 64n - 1n, wide: true };
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return { low: -(2n ** 63n), high: 2n ** 63n - 1n, wide: true };
    default:
      return { low: -(2n ** 31n), high: 2n ** 31n - 1n, wide: false };
  }
}

/** Decimal, hexadecimal with 0x, octal with a leading zero. */
function integerOf(text: string): bigint | undefined {
  if (/^0[xX][0-9a-fA-F]+$/.test(text)) return BigInt(text);
  if (/^0[0-7]+$/.test(text)) return BigInt(`0o${text.slice(1)}`);
  return /^(0|[1-9][0-9]*)$/.test(text) ? BigInt(text) : undefined;
}

function readInteger(lexer: Lexer, scalar: ScalarType): number | bigint {
  const negative = lexer.take('-');
  const token = lexer.next();
  const magnitude = token.kind === 'number' ? integerOf(token.text) : undefined;
  if (magnitude === undefined) throw new TextFault(token.offset, `expected an integer, found ${shown(token)}`);
  const value = negative ? -magnitude : magnitude;
  const { low, high, wide } = rangeOf(scalar);
  if (value < low || value > high) throw new TextFault(token.offset, `${value} is out of range (${low} to ${high})`);
  return wide ? value : Number(value);
}

function readEnum(lexer: Lexer, descriptor: DescEnum): number {
  const token = lexer.peek();
  if (token.kind !== 'word') return Number(readInteger(lexer, ScalarType.INT32));
  lexer.next();
  const value = descriptor.values.find((each) => each.name === token.text);
  if (value !== undefined) return value.number;
  const near = closest(token.text, descriptor.values.map((each) => each.name));
  throw new TextFault(token.offset, `unknown value '${token.text}' for enum ${descriptor.typeName}`, near === undefined ? '' : `did you mean ${near}?`);
}
