import type { HeaderMap } from '../../contract/header-map.ts';

/** From this many tokens in `Connection` on the request is refused. */
const MAX_NOMINATED_HEADERS = 10;
/** From this length of a nominated `TE` on the request is refused. */
const MAX_TE_LENGTH = 256;

function trimSpaces(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(text.charCodeAt(start))) start++;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

/** Whitespace of the C locale, which is what Envoy trims. */
function isSpace(c: number): boolean {
  return c === 0x20 || (c >= 0x09 && c <= 0x0d);
}

/** Whether the comma list `value` has `token` (lower case) in any case. */
export function hasToken(value: string, token: string): boolean {
  if (value.length < token.length) return false;
  if (value.length === token.length) return value.toLowerCase() === token;
  return value.split(',').some((each) => trimSpaces(each).toLowerCase() === token);
}

/** Whether the message asks to switch protocols: `Upgrade` and `Connection: upgrade`, in any order and case. */
export function isUpgrade(headers: HeaderMap): boolean {
  if (!headers.has('upgrade')) return false;
  const connection = headers.get('connection');
  return connection !== undefined && hasToken(connection, 'upgrade');
}

/** Takes tokens (lower case) out of the `Connection` header, and the header when none is left. */
export function removeConnectionTokens(headers: HeaderMap, tokens: readonly string[]): void {
  const value = headers.get('connection');
  if (value === undefined) return;
  const kept = splitTokens(value).filter((each) => !tokens.includes(each.toLowerCase()));
  if (kept.length === 0) headers.remove('connection');
  else headers.set('connection', kept.join(','));
}

/** Trimmed tokens of a comma list; empty ones are left out. */
function splitTokens(value: string): string[] {
  return value
    .split(',')
    .map(trimSpaces)
    .filter((each) => each !== '');
}

/** Takes the ignored protocols out of `Upgrade`, and with the last one the header and its token in `Connection`. */
export function removeIgnoredUpgrades(headers: HeaderMap, ignored: (token: string) => boolean): void {
  const value = headers.get('upgrade');
  if (value === undefined) return;
  const kept = splitTokens(value).filter((each) => !ignored(each));
  if (kept.length > 0) {
    headers.set('upgrade', kept.join(','));
    return;
  }
  headers.remove('upgrade');
  removeConnectionTokens(headers, ['upgrade']);
}

/** Results of `sanitizeConnectionHeader`. */
export const CONNECTION_REFUSED = 0;
export const CONNECTION_CLEAN = 1;
/** Clean, and `host` was named: the caller takes the authority away. */
export const CONNECTION_NAMES_HOST = 2;
export type ConnectionVerdict = 0 | 1 | 2;

/**
 * Removes the headers that `Connection` names (RFC 9110 section 7.6.1) and their names from it. Refuses the request for too many
 * names, or for one that a proxy relies on: naming `x-forwarded-for` must not hide where a request comes from.
 */
export function sanitizeConnectionHeader(headers: HeaderMap): ConnectionVerdict {
  const value = headers.get('connection');
  if (value === undefined) return CONNECTION_CLEAN;
  const lower = value.toLowerCase();
  if (lower === 'keep-alive' || lower === 'close') return CONNECTION_CLEAN;
  const parts = value.split(',').filter((each) => each !== '');
  if (parts.length >= MAX_NOMINATED_HEADERS) return CONNECTION_REFUSED;
  let verdict: ConnectionVerdict = CONNECTION_CLEAN;
  const removed: string[] = [];
  for (const part of parts) {
    const token = trimSpaces(part).toLowerCase();
    if (token === 'close' || token === 'http2-settings' || token === 'keep-alive' || token === 'upgrade') continue;
    if (token === 'x-forwarded-for' || token === 'x-forwarded-host' || token === 'x-forwarded-proto') return CONNECTION_REFUSED;
    if (token.startsWith(':')) return CONNECTION_REFUSED;
    if (token === 'te' && headers.has('te')) {
      const keep = keepTrailersOnly(headers);
      if (keep < 0) return CONNECTION_REFUSED;
      if (keep > 0) continue;
    }
    if (token === 'host') verdict = CONNECTION_NAMES_HOST;
    else if (token !== 'connection') headers.remove(token);
    removed.push(token);
  }
  if (removed.length > 0) removeConnectionTokens(headers, removed);
  return verdict;
}

/** A nominated `TE` stays when it asks for trailers, and then says nothing else. -1 = too long, 0 = remove, 1 = kept. */
function keepTrailersOnly(headers: HeaderMap): number {
  const te = headers.get('te') ?? '';
  if (te.length >= MAX_TE_LENGTH) return -1;
  if (!hasToken(te, 'trailers')) return 0;
  headers.set('te', 'trailers');
  return 1;
}
