/** What the values of pseudo-headers may be, as Envoy's library takes them. Values are byte strings. */

const AUTHORITY_BYTE: Uint8Array = tableOf("!$%&'()*+,-.0123456789:;=ABCDEFGHIJKLMNOPQRSTUVWXYZ[]_abcdefghijklmnopqrstuvwxyz~");
const METHOD_BYTE: Uint8Array = tableOf("!#$%&'*+-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz|~");
const SCHEME_BYTE: Uint8Array = tableOf('+-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz');

function tableOf(allowed: string): Uint8Array {
  const table = new Uint8Array(256);
  for (const c of allowed) table[c.charCodeAt(0)] = 1;
  return table;
}

function allIn(table: Uint8Array, value: string): boolean {
  for (let i = 0; i < value.length; i++) if (table[value.charCodeAt(i)] === 0) return false;
  return true;
}

/** Host and port, without user information; may be empty. */
export function isAuthority(value: string): boolean {
  return allIn(AUTHORITY_BYTE, value);
}

export function isMethod(value: string): boolean {
  return value === 'GET' || value === 'POST' || (value !== '' && allIn(METHOD_BYTE, value));
}

/** A letter, then letters, digits, `+`, `-`, `.` (RFC 3986 section 3.1). */
export function isScheme(value: string): boolean {
  if (value === 'http' || value === 'https') return true;
  const first = value.charCodeAt(0) | 0x20;
  return first >= 0x61 && first <= 0x7a && allIn(SCHEME_BYTE, value);
}

/** A value that has no byte of FIELD_BAD_VALUE and is a path: not empty, without space and tab. */
export function isPath(value: string): boolean {
  return value !== '' && value.indexOf(' ') < 0 && value.indexOf('\t') < 0;
}

/** Digits only, at most 2^53 - 1; -1 when it is not that. */
export function parseContentLength(value: string): number {
  const length = value.length;
  if (length === 0) return -1;
  let number = 0;
  for (let i = 0; i < length; i++) {
    const digit = value.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    number = number * 10 + digit;
  }
  return number <= Number.MAX_SAFE_INTEGER ? number : -1;
}

/** `100` to `999`; -1 when it is not that. */
export function parseStatus(value: string): number {
  if (value.length !== 3) return -1;
  const status = parseContentLength(value);
  return status >= 100 ? status : -1;
}

/** Without space and tab at its ends. */
export function trimBlanks(value: string): string {
  let start = 0;
  let end = value.length;
  while (start < end && isBlank(value.charCodeAt(start))) start++;
  while (end > start && isBlank(value.charCodeAt(end - 1))) end--;
  return value.substring(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

export function hasObsText(value: string): boolean {
  for (let i = 0; i < value.length; i++) if (value.charCodeAt(i) > 0x7f) return true;
  return false;
}
