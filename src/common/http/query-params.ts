/** Query strings as Envoy's QueryParamsMulti reads and writes them. All text is byte strings. */

/** The first value of `name` in the query of `path`, undecoded; null when there is none. A fragment is not treated apart. */
export function firstQueryValue(path: string, name: string): string | null {
  let from = path.indexOf('?') + 1;
  if (from === 0) return null;
  while (from < path.length) {
    let end = path.indexOf('&', from);
    if (end < 0) end = path.length;
    if (path.startsWith(name, from)) {
      const behind = from + name.length;
      if (behind === end) return '';
      if (behind < end && path.charCodeAt(behind) === 0x3d && !name.includes('=')) return path.slice(behind + 1, end);
    }
    from = end + 1;
  }
  return null;
}

/** Decodes %XX; a percent sign without two hexadecimal digits stays. `+` stays. */
export function percentDecode(text: string): string {
  let at = text.indexOf('%');
  if (at < 0) return text;
  let out = text.slice(0, at);
  while (at < text.length) {
    const code = text[at] === '%' && at + 2 < text.length ? hexByte(text.charCodeAt(at + 1), text.charCodeAt(at + 2)) : -1;
    if (code >= 0) {
      out += String.fromCharCode(code);
      at += 3;
    } else out += text[at++];
  }
  return out;
}

function hexByte(high: number, low: number): number {
  const h = hexDigit(high);
  const l = hexDigit(low);
  return h < 0 || l < 0 ? -1 : h * 16 + l;
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

const UNRESERVED = /[A-Za-z0-9\-_.~]/;

/** Encodes all bytes but the unreserved ones of RFC 3986 section 2.3, with upper-case digits. */
export function percentEncode(text: string): string {
  let out = '';
  for (const char of text) {
    out += UNRESERVED.test(char) ? char : '%' + char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0');
  }
  return out;
}

/** Query parameters as an ordered multimap: names sorted (Envoy keeps them in a tree), values of a name in order. */
export class QueryParams {
  private readonly data = new Map<string, string[]>();

  /** Parses the query of `path`; `decode` undoes the percent encoding of names and values. */
  static parse(path: string, decode: boolean): QueryParams {
    const params = new QueryParams();
    let from = path.indexOf('?') + 1;
    if (from === 0) return params;
    while (from < path.length) {
      let end = path.indexOf('&', from);
      if (end < 0) end = path.length;
      const equals = path.indexOf('=', from);
      const hasValue = equals >= 0 && equals < end;
      const name = path.slice(from, hasValue ? equals : end);
      const value = hasValue ? path.slice(equals + 1, end) : '';
      params.add(decode ? percentDecode(name) : name, decode ? percentDecode(value) : value);
      from = end + 1;
    }
    return params;
  }

  has(name: string): boolean {
    return this.data.has(name);
  }

  first(name: string): string | null {
    return this.data.get(name)?.[0] ?? null;
  }

  add(name: string, value: string): void {
    const values = this.data.get(name);
    if (values === undefined) this.data.set(name, [value]);
    else values.push(value);
  }

  overwrite(name: string, value: string): void {
    this.data.set(name, [value]);
  }

  remove(name: string): void {
    this.data.delete(name);
  }

  /** `path` with its query replaced by these parameters, percent-encoded. */
  replaceQuery(path: string): string {
    const question = path.indexOf('?');
    const base = question < 0 ? path : path.slice(0, question);
    const pairs: string[] = [];
    for (const name of [...this.data.keys()].sort()) {
      for (const value of this.data.get(name) ?? []) pairs.push(`${percentEncode(name)}=${percentEncode(value)}`);
    }
    return pairs.length === 0 ? base : `${base}?${pairs.join('&')}`;
  }
}
