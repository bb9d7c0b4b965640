import { GRPC_WEB_FLAG_TRAILERS, encodeGrpcFrame } from '../../../../codec/grpc/index.ts';
import type { HeaderMap } from '../../../../contract/header-map.ts';

/** The frame in which gRPC-Web sends trailers: lines as of HTTP/1, without a space behind the colon (as Envoy writes them). */
export function grpcWebTrailersFrame(trailers: HeaderMap): Buffer {
  let block = '';
  for (let i = 0; i < trailers.size; i++) block += `${trailers.nameAt(i)}:${trailers.valueAt(i)}\r\n`;
  return encodeGrpcFrame(Buffer.from(block, 'latin1'), GRPC_WEB_FLAG_TRAILERS);
}
