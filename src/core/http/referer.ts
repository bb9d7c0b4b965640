/** Characters of a URI's query and fragment (RFC 3986 section 3.4): unreserved, sub-delims, `:@/?` and `%`. */
const ALLOWED = makeTable();

function makeTable(): Uint8Array {
  const table = new Uint8Array(256);
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
  for (const c of `${letters}-._~!$&'()*+,;=:@/?%`) table[c.charCodeAt(0)] = 1;
  return table;
}

/** Whether a `referer` is a URL without user and fragment, or a relative reference (RFC 9110 section 10.1.3); others are removed. */
export function isValidReferer(value: string): boolean {
  const scheme = value.indexOf('://');
  if (scheme > 0 && isScheme(value, scheme)) return isValidAbsolute(value, scheme + 3);
  let slash = false;
  for (let i = 0; i < value.length; i++) {
    const c = value.charCodeAt(i);
    if (c === 0x2f) slash = true;
    // A colon in the first segment would make it a scheme.
    else if (c === 0x3a) {
      if (!slash) return false;
    } else if (ALLOWED[c] !== 1) return false;
  }
  return true;
}

function isScheme(value: string, end: number): boolean {
  for (let i = 0; i < end; i++) {
    const c = value.charCodeAt(i) | 0x20;
    if (c < 0x61 || c > 0x7a) return false;
  }
  return true;
}

function isValidAbsolute(value: string, authority: number): boolean {
  let end = authority;
  while (end < value.length && value[end] !== '/' && value[end] !== '?' && value[end] !== '#') {
    if (value[end] === '@') return false;
    end++;
  }
  return end > authority && value.indexOf('#', end) < 0;
}
