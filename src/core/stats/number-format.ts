/** C's `%g` with a precision: significant digits, no trailing zeros, exponent of at least two digits when it is < -4 or >= precision. */
export function formatG(value: number, precision = 6): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (value === 0) return '0';
  const exponent = Number(value.toExponential(precision - 1).split('e')[1]);
  if (exponent < -4 || exponent >= precision) {
    const [mantissa, power] = value.toExponential(precision - 1).split('e');
    const digits = power.slice(1).padStart(2, '0');
    return `${stripZeros(mantissa)}e${power[0]}${digits}`;
  }
  return stripZeros(value.toFixed(Math.min(100, precision - 1 - exponent)));
}

function stripZeros(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

/** The shorter of fixed and exponent notation, fixed when equal, as C++'s `to_chars`: 300000 is `3e+05`, 60000 stays. NaN is `null`. */
export function formatJsonNumber(value: number): string {
  if (!Number.isFinite(value)) return 'null';
  const fixed = String(value);
  const [mantissa, power] = value.toExponential().split('e');
  const exponent = `${mantissa}e${power[0]}${power.slice(1).padStart(2, '0')}`;
  return fixed.includes('e') || exponent.length < fixed.length ? exponent : fixed;
}
