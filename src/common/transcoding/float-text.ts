/**
 * Floating-point numbers as protobuf prints them: C's `%.15g`, or `%.17g` when the first does not read back as the same number
 * (`%.6g` and `%.9g` for single precision).
 */
const DOUBLE_DIGITS = 15;
const DOUBLE_EXACT = 17;
const FLOAT_DIGITS = 6;
const FLOAT_EXACT = 9;
const MIN_NORMAL_FLOAT = 2 ** -126;
const TIE = '50000000000000000000';
/** Below this, JavaScript's shortest text is that of %.15g if it has no more than 15 digits. */
const PLAIN_MAX = 1e15;
const PLAIN_MIN = 1e-4;

export function doubleText(value: number): string {
  const size = Math.abs(value);
  if (size < PLAIN_MAX && size >= PLAIN_MIN) {
    const shortest = String(value);
    // Digits, one sign, one point.
    if (shortest.length <= DOUBLE_DIGITS) return shortest;
  }
  const text = general(value, DOUBLE_DIGITS);
  return Number(text) === value ? text : general(value, DOUBLE_EXACT);
}

export function floatText(value: number): string {
  // C's strtof calls every subnormal number out of range.
  if (value !== 0 && Math.abs(value) < MIN_NORMAL_FLOAT) return general(value, FLOAT_EXACT);
  const text = general(value, FLOAT_DIGITS);
  return Math.fround(Number(text)) === value ? text : general(value, FLOAT_EXACT);
}

/** C's `%.<digits>g` of a finite number. */
export function general(value: number, digits: number): string {
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const scientific = evenTie(value, value.toExponential(digits - 1), digits);
  const at = scientific.indexOf('e');
  const exponent = Number(scientific.slice(at + 1));
  if (exponent < -4 || exponent >= digits) {
    const size = Math.abs(exponent);
    return `${withoutZeros(scientific.slice(0, at))}e${exponent < 0 ? '-' : '+'}${size < 10 ? '0' : ''}${size}`;
  }
  return withoutZeros(positional(scientific.slice(0, at), exponent));
}

/** JavaScript rounds a tie away from zero, C to the even digit. Only exact halves are ties: 20 digits more show them. */
function evenTie(value: number, rounded: string, digits: number): string {
  const long = value.toExponential(digits + 19);
  const at = long.indexOf('e');
  if (long.slice(at - 20, at) !== TIE) return rounded;
  const digit = at - 21;
  const last = long.charCodeAt(digit === long.indexOf('.') ? digit - 1 : digit) & 1;
  return last === 1 ? rounded : long.slice(0, at - 20) + long.slice(at);
}

/** `d.ddd` times ten to the exponent, written out. */
function positional(mantissa: string, exponent: number): string {
  const sign = mantissa.startsWith('-') ? '-' : '';
  const digits = mantissa.slice(sign.length).replace('.', '');
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  return `${sign}${digits.slice(0, exponent + 1)}.${digits.slice(exponent + 1)}`;
}

function withoutZeros(text: string): string {
  if (!text.includes('.')) return text;
  let end = text.length;
  while (text[end - 1] === '0') end--;
  if (text[end - 1] === '.') end--;
  return text.slice(0, end);
}
