import { GRPC_CONTENT_TYPE } from '../../../../common/grpc/content-type.ts';
import type { HeaderMap } from '../../../../contract/header-map.ts';
import { connectErrorJson, connectHttpStatus, finalStatus } from './connect-error.ts';
import { renameHeader } from './request-headers.ts';

/** What follows `application/grpc+`, or `proto`. */
function subtype(headers: HeaderMap): string {
  const type = headers.get('content-type') ?? '';
  const prefix = `${GRPC_CONTENT_TYPE}+`;
  return type.startsWith(prefix) ? type.slice(prefix.length) : 'proto';
}

export function streamingToConnect(headers: HeaderMap): void {
  headers.set('content-type', `application/connect+${subtype(headers)}`);
  renameHeader(headers, 'grpc-encoding', 'connect-content-encoding');
  renameHeader(headers, 'grpc-accept-encoding', 'connect-accept-encoding');
  headers.remove('connect-protocol-version');
}

export function unaryToConnect(headers: HeaderMap): void {
  headers.set('content-type', `application/${subtype(headers)}`);
  renameHeader(headers, 'grpc-encoding', 'content-encoding');
}

/** Trailers of a unary call are headers with a prefix. */
export function trailersToHeaders(headers: HeaderMap, trailers: HeaderMap): void {
  for (let i = 0; i < trailers.size; i++) {
    const name = trailers.nameAt(i);
    if (!name.startsWith('grpc-')) headers.add(`trailer-${name}`, trailers.valueAt(i));
  }
}

/**
 * Puts the end of a unary call, as `trailers` (maybe the headers themselves) say it, into the headers. Returns the body of an error, or null
 * when it went well.
 */
export function unaryOutcome(headers: HeaderMap, trailers: HeaderMap): Buffer | null {
  headers.remove('trailer');
  if (!trailers.has('grpc-status')) return null;
  const status = finalStatus(trailers);
  if (status === 0) return null;
  const body = Buffer.from(connectErrorJson(status, trailers), 'latin1');
  headers.set(':status', String(connectHttpStatus(status)));
  headers.set('content-type', 'application/json');
  headers.remove('content-length');
  headers.remove('content-encoding');
  return body;
}
