import type { HeaderMap } from '../../contract/header-map.ts';
import { parseInteger } from '../byte-string.ts';

const GRPC = 'application/grpc';

/** Whether the content type is `application/grpc` or `application/grpc+…` (not grpc-web). */
export function hasGrpcContentType(headers: HeaderMap): boolean {
  const type = headers.get('content-type');
  return type !== undefined && type.startsWith(GRPC) && (type.length === GRPC.length || type.charCodeAt(GRPC.length) === 0x2b);
}

/** A gRPC request: has a path and the content type. */
export function isGrpcRequest(headers: HeaderMap): boolean {
  return headers.has(':path') && hasGrpcContentType(headers);
}

export const GRPC_INVALID_CODE = -1;
const MAX_KNOWN = 16;

/** Index = status. */
export const GRPC_STATUS_CAMEL: readonly string[] = [
  'OK', 'Canceled', 'Unknown', 'InvalidArgument', 'DeadlineExceeded', 'NotFound', 'AlreadyExists', 'PermissionDenied',
  'ResourceExhausted', 'FailedPrecondition', 'Aborted', 'OutOfRange', 'Unimplemented', 'Internal', 'Unavailable', 'DataLoss',
  'Unauthenticated',
];

/** Index = status; absl's spelling. */
export const GRPC_STATUS_SNAKE: readonly string[] = [
  'OK', 'CANCELLED', 'UNKNOWN', 'INVALID_ARGUMENT', 'DEADLINE_EXCEEDED', 'NOT_FOUND', 'ALREADY_EXISTS', 'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED', 'FAILED_PRECONDITION', 'ABORTED', 'OUT_OF_RANGE', 'UNIMPLEMENTED', 'INTERNAL', 'UNAVAILABLE', 'DATA_LOSS',
  'UNAUTHENTICATED',
];

/** gRPC status for an HTTP status (https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md). */
export function httpToGrpcStatus(status: number): number {
  switch (status) {
    case 400: return 13;
    case 401: return 16;
    case 403: return 7;
    case 404: return 12;
    case 429: case 502: case 503: case 504: return 14;
    default: return 2;
  }
}

/**
 * The status of a gRPC response: from the trailers, else the headers, else inferred from the HTTP status. Null when nothing is known,
 * GRPC_INVALID_CODE when the header is no number (or one above 16 unless `userDefined`).
 */
export function grpcStatusOf(trailers: HeaderMap | null, headers: HeaderMap | null, httpStatus: number, userDefined: boolean): number | null {
  const text = trailers?.get('grpc-status') || headers?.get('grpc-status') || '';
  if (text !== '') {
    const code = parseInteger(text);
    return code === null || code < 0 || (code > MAX_KNOWN && !userDefined) ? GRPC_INVALID_CODE : code;
  }
  return httpStatus === 0 ? null : httpToGrpcStatus(httpStatus);
}
