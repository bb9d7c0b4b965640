import type { HeaderMap } from '../../contract/header-map.ts';

export const GRPC_CONTENT_TYPE = 'application/grpc';
export const PROTOBUF_CONTENT_TYPE = 'application/x-protobuf';
const CONNECT_STREAMING_PREFIX = 'application/connect+';
const PLUS = 0x2b;

/** Whether the content type is `application/grpc` or `application/grpc+…` (not grpc-web, and no parameters, as in Envoy). */
export function hasGrpcContentType(headers: HeaderMap): boolean {
  const type = headers.get('content-type');
  return type !== undefined && type.startsWith(GRPC_CONTENT_TYPE) &&
    (type.length === GRPC_CONTENT_TYPE.length || type.charCodeAt(GRPC_CONTENT_TYPE.length) === PLUS);
}

/** A gRPC request: has a path and the content type. */
export function isGrpcRequest(headers: HeaderMap): boolean {
  return hasGrpcContentType(headers) && headers.has(':path');
}

/** A gRPC response: 200 with the content type, or, when the headers end it ("trailers-only"), one with a status. */
export function isGrpcResponse(headers: HeaderMap, endStream: boolean): boolean {
  if (endStream) return headers.has('grpc-status');
  return headers.get(':status') === '200' && hasGrpcContentType(headers);
}

/** A plain protobuf request (`application/x-protobuf`). */
export function isProtobufRequest(headers: HeaderMap): boolean {
  return headers.get('content-type') === PROTOBUF_CONTENT_TYPE && headers.has(':path');
}

/** A unary Connect request: says its protocol's version. */
export function isConnectRequest(headers: HeaderMap): boolean {
  return headers.has('connect-protocol-version') && headers.has(':path');
}

/** A streaming Connect message, in either direction: `application/connect+proto` and the like. */
export function hasConnectStreamingContentType(headers: HeaderMap): boolean {
  const type = headers.get('content-type');
  return type !== undefined && type.startsWith(CONNECT_STREAMING_PREFIX);
}

export function isConnectStreamingRequest(headers: HeaderMap): boolean {
  return hasConnectStreamingContentType(headers) && headers.has(':path');
}

export function isConnectStreamingResponse(headers: HeaderMap): boolean {
  return headers.get(':status') === '200' && hasConnectStreamingContentType(headers);
}
