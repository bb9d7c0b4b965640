import type { FractionalPercent } from '../../contract/runtime.ts';

/** One runtime value in every reading it allows; plain data, so that it can be sent to workers. */
export interface RuntimeEntry {
  /** As `/runtime` shows it. */
  readonly raw: string;
  readonly bool: boolean | null;
  /** Integer >= 0, fractions cut off. */
  readonly uint: number | null;
  readonly double: number | null;
  readonly percent: FractionalPercent | null;
}

/** What a layer may hold under a key. */
export type RuntimeValue = string | number | boolean | { readonly [key: string]: unknown };

const DENOMINATORS: Readonly<Record<string, number>> = { HUNDRED: 100, TEN_THOUSAND: 10_000, MILLION: 1_000_000 };
const INT_MAX = 2_147_483_647;
/** Envoy's integers are unsigned 64-bit numbers. */
const UINT_END = 2 ** 64;

/** Reads a value as Envoy does; `raw` is the text it came as, when it came as text. */
export function makeEntry(value: RuntimeValue, raw = ''): RuntimeEntry {
  switch (typeof value) {
    case 'number':
      return numberEntry(value, raw === '' ? String(Number(value.toPrecision(6))) : raw);
    case 'boolean':
      return { raw: raw === '' ? String(value) : raw, bool: value, uint: null, double: null, percent: null };
    case 'string': {
      const text = raw === '' ? value : raw;
      // Numbers that came quoted count as numbers.
      if (/^\s*[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?\s*$/.test(text)) return numberEntry(Number(text), text);
      return { raw: text, bool: null, uint: null, double: null, percent: null };
    }
    default:
      return {
        raw: raw === '' ? JSON.stringify(value) : raw,
        bool: null,
        uint: null,
        double: null,
        percent: fraction(value),
      };
  }
}

function numberEntry(value: number, raw: string): RuntimeEntry {
  return {
    raw,
    bool: value < INT_MAX && Number.isInteger(value) ? value !== 0 : null,
    uint: value >= 0 && value < UINT_END ? Math.floor(value) : null,
    double: value,
    percent: null,
  };
}

/** Null when the struct has anything that a FractionalPercent has not. */
function fraction(value: { readonly [key: string]: unknown }): FractionalPercent | null {
  let numerator = 0;
  let denominator = 100;
  for (const [key, each] of Object.entries(value)) {
    if (key === 'numerator') {
      if (typeof each === 'number') numerator = each;
    } else if (key === 'denominator' && typeof each === 'string') {
      const known = DENOMINATORS[each];
      if (known === undefined) return null;
      denominator = known;
    } else return null;
  }
  return { numerator, denominator };
}

/**
 * A value given as text, in a file of a disk layer or to `/runtime_modify`. Envoy reads it as YAML; the YAML that means anything to
 * runtime is a scalar or a FractionalPercent in flow or block form.
 */
export function parseRuntimeText(text: string): RuntimeEntry {
  const trimmed = text.trim();
  if (trimmed === 'true' || trimmed === 'false') return makeEntry(trimmed === 'true', text);
  const struct = /^\{?\s*(?:(?:"?(?:numerator|denominator)"?)\s*:\s*"?[A-Z0-9_]+"?\s*,?\s*)+\}?$/.test(trimmed);
  if (struct) {
    const numerator = /numerator"?\s*:\s*"?([0-9]+)/.exec(trimmed)?.[1];
    const denominator = /denominator"?\s*:\s*"?([A-Z0-9_]+)/.exec(trimmed)?.[1];
    const value: Record<string, unknown> = {};
    if (numerator !== undefined) value['numerator'] = Number(numerator);
    if (denominator !== undefined) value['denominator'] = denominator;
    return makeEntry(value, text);
  }
  const unquoted = /^(["'])(.*)\1$/.exec(trimmed)?.[2];
  return makeEntry(unquoted ?? text, text);
}
