import type { HeaderMap } from '../../contract/header-map.ts';
import { parseUint } from '../byte-string.ts';

/** Status codes of gRPC (google/rpc/code.proto; https://github.com/grpc/grpc/blob/master/doc/statuscodes.md). */
export const GRPC_OK = 0;
export const GRPC_CANCELLED = 1;
export const GRPC_UNKNOWN = 2;
export const GRPC_INVALID_ARGUMENT = 3;
export const GRPC_DEADLINE_EXCEEDED = 4;
export const GRPC_NOT_FOUND = 5;
export const GRPC_ALREADY_EXISTS = 6;
export const GRPC_PERMISSION_DENIED = 7;
export const GRPC_RESOURCE_EXHAUSTED = 8;
export const GRPC_FAILED_PRECONDITION = 9;
export const GRPC_ABORTED = 10;
export const GRPC_OUT_OF_RANGE = 11;
export const GRPC_UNIMPLEMENTED = 12;
export const GRPC_INTERNAL = 13;
export const GRPC_UNAVAILABLE = 14;
export const GRPC_DATA_LOSS = 15;
export const GRPC_UNAUTHENTICATED = 16;
/** The greatest status that gRPC defines. */
export const GRPC_MAXIMUM_KNOWN = 16;
/** A status header that is no status. */
export const GRPC_INVALID_CODE = -1;
/** There is no status header. */
export const GRPC_NO_STATUS = -2;

/** Index = status; as `%GRPC_STATUS%` writes it. */
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
    case 400: return GRPC_INTERNAL;
    case 401: return GRPC_UNAUTHENTICATED;
    case 403: return GRPC_PERMISSION_DENIED;
    case 404: return GRPC_UNIMPLEMENTED;
    case 429: case 502: case 503: case 504: return GRPC_UNAVAILABLE;
    default: return GRPC_UNKNOWN;
  }
}

const GRPC_TO_HTTP: readonly number[] = [200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401];

/** HTTP status for a gRPC status (google/rpc/code.proto); 500 for one that gRPC does not define. */
export function grpcToHttpStatus(status: number): number {
  return GRPC_TO_HTTP[status] ?? 500;
}

/**
 * The `grpc-status` of response headers or trailers: a status, GRPC_NO_STATUS, or GRPC_INVALID_CODE when it is no number, or one that gRPC
 * does not define (unless `userDefined`).
 */
export function grpcStatusIn(headers: HeaderMap, userDefined = false): number {
  const value = headers.get('grpc-status');
  if (value === undefined || value === '') return GRPC_NO_STATUS;
  const status = parseUint(value);
  return status < 0 || (status > GRPC_MAXIMUM_KNOWN && !userDefined) ? GRPC_INVALID_CODE : status;
}

/**
 * The status of a gRPC response: from the trailers, else the headers (a trailers-only response), else inferred from the HTTP status (0 =
 * none). Null when nothing is known.
 */
export function grpcStatusOf(trailers: HeaderMap | null, headers: HeaderMap | null, httpStatus: number, userDefined: boolean): number | null {
  let status = trailers === null ? GRPC_NO_STATUS : grpcStatusIn(trailers, userDefined);
  if (status === GRPC_NO_STATUS && headers !== null) status = grpcStatusIn(headers, userDefined);
  if (status !== GRPC_NO_STATUS) return status;
  return httpStatus === 0 ? null : httpToGrpcStatus(httpStatus);
}
