import { toByteString } from '../byte-string.ts';

/**
 * JSON text of log values, over byte strings. As Envoy's sanitizer: valid UTF-8 passes as it is (control characters, quotes and
 * backslashes escaped); what is not UTF-8 has every byte outside of printable ASCII written as \u00XX, so the output is always JSON.
 */
const NEEDS_CARE = /[^\x20\x21\x23-\x5b\x5d-\x7e]/;
const CONTROL = /[\x00-\x1f"\\]/g;
const NOT_PRINTABLE = /[^\x20\x21\x23-\x5b\x5d-\x7e]/g;
const HIGH = /[\x80-\xff]/;

const SHORT: Readonly<Record<string, string>> = {
  '"': '\\"', '\\': '\\\\', '\b': '\\b', '\f': '\\f', '\n': '\\n', '\r': '\\r', '\t': '\\t',
};

/** The inside of a JSON string. */
export function jsonEscape(bytes: string): string {
  if (!NEEDS_CARE.test(bytes)) return bytes;
  if (HIGH.test(bytes) && !isUtf8(bytes)) return bytes.replace(NOT_PRINTABLE, hexEscape);
  return bytes.replace(CONTROL, (char) => SHORT[char] ?? hexEscape(char));
}

export function jsonString(bytes: string): string {
  return `"${jsonEscape(bytes)}"`;
}

function hexEscape(char: string): string {
  return '\\u' + char.charCodeAt(0).toString(16).padStart(4, '0');
}

const decoder = new TextDecoder('utf-8', { fatal: true });

function isUtf8(bytes: string): boolean {
  try {
    decoder.decode(Buffer.from(bytes, 'latin1'));
    return true;
  } catch {
    return false;
  }
}

/**
 * A number as Envoy writes one of a Struct (C++'s shortest std::to_chars): plain or with an exponent, whichever is shorter; plain if they
 * are equally long. `100000` becomes `1e+05`, `123456` stays. NaN becomes null.
 */
export function jsonNumber(value: number): string {
  if (!Number.isFinite(value)) return 'null';
  const [mantissa, exponent] = value.toExponential().split('e');
  const digits = exponent.slice(1).padStart(2, '0');
  const scientific = `${mantissa}e${exponent[0]}${digits}`;
  const plain = plainNumber(value);
  return scientific.length < plain.length ? scientific : plain;
}

/** All digits, without an exponent. */
function plainNumber(value: number): string {
  if (Number.isInteger(value)) return BigInt(value).toString();
  const text = String(value);
  if (!text.includes('e')) return text;
  const [mantissa, exponent] = value.toExponential().split('e');
  const sign = value < 0 ? '-' : '';
  return `${sign}0.${'0'.repeat(-Number(exponent) - 1)}${mantissa.replace('-', '').replace('.', '')}`;
}

/** Depth of metadata that is written; deeper parts become null. */
const MAX_DEPTH = 64;

/** JSON of a metadata value (Unicode text inside); keys are sorted, as Envoy writes a Struct. */
export function jsonOfValue(value: unknown, depth = 0): string {
  if (value === null || value === undefined || depth > MAX_DEPTH) return 'null';
  switch (typeof value) {
    case 'string': return jsonString(toByteString(value));
    case 'number': return jsonNumber(value);
    case 'bigint': return String(value);
    case 'boolean': return value ? 'true' : 'false';
    case 'object': break;
    default: return 'null';
  }
  if (Array.isArray(value)) return `[${value.map((each) => jsonOfValue(each, depth + 1)).join(',')}]`;
  const pairs = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `{${pairs.map(([key, each]) => `${jsonString(toByteString(key))}:${jsonOfValue(each, depth + 1)}`).join(',')}}`;
}
