import type { Json } from '../message/json.ts';

/*
 * How Envoy reads a YAML scalar: yaml-cpp's conversions are tried in turn, boolean, then 64-bit integer, and what is left is a
 * string (floats too; the JSON reader converts them by the field's type). Settled against Envoy 1.40, see yaml-scalar.test.ts.
 */

const BOOLEANS = new Map<string, boolean>();
for (const [names, value] of [
  [['y', 'yes', 'true', 'on'], true],
  [['n', 'no', 'false', 'off'], false],
] as const) {
  for (const name of names) {
    BOOLEANS.set(name, value);
    BOOLEANS.set(name.toUpperCase(), value);
    BOOLEANS.set(name.charAt(0).toUpperCase() + name.slice(1), value);
  }
}

/** C's strtoll with base 0: hexadecimal, octal after a leading zero, or decimal. */
const INTEGER = /^([+-]?)(?:0[xX]([0-9a-fA-F]+)|(0[0-7]*)|([1-9][0-9]*))[ \t\r\n\v\f]*$/;
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

function integerOf(match: RegExpExecArray): bigint {
  const magnitude = match[2] !== undefined ? BigInt(`0x${match[2]}`) : match[3] !== undefined ? BigInt(`0o0${match[3]}`) : BigInt(match[4] ?? '0');
  return match[1] === '-' ? -magnitude : magnitude;
}

/** The value of a scalar that yaml-cpp converts: a plain one, or any with an explicit tag other than `!`. */
export function convertScalar(text: string): Json {
  const boolean = BOOLEANS.get(text);
  if (boolean !== undefined) return boolean;
  const match = INTEGER.exec(text);
  if (match === null) return text;
  const integer = integerOf(match);
  if (integer < INT64_MIN || integer > INT64_MAX) return text;
  // Outside 32 bits Envoy hands the JSON reader the digits as a string.
  if (integer < -0x80000000n || integer > 0x7fffffffn) return integer.toString();
  return Number(integer);
}

/** Plain scalars without a tag that mean null. */
export function isNullText(text: string): boolean {
  return text === '' || text === '~' || text === 'null' || text === 'Null' || text === 'NULL';
}
