import { formatGrpcTimeout } from '../../common/grpc/timeout.ts';
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

/** Values of `…-bin` names travel in base64 (gRPC PROTOCOL-HTTP2, "Custom-Metadata"). */
export function encodeBinaryMetadata(headers: HeaderMap): void {
  for (let i = 0; i < headers.size; i++) {
    if (headers.nameAt(i).endsWith('-bin')) headers.setValueAt(i, Buffer.from(headers.valueAt(i), 'latin1').toString('base64'));
  }
}
