/**
 * google.protobuf.FieldMask in JSON: paths joined with commas, `a(b,c)` for `a.b,a.c`, map keys as `["key"]`. Names become snake case.
 * Byte strings.
 */

const KEY_FORM = 'Map keys should be represented as ["some_key"].';
const KEY_PLACE = 'Map keys should be at the end of a path segment.';

/** Hands each path to `sink` as it is found; returns the fault that ends it, or null. */
export function fieldMaskPaths(text: string, sink: (path: string) => void): string | null {
  const fault = (why: string): string => `Invalid FieldMask '${text}'. ${why}`;
  const prefixes: string[] = [];
  let from = 0;
  for (let at = 0; at <= text.length; at++) {
    const char = at < text.length ? text[at] : '';
    if (char === '[') {
      if (text[at + 1] !== '"') return fault(KEY_FORM);
      const end = mapKeyEnd(text, at + 2);
      if (end < 0) return fault(end === KEY_OPEN ? "Cannot find matching ']' for all '['." : KEY_FORM);
      const next = text[end + 1];
      if (end < text.length - 1 && next !== '.' && next !== ',' && next !== ')' && next !== '(') return fault(KEY_PLACE);
      at = end;
      continue;
    }
    if (char !== '' && char !== ',' && char !== ')' && char !== '(') continue;
    const segment = text.slice(from, at);
    const prefix = prefixes.at(-1) ?? '';
    if (char === '(') prefixes.push(join(prefix, segment));
    else if (segment !== '') sink(snakePath(join(prefix, segment)));
    if (char === ')' && prefixes.pop() === undefined) return fault("Cannot find matching '(' for all ')'.");
    from = at + 1;
  }
  return prefixes.length > 0 ? fault("Cannot find matching ')' for all '('.") : null;
}

/** The key does not end. */
const KEY_OPEN = -1;
/** A quote is not followed by a bracket. */
const KEY_BROKEN = -2;

/** Index of the bracket that closes a map key whose content begins at `from`; negative for a fault. */
function mapKeyEnd(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '"') return text[at + 1] === ']' ? at + 1 : KEY_BROKEN;
  }
  return KEY_OPEN;
}

function join(prefix: string, segment: string): string {
  if (prefix === '') return segment;
  if (segment === '') return prefix;
  return segment.startsWith('["') ? prefix + segment : `${prefix}.${segment}`;
}

/** Each name of the path in snake case; what stands in quotes stays. */
function snakePath(path: string): string {
  let out = '';
  let from = 0;
  for (let at = 0; at <= path.length; at++) {
    const char = at < path.length ? path[at] : '';
    if (char !== '' && char !== '.' && char !== '(' && char !== ')' && char !== '"') continue;
    out += snakeCase(path.slice(from, at)) + char;
    if (char === '"') {
      const end = quoteEnd(path, at + 1);
      out += path.slice(at + 1, end);
      at = end - 1;
    }
    from = at + 1;
  }
  return out;
}

/** Index behind the quote that ends what begins at `from`, or the end. */
function quoteEnd(path: string, from: number): number {
  for (let at = from; at < path.length; at++) {
    if (path[at] === '\\') at++;
    else if (path[at] === '"') return at + 1;
  }
  return path.length;
}

function isUpper(char: string | undefined): boolean {
  return char !== undefined && char >= 'A' && char <= 'Z';
}

function isLower(char: string | undefined): boolean {
  return char !== undefined && char >= 'a' && char <= 'z';
}

/** An underscore goes before an upper-case letter that follows another character, or that a lower-case one follows. */
function snakeCase(name: string): string {
  let out = '';
  for (let i = 0; i < name.length; i++) {
    const char = name[i];
    if (!isUpper(char)) {
      out += char;
      continue;
    }
    const before = name[i - 1];
    const wordBegins = i > 0 && before !== '_' && (!isUpper(before) || isLower(name[i + 1]));
    out += (wordBegins ? '_' : '') + char.toLowerCase();
  }
  return out;
}
