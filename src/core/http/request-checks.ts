import type { HeaderMap } from '../../contract/header-map.ts';

/** Characters of a host (RFC 3986 reg-name, IP literal, and the port's colon) as Envoy's authority check lets them pass. */
const HOST_TABLE = makeTable("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:[]%@");
const TOKEN_TABLE = makeTable("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~");

function makeTable(allowed: string): Uint8Array {
  const table = new Uint8Array(256);
  for (const c of allowed) table[c.charCodeAt(0)] = 1;
  return table;
}

function matches(text: string, table: Uint8Array): boolean {
  for (let i = 0; i < text.length; i++) if (table[text.charCodeAt(i)] !== 1) return false;
  return true;
}

/** A QUERY request's body means nothing without its type (RFC 10008; Envoy's details `query_missing_content_type`). */
export function isQueryWithoutContentType(headers: HeaderMap): boolean {
  return headers.get(':method') === 'QUERY' && (headers.get('content-type') ?? '') === '';
}

/** Response code details of what is wrong with authority, method or scheme, or empty (Envoy's requestHeadersValid). */
export function invalidRequestDetails(headers: HeaderMap): string {
  const host = headers.get(':authority');
  if (host !== undefined && !matches(host, HOST_TABLE)) return 'http.invalid_authority';
  const method = headers.get(':method');
  if (method !== undefined && (method === '' || !matches(method, TOKEN_TABLE))) return 'http.invalid_method';
  const scheme = headers.get(':scheme');
  if (scheme !== undefined && scheme.includes(',')) return 'http.invalid_scheme';
  return '';
}
