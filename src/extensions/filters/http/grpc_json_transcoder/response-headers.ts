import { grpcToHttpStatus } from '../../../../common/grpc/status.ts';
import type { HeaderMap } from '../../../../contract/header-map.ts';
import { PROTOCOL_HTTP2 } from '../../../../contract/stream-info.ts';
import type { Protocol } from '../../../../contract/stream-info.ts';

export const JSON_CONTENT_TYPE = 'application/json';
export const EVENT_STREAM_CONTENT_TYPE = 'text/event-stream';

/** The response's status from the gRPC status of its trailers (negative: there is none), and the gRPC headers for who wants them. */
export function setStatusFromTrailers(headers: HeaderMap, trailers: HeaderMap, grpcStatus: number): void {
  if (grpcStatus < 0) headers.set(':status', '503');
  else {
    headers.set(':status', String(grpcToHttpStatus(grpcStatus)));
    if (headers !== trailers) headers.set('grpc-status', String(grpcStatus));
  }
  const message = headers === trailers ? undefined : trailers.get('grpc-message');
  if (message !== undefined) headers.set('grpc-message', message);
}

/** HTTP/1 clients are not told of trailers that do not come. */
export function removeTrailerHeader(headers: HeaderMap, protocol: Protocol): void {
  if (protocol < PROTOCOL_HTTP2) headers.remove('trailer');
}
