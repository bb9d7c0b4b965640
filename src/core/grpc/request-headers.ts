import { formatGrpcTimeout } from '../../common/grpc/timeout.ts';
import { FormatContext } from '../../common/format-context.ts';
import type { LogContext } from '../../contract/access-log.ts';
import type { GrpcCallOptions } from '../../contract/grpc-client.ts';
import { HeaderMap } from '../../contract/header-map.ts';

/** Headers of a gRPC request; `timeout` in milliseconds, 0 = none. `te` before timeout and type, as gRPC PROTOCOL-HTTP2 has it. */
export function grpcRequestHeaders(authority: string, service: string, method: string, timeout: number): HeaderMap {
  const headers = new HeaderMap();
  headers.add(':method', 'POST');
  headers.add(':path', `/${service}/${method}`);
  headers.add(':authority', authority);
  headers.add(':scheme', 'http');
  headers.add('te', 'trailers');
  if (timeout > 0) headers.add('grpc-timeout', formatGrpcTimeout(timeout));
  headers.add('content-type', 'application/grpc');
  return headers;
}

/** What `initial_metadata` is formatted from; null = there is no stream, and values go out as written. `now` monotonic. */
export function metadataContext(options: GrpcCallOptions, now: number): LogContext | null {
  const parent = options.parent ?? null;
  return parent === null ? null : new FormatContext(parent, now, options.parentRequestHeaders ?? parent.requestHeaders);
}

/** Values of `…-bin` names travel in base64 (gRPC PROTOCOL-HTTP2, "Custom-Metadata"). */
export function encodeBinaryMetadata(headers: HeaderMap): void {
  for (let i = 0; i < headers.size; i++) {
    if (headers.nameAt(i).endsWith('-bin')) headers.setValueAt(i, Buffer.from(headers.valueAt(i), 'latin1').toString('base64'));
  }
}
