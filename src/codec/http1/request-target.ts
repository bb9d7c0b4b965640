/** The request target (RFC 9112 section 3.2): what may stand there, and the parts of an absolute one. */

const PATH_CHAR = 1;
const HOST_CHAR = 2;
const SCHEME_CHAR = 4;
const ALPHA_CHAR = 8;
const AUTHORITY_CHAR = 16;
const DIGIT_CHAR = 32;

const CLASSES: Uint8Array = buildClasses();

function buildClasses(): Uint8Array {
  const table = new Uint8Array(256);
  for (let c = 0x21; c <= 0x7e; c++) table[c] |= PATH_CHAR;
  const mark = (text: string, bits: number): void => {
    for (let i = 0; i < text.length; i++) table[text.charCodeAt(i)] |= bits;
  };
  mark('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ', HOST_CHAR | SCHEME_CHAR | ALPHA_CHAR | AUTHORITY_CHAR);
  mark('0123456789', HOST_CHAR | SCHEME_CHAR | AUTHORITY_CHAR | DIGIT_CHAR);
  mark('+-.', SCHEME_CHAR);
  mark("!$%&'()*+,-.:;=@[]_~", HOST_CHAR | AUTHORITY_CHAR);
  return table;
}

function all(text: string, start: number, end: number, bit: number): boolean {
  for (let i = start; i < end; i++) if ((CLASSES[text.charCodeAt(i) & 0xff] & bit) === 0) return false;
  return true;
}

/** Whether `target` may stand in a request line; a first judgement, as strict as Envoy's parser. */
export function isTargetValid(target: string, isConnect: boolean): boolean {
  if (target === '') return false;
  const first = target.charCodeAt(0);
  if (first === 0x2f || first === 0x2a) return all(target, 1, target.length, PATH_CHAR);
  let hostStart = 0;
  if (!isConnect) {
    hostStart = schemeEnd(target);
    if (hostStart < 0) return false;
    hostStart += 3;
  }
  const hostEnd = endOfAuthority(target, hostStart, false);
  if (!all(target, hostStart, hostEnd, HOST_CHAR) || target.slice(hostStart, hostEnd).includes('@@')) return false;
  return all(target, hostEnd, target.length, PATH_CHAR);
}

/** Index of `://`, or -1. */
function schemeEnd(target: string): number {
  if ((CLASSES[target.charCodeAt(0) & 0xff] & ALPHA_CHAR) === 0) return -1;
  let i = 1;
  while (i < target.length && (CLASSES[target.charCodeAt(i) & 0xff] & SCHEME_CHAR) !== 0) i++;
  return target.startsWith('://', i) ? i : -1;
}

function endOfAuthority(target: string, start: number, fragmentToo: boolean): number {
  for (let i = start; i < target.length; i++) {
    const c = target.charCodeAt(i);
    if (c === 0x2f || c === 0x3f || (fragmentToo && c === 0x23)) return i;
  }
  return target.length;
}

/** Parts of an absolute request target. */
export interface AbsoluteTarget {
  /** As written; empty for CONNECT. */
  readonly scheme: string;
  /** `host` or `host:port`, without user information. */
  readonly authority: string;
  /** Path and query, `/` when there is none; empty for CONNECT. */
  readonly path: string;
}

/** Takes an absolute target (or CONNECT's `host:port`) apart; null when it is none. */
export function parseAbsoluteTarget(target: string, isConnect: boolean): AbsoluteTarget | null {
  let start = 0;
  let scheme = '';
  if (!isConnect) {
    const at = schemeEnd(target);
    if (at < 0) return null;
    scheme = target.slice(0, at);
    start = at + 3;
  }
  const end = endOfAuthority(target, start, true);
  const authority = authorityWithoutUser(target.slice(start, end));
  if (authority === null || !isHostAndPort(authority, isConnect)) return null;
  if (isConnect) return end === target.length ? { scheme, authority, path: '' } : null;
  return { scheme, authority, path: end === target.length ? '/' : target.slice(end) };
}

function authorityWithoutUser(text: string): string | null {
  const at = text.indexOf('@');
  if (at < 0) return text;
  if (text.indexOf('@', at + 1) >= 0) return null;
  return text.slice(at + 1);
}

function isHostAndPort(authority: string, portRequired: boolean): boolean {
  let hostEnd: number;
  if (authority.startsWith('[')) {
    const close = authority.indexOf(']');
    if (close < 2 || !isIpv6Literal(authority.slice(1, close))) return false;
    hostEnd = close + 1;
  } else {
    const colon = authority.indexOf(':');
    hostEnd = colon < 0 ? authority.length : colon;
    if (hostEnd === 0 || !all(authority, 0, hostEnd, HOST_NAME)) return false;
  }
  if (hostEnd === authority.length) return !portRequired;
  if (authority.charCodeAt(hostEnd) !== 0x3a) return false;
  const port = authority.slice(hostEnd + 1);
  return port !== '' && port.length <= 10 && all(port, 0, port.length, DIGIT_CHAR) && Number(port) <= 0xffff;
}

/** Host names in URLs: letters, digits, `.`, `-`, `_`. */
const HOST_NAME = 64;
for (const c of "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") CLASSES[c.charCodeAt(0)] |= HOST_NAME;

/** IPv6 text form (RFC 4291 section 2.2), with an IPv4 tail and without a zone. */
function isIpv6Literal(text: string): boolean {
  const halves = text.split('::');
  if (halves.length > 2) return false;
  let groups = 0;
  for (let h = 0; h < halves.length; h++) {
    if (halves[h] === '') continue;
    const parts = halves[h].split(':');
    for (let i = 0; i < parts.length; i++) {
      const last = h === halves.length - 1 && i === parts.length - 1;
      if (last && parts[i].includes('.')) {
        if (!isIpv4(parts[i])) return false;
        groups += 2;
      } else {
        if (!/^[0-9a-fA-F]{1,4}$/.test(parts[i])) return false;
        groups++;
      }
    }
  }
  return halves.length === 2 ? groups <= 7 : groups === 8;
}

function isIpv4(text: string): boolean {
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255 && (part === '0' || part[0] !== '0'));
}

/** Whether `value` may be a `Host` (Envoy's authorityIsValid): no space, path, quote or control character. */
export function isAuthorityValid(value: string): boolean {
  return all(value, 0, value.length, AUTHORITY_CHAR);
}
