import { equalsIgnoreCase } from '../../../../common/byte-string.ts';
import { isGrpcResponse } from '../../../../common/grpc/content-type.ts';
import type { HeaderMap } from '../../../../contract/header-map.ts';

const GRPC_WEB = 'application/grpc-web';
/** What responses are called towards the client. */
export const GRPC_WEB_PROTO = 'application/grpc-web+proto';
export const GRPC_WEB_TEXT_PROTO = 'application/grpc-web-text+proto';
const GRPC_WEB_TEXT = 'application/grpc-web-text';

/** Base64 instead of bytes. */
export function isTextType(type: string | undefined): boolean {
  return type === GRPC_WEB_TEXT || type === GRPC_WEB_TEXT_PROTO;
}

/** A request of gRPC-Web: a path, and one of the four types to the letter (no parameters, no other sub-formats than proto). */
export function isGrpcWebRequest(headers: HeaderMap): boolean {
  const type = headers.get('content-type');
  return (type === GRPC_WEB || type === GRPC_WEB_PROTO || isTextType(type)) && headers.has(':path');
}

/** Whether the body is frames already: a gRPC response, or one of an upstream that speaks gRPC-Web itself. */
export function isFramedResponse(headers: HeaderMap, endStream: boolean): boolean {
  return isGrpcResponse(headers, endStream) || isProtoEncodedGrpcWeb(headers);
}

/** Upstreams may write the type with parameters and in any case. */
function isProtoEncodedGrpcWeb(headers: HeaderMap): boolean {
  const type = headers.get('content-type');
  if (type === undefined || headers.get(':status') !== '200') return false;
  const semicolon = type.indexOf(';');
  const bare = semicolon < 0 ? type : type.slice(0, semicolon).trimEnd();
  return equalsIgnoreCase(bare, GRPC_WEB_PROTO) || equalsIgnoreCase(bare, GRPC_WEB);
}
