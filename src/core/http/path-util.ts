import type { HeaderMap } from '../../contract/header-map.ts';

export const PATH_KEEP_UNCHANGED = 0;
export const PATH_REJECT_REQUEST = 1;
export const PATH_UNESCAPE_AND_REDIRECT = 2;
export const PATH_UNESCAPE_AND_FORWARD = 3;
export type EscapedSlashesAction = 0 | 1 | 2 | 3;

export const NORMALIZE_CONTINUE = 0;
export const NORMALIZE_REJECT = 1;
export const NORMALIZE_REDIRECT = 2;
export type NormalizeResult = 0 | 1 | 2;

export interface PathOptions {
  readonly normalizePath: boolean;
  readonly mergeSlashes: boolean;
  readonly escapedSlashes: EscapedSlashesAction;
  /** Guard `http_reject_path_with_fragment`. */
  readonly rejectFragment: boolean;
}

/**
 * Brings `:path` into the form that routes, filters and the upstream all see (incidents.md 5.1): the one canonicaliser of paths. The query
 * is left alone.
 */
export function normalizeRequestPath(headers: HeaderMap, options: PathOptions): NormalizeResult {
  const at = headers.indexOf(':path');
  if (at < 0) return NORMALIZE_CONTINUE;
  const original = headers.valueAt(at);
  let path = original;
  const fragment = path.indexOf('#');
  if (fragment >= 0) {
    if (options.rejectFragment) return NORMALIZE_REJECT;
    path = path.slice(0, fragment);
  }
  let result: NormalizeResult = NORMALIZE_CONTINUE;
  if (options.escapedSlashes !== PATH_KEEP_UNCHANGED) {
    const unescaped = unescapeSlashes(path);
    if (unescaped !== path) {
      // Seen unescaped by the access log even when it is refused.
      headers.setValueAt(at, unescaped);
      if (options.escapedSlashes === PATH_REJECT_REQUEST) return NORMALIZE_REJECT;
      if (options.escapedSlashes === PATH_UNESCAPE_AND_REDIRECT) result = NORMALIZE_REDIRECT;
      path = unescaped;
    }
  }
  if (options.normalizePath) {
    const canonical = canonicalPath(path);
    if (canonical === null) return NORMALIZE_REJECT;
    path = canonical;
  }
  if (options.mergeSlashes) path = mergeSlashes(path);
  if (path !== original) headers.setValueAt(at, path);
  return result;
}

/** `%2F` and `%5C` of the path become `/` and `\`. */
export function unescapeSlashes(path: string): string {
  const query = path.indexOf('?');
  const end = query < 0 ? path.length : query;
  const first = path.indexOf('%');
  if (first < 0 || first >= end) return path;
  let out = '';
  let from = 0;
  for (let i = first; i + 2 < end; i++) {
    if (path.charCodeAt(i) !== 0x25) continue;
    const hex = path.slice(i + 1, i + 3).toLowerCase();
    if (hex !== '2f' && hex !== '5c') continue;
    out += path.slice(from, i) + (hex === '2f' ? '/' : '\\');
    from = i + 3;
    i += 2;
  }
  return from === 0 ? path : out + path.slice(from);
}

/** Runs of `/` in the path become one. */
export function mergeSlashes(path: string): string {
  const query = path.indexOf('?');
  const end = query < 0 ? path.length : query;
  const first = path.indexOf('//');
  if (first < 0 || first >= end) return path;
  let out = '';
  for (let i = 0; i < end; i++) {
    if (path.charCodeAt(i) === 0x2f && i > 0 && path.charCodeAt(i - 1) === 0x2f) continue;
    out += path[i];
  }
  return out + path.slice(end);
}

/** What becomes of a byte of a path: kept, percent-encoded, or refused. Unreserved bytes are decoded when they come encoded. */
const KEEP = 1;
const ESCAPE = 0;
const UNESCAPE = 2;
const PATH_TABLE = makePathTable();

/** Chromium's table for paths (url_canon_path.cc), which Envoy uses: printable ASCII passes but for `"<>^`{|}` and blanks. */
function makePathTable(): Uint8Array {
  const table = new Uint8Array(256);
  for (let c = 0x21; c < 0x7f; c++) table[c] = KEEP;
  for (const c of '"#<>?^`{|}') table[c.charCodeAt(0)] = ESCAPE;
  for (let c = 0; c < 128; c++) {
    if (/[A-Za-z0-9\-._~]/.test(String.fromCharCode(c))) table[c] = UNESCAPE;
  }
  return table;
}

const HEX = '0123456789ABCDEF';

/**
 * Path normalisation after RFC 3986 section 6 as Chromium's URL library does it: `.` and `..` segments resolved (encoded dots too),
 * backslashes become slashes, unreserved bytes decoded, others encoded. Null when the path cannot be normalised.
 */
export function canonicalPath(text: string): string | null {
  const query = text.indexOf('?');
  const path = query < 0 ? text : text.slice(0, query);
  if (isCanonical(path)) return text;
  const canonical = canonicalize(withoutDotParameters(path));
  return canonical === null ? null : canonical + text.slice(path.length);
}

/** Nothing to do: the usual case, decided without making a string. */
function isCanonical(path: string): boolean {
  if (path.length === 0 || path.charCodeAt(0) !== 0x2f) return false;
  for (let i = 0; i < path.length; i++) {
    const c = path.charCodeAt(i);
    if (c === 0x25 || c === 0x5c || c > 0x7f || PATH_TABLE[c] === ESCAPE) return false;
    if (c === 0x2e && path.charCodeAt(i - 1) === 0x2f) return false;
  }
  return true;
}

/**
 * `..;x=1` and `.;x` are dot segments with parameters, which some origins resolve (CVE-2026-73551): the parameters go. Encoded dots are
 * left, as Envoy leaves them.
 */
function withoutDotParameters(path: string): string {
  if (path.indexOf('.;') < 0) return path;
  let out = '';
  let start = 0;
  while (start <= path.length) {
    let end = start;
    while (end < path.length && path.charCodeAt(end) !== 0x2f && path.charCodeAt(end) !== 0x5c) end++;
    const segment = path.slice(start, end);
    if (segment.startsWith('.;')) out += '.';
    else if (segment.startsWith('..;')) out += '..';
    else out += segment;
    if (end < path.length) out += path[end];
    start = end + 1;
  }
  return out;
}

function canonicalize(path: string): string | null {
  const first = path.charCodeAt(0);
  let out = first === 0x2f || first === 0x5c ? '' : '/';
  for (let i = 0; i < path.length; i++) {
    const c = path.charCodeAt(i);
    if (c === 0x2f || c === 0x5c) {
      out = appendSlash(out);
      continue;
    }
    if (c === 0x25) {
      const value = hexValue(path, i + 1);
      if (value === 0) return null;
      if (value < 0) out += '%';
      else {
        out += PATH_TABLE[value] === UNESCAPE ? String.fromCharCode(value) : path.slice(i, i + 3);
        i += 2;
      }
      continue;
    }
    if (c === 0) return null;
    out += c < 0x80 && PATH_TABLE[c] !== ESCAPE ? path[i] : `%${HEX[c >> 4]}${HEX[c & 15]}`;
  }
  return endDots(out);
}

/** A segment ends: `.` disappears, `..` takes the one before with it. */
function appendSlash(out: string): string {
  if (out.endsWith('/.')) return out.slice(0, -1);
  if (out.endsWith('/..')) return parent(out);
  return `${out}/`;
}

function endDots(out: string): string {
  if (out.endsWith('/.')) return out.slice(0, -1);
  if (out.endsWith('/..')) return parent(out);
  return out === '' ? '/' : out;
}

/** `/a/b/..` → `/a/`; the root has no parent but itself. */
function parent(out: string): string {
  const dots = out.length - 3;
  if (dots <= 0) return '/';
  return out.slice(0, out.lastIndexOf('/', dots - 1) + 1);
}

/** Two hex digits at `at`, or -1. */
function hexValue(text: string, at: number): number {
  const high = digit(text.charCodeAt(at));
  const low = digit(text.charCodeAt(at + 1));
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

function digit(c: number): number {
  if (c >= 0x30 && c <= 0x39) return c - 0x30;
  const lower = c | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
