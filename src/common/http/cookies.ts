import type { HeaderMap } from '../../contract/header-map.ts';

/** Value of the first cookie called `name` over all `cookie` headers, without surrounding quotes; null when there is none. */
export function cookieValue(headers: HeaderMap, name: string): string | null {
  for (let at = headers.indexOf('cookie'); at >= 0; at = headers.indexOf('cookie', at + 1)) {
    const found = inHeader(headers.valueAt(at), name);
    if (found !== null) return found;
  }
  return null;
}

function inHeader(text: string, name: string): string | null {
  let from = 0;
  while (from < text.length) {
    let end = text.indexOf(';', from);
    if (end < 0) end = text.length;
    const equals = text.indexOf('=', from);
    if (equals >= 0 && equals < end && text.slice(from, equals).trim() === name) {
      const value = text.slice(equals + 1, end).trim();
      return value.length >= 2 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
    }
    from = end + 1;
  }
  return null;
}
