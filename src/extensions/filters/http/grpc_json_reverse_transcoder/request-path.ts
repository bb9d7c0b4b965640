import { JsonList, JsonMembers, JsonText, printJson } from '../../../../common/transcoding/json-value.ts';
import type { JsonValue } from '../../../../common/transcoding/json-value.ts';

/** The path of a REST request from a template and the message's JSON; what the path does not take goes to the query. Byte strings. */

const RESERVED = " %:?#[]@!$&'()*+,;=";
/** What a value that is one segment must not hold as it is. */
const RESERVED_IN_SEGMENT = `${RESERVED}/`;
const URL_PLAIN = /[A-Za-z0-9*\-._]/;
const PRINTABLE_END = 0x7e;

/** The path, or why it cannot be made. */
export type BuiltPath = { readonly path: string } | { readonly fault: string };

export function buildPath(request: JsonValue, template: string, bodyField: string): BuiltPath {
  const used = new Set<string>();
  let path = '';
  let from = 0;
  for (let start = template.indexOf('{'); start >= 0; start = template.indexOf('{', from)) {
    const end = template.indexOf('}', start);
    if (end < 0) return { fault: `Invalid HTTP path: ${template}` };
    // `{name=shelves/*}` takes the name; only `{name}` is one segment.
    const content = template.slice(start + 1, end);
    const equals = content.indexOf('=');
    const key = equals < 0 ? content : content.slice(0, equals);
    used.add(key);
    const value = memberAt(request, key.split('.'));
    if (value === undefined) return { fault: `Key, ${key}, not found in the request message` };
    path += template.slice(from, start) + percentEncode(plainText(value), equals < 0 ? RESERVED_IN_SEGMENT : RESERVED);
    from = end + 1;
  }
  path += template.slice(from);
  if (bodyField === '*') return { path };
  if (bodyField !== '') used.add(bodyField);
  const query: string[] = [];
  collectQuery(request, used, '', query);
  return { path: query.length === 0 ? path : `${path}?${query.join('&')}` };
}

function memberAt(value: JsonValue, names: readonly string[]): JsonValue | undefined {
  let at: JsonValue | undefined = value;
  for (const name of names) {
    if (at instanceof JsonMembers) at = at.members.get(name);
    else if (at instanceof JsonList && /^(0|[1-9]\d*)$/.test(name)) at = at.items[Number(name)];
    else return undefined;
  }
  return at;
}

function plainText(value: JsonValue): string {
  return value instanceof JsonText ? value.text : printJson(value);
}

function collectQuery(value: JsonValue, used: ReadonlySet<string>, prefix: string, query: string[]): void {
  if (used.has(prefix)) return;
  if (value instanceof JsonMembers) {
    for (const [name, each] of value.members) collectQuery(each, used, prefix === '' ? name : `${prefix}.${name}`, query);
  } else if (value instanceof JsonList) {
    for (const each of value.items) collectQuery(each, used, prefix, query);
  } else query.push(`${prefix}=${urlEncode(plainText(value))}`);
}

function percentEncode(text: string, reserved: string): string {
  let out = '';
  for (const char of text) {
    const code = char.charCodeAt(0);
    out += code < 0x20 || code >= PRINTABLE_END || reserved.includes(char) ? escape(code) : char;
  }
  return out;
}

function urlEncode(text: string): string {
  let out = '';
  for (const char of text) out += URL_PLAIN.test(char) ? char : escape(char.charCodeAt(0));
  return out;
}

function escape(code: number): string {
  return `%${code.toString(16).toUpperCase().padStart(2, '0')}`;
}
