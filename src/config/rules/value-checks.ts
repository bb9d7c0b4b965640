import { wellKnownCheck } from './well-known-check.ts';
import { ruleList, ruleValue } from './field-rules.ts';

/**
 * What protoc-gen-validate says of one value: undefined when it is fine, else why not. The words are those of Envoy's build
 * (PGV for C++), so that they can be searched for.
 */
export type ValueCheck = (value: unknown) => string | undefined;

/** All checks in order; the first complaint counts, as in Envoy. */
export function allOf(checks: readonly ValueCheck[]): ValueCheck | null {
  const [first, ...rest] = checks;
  if (first === undefined) return null;
  if (rest.length === 0) return first;
  return (value) => {
    for (const check of checks) {
      const why = check(value);
      if (why !== undefined) return why;
    }
    return undefined;
  };
}

/** Numbers, bigints and (for durations and timestamps) nanoseconds compare alike. */
type Ordered = number | bigint;

interface Bounds {
  readonly gt: Ordered | undefined;
  readonly gte: Ordered | undefined;
  readonly lt: Ordered | undefined;
  readonly lte: Ordered | undefined;
}

/** The range rules. When the upper bound lies below the lower one the range is the outside, as PGV defines. */
export function rangeCheck(bounds: Bounds, ordered: (value: unknown) => Ordered, show: (value: Ordered) => string): ValueCheck | null {
  const low = bounds.gt ?? bounds.gte;
  const high = bounds.lt ?? bounds.lte;
  const above = (value: Ordered): boolean => (bounds.gt !== undefined ? value > bounds.gt : bounds.gte === undefined || value >= bounds.gte);
  const below = (value: Ordered): boolean => (bounds.lt !== undefined ? value < bounds.lt : bounds.lte === undefined || value <= bounds.lte);
  if (low !== undefined && high !== undefined) {
    const inside = high > low;
    const text = `${bounds.gt !== undefined ? '(' : '['}${show(low)}, ${show(high)}${bounds.lt !== undefined ? ')' : ']'}`;
    if (inside) return (value) => (above(ordered(value)) && below(ordered(value)) ? undefined : `value must be inside range ${text}`);
    return (value) => (above(ordered(value)) || below(ordered(value)) ? undefined : `value must be outside range ${text}`);
  }
  if (low !== undefined) {
    const why = `value must be greater than ${bounds.gte !== undefined ? 'or equal to ' : ''}${show(low)}`;
    return (value) => (above(ordered(value)) ? undefined : why);
  }
  if (high === undefined) return null;
  const why = `value must be less than ${bounds.lte !== undefined ? 'or equal to ' : ''}${show(high)}`;
  return (value) => (below(ordered(value)) ? undefined : why);
}

/** Rules of the number types. */
export function numberCheck(rules: object): ValueCheck | null {
  const checks: ValueCheck[] = [];
  const only = ruleValue(rules, 'const') as Ordered | undefined;
  if (only !== undefined) checks.push((value) => (value === only ? undefined : `value must equal ${only}`));
  const bound = (name: string): Ordered | undefined => ruleValue(rules, name) as Ordered | undefined;
  const range = rangeCheck(
    { gt: bound('gt'), gte: bound('gte'), lt: bound('lt'), lte: bound('lte') },
    (value) => value as Ordered,
    String,
  );
  if (range !== null) checks.push(range);
  checks.push(...listChecks(rules));
  const check = allOf(checks);
  if (check === null || ruleValue(rules, 'ignoreEmpty') !== true) return check;
  return (value) => (value === 0 || value === 0n ? undefined : check(value));
}

function listChecks(rules: object): ValueCheck[] {
  const checks: ValueCheck[] = [];
  const allowed = ruleList(rules, 'in');
  if (allowed.length > 0) checks.push((value) => (allowed.includes(value) ? undefined : `value must be in list [${allowed.join(' ')}]`));
  const refused = ruleList(rules, 'notIn');
  if (refused.length > 0) checks.push((value) => (refused.includes(value) ? `value must not be in list [${refused.join(' ')}]` : undefined));
  return checks;
}

export function boolCheck(rules: object): ValueCheck | null {
  const only = ruleValue(rules, 'const');
  return only === undefined ? null : (value) => (value === only ? undefined : `value must equal ${String(only)}`);
}

function lengthChecks(rules: object, names: readonly [string, string, string], lengthOf: (value: unknown) => number, unit: string): ValueCheck[] {
  const [exact, least, most] = names.map((name) => ruleValue(rules, name) as bigint | undefined);
  const checks: ValueCheck[] = [];
  if (exact !== undefined) {
    const length = Number(exact);
    checks.push((value) => (lengthOf(value) === length ? undefined : `value length must be ${length} ${unit}`));
  }
  if (least !== undefined) {
    const length = Number(least);
    checks.push((value) => (lengthOf(value) >= length ? undefined : `value length must be at least ${length} ${unit}`));
  }
  if (most !== undefined) {
    const length = Number(most);
    checks.push((value) => (lengthOf(value) <= length ? undefined : `value length must be at most ${length} ${unit}`));
  }
  return checks;
}

function characters(value: unknown): number {
  const text = value as string;
  let count = text.length;
  for (let i = 0; i < text.length; i++) if ((text.charCodeAt(i) & 0xfc00) === 0xd800) count--;
  return count;
}

function bytesOf(value: unknown): number {
  return Buffer.byteLength(value as string);
}

/** Whole-value match, as RE2::FullMatch in Envoy's build. */
function patternCheck(pattern: string): ValueCheck {
  const expression = new RegExp(`^(?:${pattern})$`, 'u');
  return (value) => (expression.test(value as string) ? undefined : `value does not match regex pattern ${JSON.stringify(pattern)}`);
}

function affixChecks(rules: object): ValueCheck[] {
  const checks: ValueCheck[] = [];
  const add = (name: string, fine: (value: string, part: string) => boolean, words: string): void => {
    const part = ruleValue(rules, name) as string | undefined;
    if (part !== undefined) checks.push((value) => (fine(value as string, part) ? undefined : `value ${words} ${JSON.stringify(part)}`));
  };
  add('const', (value, part) => value === part, 'must equal');
  add('prefix', (value, part) => value.startsWith(part), 'does not have prefix');
  add('suffix', (value, part) => value.endsWith(part), 'does not have suffix');
  add('contains', (value, part) => value.includes(part), 'does not contain substring');
  add('notContains', (value, part) => !value.includes(part), 'contains substring');
  return checks;
}

/** Rules of string fields. */
export function stringCheck(rules: object): ValueCheck | null {
  const checks = [
    ...lengthChecks(rules, ['len', 'minLen', 'maxLen'], characters, 'characters'),
    ...lengthChecks(rules, ['lenBytes', 'minBytes', 'maxBytes'], bytesOf, 'bytes'),
    ...affixChecks(rules),
  ];
  const pattern = ruleValue(rules, 'pattern') as string | undefined;
  if (pattern !== undefined) checks.push(patternCheck(pattern));
  checks.push(...listChecks(rules));
  const wellKnown = (rules as { wellKnown?: { case?: string; value?: unknown } }).wellKnown;
  const known = wellKnownCheck(wellKnown?.case, wellKnown?.value, ruleValue(rules, 'strict') !== false);
  if (known !== null) checks.push(known);
  return skippingEmpty(rules, allOf(checks));
}

function skippingEmpty(rules: object, check: ValueCheck | null): ValueCheck | null {
  if (check === null || ruleValue(rules, 'ignoreEmpty') !== true) return check;
  return (value) => ((value as { length: number }).length === 0 ? undefined : check(value));
}

/** Rules of bytes fields. */
export function bytesCheck(rules: object): ValueCheck | null {
  const checks = lengthChecks(rules, ['len', 'minLen', 'maxLen'], (value) => (value as Uint8Array).length, 'bytes');
  const ends = (name: string, fine: (value: Buffer, part: Uint8Array) => boolean, words: string): void => {
    const part = ruleValue(rules, name) as Uint8Array | undefined;
    if (part === undefined) return;
    checks.push((value) => (fine(Buffer.from(value as Uint8Array), part) ? undefined : `value ${words} the required bytes`));
  };
  ends('const', (value, part) => value.equals(part), 'must equal');
  ends('prefix', (value, part) => value.subarray(0, part.length).equals(part), 'does not have as prefix');
  ends('suffix', (value, part) => value.subarray(Math.max(0, value.length - part.length)).equals(part), 'does not have as suffix');
  ends('contains', (value, part) => value.includes(part), 'does not contain');
  const known = (rules as { wellKnown?: { case?: string } }).wellKnown?.case;
  if (known === 'ipv4') checks.push((value) => ((value as Uint8Array).length === 4 ? undefined : 'value must be a valid IPv4 address'));
  if (known === 'ipv6') checks.push((value) => ((value as Uint8Array).length === 16 ? undefined : 'value must be a valid IPv6 address'));
  if (known === 'ip') checks.push((value) => ([4, 16].includes((value as Uint8Array).length) ? undefined : 'value must be a valid IP address'));
  return skippingEmpty(rules, allOf(checks));
}

/** Rules of enum fields. */
export function enumCheck(rules: object, numbers: ReadonlySet<number>): ValueCheck | null {
  const checks: ValueCheck[] = [];
  const only = ruleValue(rules, 'const');
  if (only !== undefined) checks.push((value) => (value === only ? undefined : `value must equal ${String(only)}`));
  if (ruleValue(rules, 'definedOnly') === true) {
    checks.push((value) => (numbers.has(value as number) ? undefined : 'value must be one of the defined enum values'));
  }
  return allOf([...checks, ...listChecks(rules)]);
}

interface Seconds {
  readonly seconds: bigint;
  readonly nanos: number;
}

function nanoseconds(value: unknown): bigint {
  const time = value as Seconds;
  return time.seconds * 1_000_000_000n + BigInt(time.nanos);
}

/** A duration as Go writes it, which is what the generated texts of Envoy show: `1ms`, `5m0s`, `1h0m0s`. */
export function showNanoseconds(value: Ordered): string {
  const total = BigInt(value);
  const second = 1_000_000_000n;
  if (total === 0n) return '0s';
  if (total % second !== 0n) return total % 1_000_000n === 0n ? `${total / 1_000_000n}ms` : total % 1000n === 0n ? `${total / 1000n}µs` : `${total}ns`;
  const seconds = total / second;
  if (seconds < 60n) return `${seconds}s`;
  if (seconds < 3600n) return `${seconds / 60n}m${seconds % 60n}s`;
  return `${seconds / 3600n}h${(seconds / 60n) % 60n}m${seconds % 60n}s`;
}

/** Range, const and list rules of durations; also timestamps' that name a fixed time. Presence is checked by the caller. */
export function timeCheck(rules: object): ValueCheck | null {
  const checks: ValueCheck[] = [];
  const bound = (name: string): bigint | undefined => {
    const value = ruleValue(rules, name);
    return value === undefined ? undefined : nanoseconds(value);
  };
  const only = bound('const');
  if (only !== undefined) checks.push((value) => (nanoseconds(value) === only ? undefined : `value must equal ${showNanoseconds(only)}`));
  const range = rangeCheck({ gt: bound('gt'), gte: bound('gte'), lt: bound('lt'), lte: bound('lte') }, nanoseconds, showNanoseconds);
  if (range !== null) checks.push(range);
  const allowed = ruleList(rules, 'in').map(nanoseconds);
  if (allowed.length > 0) checks.push((value) => (allowed.includes(nanoseconds(value)) ? undefined : `value must be in list [${allowed.map(showNanoseconds).join(' ')}]`));
  const refused = ruleList(rules, 'notIn').map(nanoseconds);
  if (refused.length > 0) checks.push((value) => (refused.includes(nanoseconds(value)) ? `value must not be in list [${refused.map(showNanoseconds).join(' ')}]` : undefined));
  return allOf(checks);
}

/** Rules of Any fields: which types they may hold. */
export function anyCheck(rules: object): ValueCheck | null {
  const typeUrl = (value: unknown): string => (value as { typeUrl: string }).typeUrl;
  const allowed = ruleList(rules, 'in') as readonly string[];
  const refused = ruleList(rules, 'notIn') as readonly string[];
  const checks: ValueCheck[] = [];
  if (allowed.length > 0) checks.push((value) => (allowed.includes(typeUrl(value)) ? undefined : `type URL must be in list [${allowed.join(' ')}]`));
  if (refused.length > 0) checks.push((value) => (refused.includes(typeUrl(value)) ? `type URL must not be in list [${refused.join(' ')}]` : undefined));
  return allOf(checks);
}
