import { findHeaderName, HEADER_NAMES, NAME_HASH_SEED, TOKEN_LOWER } from '../../../base/header-names.ts';

/**
 * What is known of a header field, worked out once when it enters a table and handed to the sink with every use of it: which name
 * it is and whether its bytes are allowed, so that a repeated header costs no walk over its characters.
 */

/** The name: an id of base/header-names.ts, a pseudo-header below, or FIELD_OTHER. */
export const FIELD_ID_MASK = 0x3ff;
export const FIELD_AUTHORITY = 0x3f0;
export const FIELD_METHOD = 0x3f1;
export const FIELD_PATH = 0x3f2;
export const FIELD_SCHEME = 0x3f3;
export const FIELD_STATUS = 0x3f4;
export const FIELD_PROTOCOL = 0x3f5;
/** Begins with a colon and is none of those. */
export const FIELD_OTHER_PSEUDO = 0x3f6;
/** A name without an id. */
export const FIELD_OTHER = 0x3ff;
/** First id of the pseudo-headers: `(tag & FIELD_ID_MASK) >= FIELD_PSEUDO` and not FIELD_OTHER. */
export const FIELD_PSEUDO = 0x3f0;

/** The name is no lower-case token of RFC 9113 section 8.2.1: empty, upper case, space, control, colon inside, 0x80 and above. */
export const FIELD_BAD_NAME = 0x400;
/** The value has a byte other than tab, 0x20-0x7e and 0x80-0xff. */
export const FIELD_BAD_VALUE = 0x800;
/** The value begins or ends with space or tab. */
export const FIELD_PADDED_VALUE = 0x1000;
/** The name has an underscore. */
export const FIELD_UNDERSCORE = 0x2000;

const SP = 32;
const HT = 9;
const COLON = 58;
const UNDERSCORE = 95;

/** 1 for bytes that may stand in a name: a lower-case token. */
const NAME_BYTE: Uint8Array = Uint8Array.from(TOKEN_LOWER, (lower, byte) => (lower === byte && lower !== 0 ? 1 : 0));
/** 0 for bytes that may stand in a value, so that a walk can gather them with OR. */
const BAD_VALUE_BYTE: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) => ((byte < 0x20 && byte !== HT) || byte === 0x7f ? 1 : 0));

const PSEUDO_NAMES: readonly string[] = [':authority', ':method', ':path', ':scheme', ':status', ':protocol'];

/** Whether `name` is a lower-case token, or a colon and a lower-case token (RFC 9113 section 8.2.1). */
export function isValidHeaderName(name: string): boolean {
  const start = name.charCodeAt(0) === COLON ? 1 : 0;
  if (name.length === start) return false;
  for (let i = start; i < name.length; i++) {
    const code = name.charCodeAt(i);
    if (code > 255 || NAME_BYTE[code] === 0) return false;
  }
  return true;
}

/** Whether all characters of `value` are tab, 0x20-0x7e or 0x80-0xff, and none of the outer ones is space or tab. */
export function isValidHeaderValue(value: string): boolean {
  const length = value.length;
  if (length === 0) return true;
  for (let i = 0; i < length; i++) {
    const code = value.charCodeAt(i);
    if (code > 255 || BAD_VALUE_BYTE[code] === 1) return false;
  }
  return !isBlank(value.charCodeAt(0)) && !isBlank(value.charCodeAt(length - 1));
}

function isBlank(code: number): boolean {
  return code === SP || code === HT;
}

/** Bits for the value in `data[start, end)`. */
export function valueTag(data: Uint8Array, start: number, end: number): number {
  let bad = 0;
  for (let i = start; i < end; i++) bad |= BAD_VALUE_BYTE[data[i]];
  return (bad === 0 ? 0 : FIELD_BAD_VALUE) | paddingTag(data, start, end);
}

/** The same for a value whose bytes are known to be allowed. */
export function paddingTag(data: Uint8Array, start: number, end: number): number {
  return start < end && (isBlank(data[start]) || isBlank(data[end - 1])) ? FIELD_PADDED_VALUE : 0;
}

/** Names without an id, by hash: the same name in the next message is the same string. */
const RECENT_NAMES = 256;
/** Longer names are not worth a place. */
const MAX_RECENT_LENGTH = 64;
const recentNames: string[] = new Array<string>(RECENT_NAMES).fill('');
const recentTags = new Int32Array(RECENT_NAMES);

let lastTag = 0;

/** Bits for the name that `readName` returned last. */
export function lastNameTag(): number {
  return lastTag;
}

/** The name in `data[start, end)` as a shared string where possible; `lastNameTag` has its bits. */
export function readName(data: Buffer, start: number, end: number): string {
  let hash = NAME_HASH_SEED;
  const first = end > start && data[start] === COLON ? start + 1 : start;
  let allowed = 1;
  let underscore = 0;
  for (let i = first; i < end; i++) {
    const byte = data[i];
    allowed &= NAME_BYTE[byte];
    if (byte === UNDERSCORE) underscore = FIELD_UNDERSCORE;
    hash = (Math.imul(hash, 31) + byte) | 0;
  }
  if (allowed === 0 || first === end) {
    lastTag = FIELD_BAD_NAME | underscore | (first > start ? FIELD_OTHER_PSEUDO : FIELD_OTHER);
    return data.latin1Slice(start, end);
  }
  if (first === start) {
    const id = findHeaderName(data, start, end, hash);
    if (id >= 0) {
      lastTag = id;
      return HEADER_NAMES[id];
    }
  }
  return recentName(data, start, end, hash, underscore);
}

function recentName(data: Buffer, start: number, end: number, hash: number, underscore: number): string {
  const slot = (hash ^ (hash >>> 13)) & (RECENT_NAMES - 1);
  const recent = recentNames[slot];
  const length = end - start;
  if (recent.length === length) {
    let i = 0;
    while (i < length && data[start + i] === recent.charCodeAt(i)) i++;
    if (i === length) {
      lastTag = recentTags[slot];
      return recent;
    }
  }
  const text = data.latin1Slice(start, end);
  let id = FIELD_OTHER;
  let name = text;
  if (data[start] === COLON) {
    const pseudo = PSEUDO_NAMES.indexOf(text);
    id = pseudo >= 0 ? FIELD_PSEUDO + pseudo : FIELD_OTHER_PSEUDO;
    if (pseudo >= 0) name = PSEUDO_NAMES[pseudo];
  }
  lastTag = id | underscore;
  if (length <= MAX_RECENT_LENGTH) {
    recentNames[slot] = name;
    recentTags[slot] = lastTag;
  }
  return name;
}

/** Bits for a whole field; for tables built at load and tests. */
export function fieldTag(name: string, value: string): number {
  const bytes = Buffer.from(name + value, 'latin1');
  readName(bytes, 0, name.length);
  return lastTag | valueTag(bytes, name.length, bytes.length);
}
