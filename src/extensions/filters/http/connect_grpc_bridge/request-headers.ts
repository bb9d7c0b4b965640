import { parseUint } from '../../../../common/byte-string.ts';
import { GRPC_CONTENT_TYPE } from '../../../../common/grpc/content-type.ts';
import { formatGrpcTimeout } from '../../../../common/grpc/timeout.ts';
import { INLINE_REQUEST_HEADERS, addHeader } from '../../../../common/http/inline-headers.ts';
import { QueryParams } from '../../../../common/http/query-params.ts';
import { GRPC_FLAG_COMPRESSED } from '../../../../codec/grpc/index.ts';
import type { HeaderMap } from '../../../../contract/header-map.ts';

const CONNECT_PREFIX = 'application/connect+';
const UNARY_PREFIX = 'application/';
/** More hours than `grpc-timeout` can say: such a deadline is not translated. */
const MAX_TIMEOUT_MS = 100_000_000 * 3_600_000;

export function isStreaming(headers: HeaderMap): boolean {
  const type = headers.get('content-type') ?? '';
  return type.length >= CONNECT_PREFIX.length && type.startsWith(CONNECT_PREFIX);
}

export function isUnary(headers: HeaderMap): boolean {
  return headers.has('connect-protocol-version') && (headers.get('content-type') ?? '').startsWith(UNARY_PREFIX);
}

/** The query of a unary call by GET, which says `connect=v1` in it; null for other requests. */
export function connectQuery(headers: HeaderMap): QueryParams | null {
  const path = headers.get(':path') ?? '';
  const at = path.indexOf('?');
  // Only a query that has the words, or something escaped, is worth to be taken apart.
  if (at < 0 || (!path.includes('connect=v1', at) && !path.includes('%', at))) return null;
  const query = QueryParams.parse(path, true);
  return query.first('connect') === 'v1' ? query : null;
}

/** Gives each entry called `from` the name `to`, at the end of the map. */
export function renameHeader(headers: HeaderMap, from: string, to: string): void {
  const values = headers.getAll(from);
  if (values.length === 0) return;
  headers.remove(from);
  for (const value of values) headers.add(to, value);
}

export function streamingToGrpc(headers: HeaderMap): void {
  commonToGrpc(headers, (headers.get('content-type') ?? '').slice(CONNECT_PREFIX.length));
  headers.set('te', 'trailers');
  renameHeader(headers, 'connect-content-encoding', 'grpc-encoding');
  renameHeader(headers, 'connect-accept-encoding', 'grpc-accept-encoding');
  headers.remove('content-length');
}

/** Returns the flags of the frame that the body becomes. */
export function unaryToGrpc(headers: HeaderMap): number {
  commonToGrpc(headers, (headers.get('content-type') ?? '').slice(UNARY_PREFIX.length));
  headers.set('te', 'trailers');
  renameHeader(headers, 'content-encoding', 'grpc-encoding');
  renameHeader(headers, 'accept-encoding', 'grpc-accept-encoding');
  headers.remove('content-length');
  return flagsOf(headers.get('grpc-encoding') ?? '');
}

function commonToGrpc(headers: HeaderMap, subtype: string): void {
  headers.set('content-type', `${GRPC_CONTENT_TYPE}+${subtype}`);
  translateTimeout(headers);
  headers.remove('connect-protocol-version');
}

function flagsOf(encoding: string): number {
  return encoding === '' || encoding === 'identity' ? 0 : GRPC_FLAG_COMPRESSED;
}

/** What a unary GET becomes. */
export interface GetMessage {
  readonly flags: number;
  readonly message: Buffer;
}

/** The request becomes a POST whose message was in the query. */
export function unaryGetToGrpc(headers: HeaderMap, query: QueryParams): GetMessage {
  headers.set(':method', 'POST');
  const path = headers.get(':path') ?? '';
  headers.set(':path', path.slice(0, path.indexOf('?')));
  const text = query.first('message') ?? '';
  const message = query.first('base64') === '1' ? decodeBase64Url(text) : Buffer.from(text, 'latin1');
  const compression = query.first('compression') ?? '';
  headers.set('content-type', `${GRPC_CONTENT_TYPE}+${query.first('encoding') ?? ''}`);
  translateTimeout(headers);
  headers.set('te', 'trailers');
  headers.add('grpc-encoding', compression === '' ? 'identity' : compression);
  renameHeader(headers, 'accept-encoding', 'grpc-accept-encoding');
  headers.remove('content-length');
  return { flags: flagsOf(compression), message };
}

/** RFC 4648 section 5 without padding, or nothing when it is not that. */
function decodeBase64Url(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : Buffer.alloc(0);
}

/** The last `connect-timeout-ms` becomes `grpc-timeout`; what is no number stays. */
function translateTimeout(headers: HeaderMap): void {
  const value = headers.getAll('connect-timeout-ms').at(-1);
  if (value === undefined) return;
  const timeout = parseUint(value);
  if (timeout < 0 || timeout >= MAX_TIMEOUT_MS) return;
  addHeader(headers, 'grpc-timeout', formatGrpcTimeout(timeout), INLINE_REQUEST_HEADERS);
  headers.remove('connect-timeout-ms');
}
