import { parseInteger } from '../../common/byte-string.ts';
import { GRPC_INVALID_CODE } from '../../common/http/grpc.ts';
import type { HeaderMap } from '../../contract/header-map.ts';

/** gRPC over HTTP beyond common/http/grpc: upstream statuses, timeouts, messages (gRPC PROTOCOL-HTTP2). */

export const GRPC_CANCELLED = 1;
export const GRPC_DEADLINE_EXCEEDED = 4;
export const GRPC_RESOURCE_EXHAUSTED = 8;
export const GRPC_INTERNAL = 13;
export const GRPC_UNAVAILABLE = 14;
const GRPC_MAXIMUM_KNOWN = 16;
/** There is no status header. */
export const GRPC_NO_STATUS = -2;

/** The `grpc-status` of one header map: a status, GRPC_NO_STATUS, or GRPC_INVALID_CODE. */
export function grpcStatusIn(headers: HeaderMap): number {
  const value = headers.get('grpc-status');
  if (value === undefined || value === '') return GRPC_NO_STATUS;
  const status = parseUint(value);
  return status < 0 || status > GRPC_MAXIMUM_KNOWN ? GRPC_INVALID_CODE : status;
}

const GRPC_TO_HTTP: readonly number[] = [200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401];

/** google/rpc/code.proto; an invalid code is 500. */
export function grpcToHttpStatus(status: number): number {
  return GRPC_TO_HTTP[status] ?? 500;
}

/** Milliseconds of `grpc-timeout` (at most 8 digits and a unit), rounded up, or -1 when it is absent or malformed. */
export function grpcTimeoutMs(headers: HeaderMap): number {
  const value = headers.get('grpc-timeout');
  if (value === undefined || value.length < 2) return -1;
  const amount = parseUint(value.slice(0, -1));
  if (amount < 0 || amount > 99_999_999) return -1;
  switch (value.charAt(value.length - 1)) {
    case 'H': return amount * 3_600_000;
    case 'M': return amount * 60_000;
    case 'S': return amount * 1_000;
    case 'm': return amount;
    case 'u': return Math.ceil(amount / 1_000);
    case 'n': return Math.ceil(amount / 1_000_000);
    default: return -1;
  }
}

const UNITS: readonly (readonly [string, number])[] = [['m', 1], ['S', 1_000], ['M', 60_000], ['H', 3_600_000]];

/** The value of `grpc-timeout` for a number of milliseconds: the finest unit that needs no more than 8 digits. */
export function formatGrpcTimeout(milliseconds: number): string {
  for (const [unit, factor] of UNITS) {
    const amount = Math.floor(milliseconds / factor);
    if (amount <= 99_999_999) return String(amount) + unit;
  }
  return '99999999H';
}

/** An unsigned decimal integer as absl::SimpleAtoi reads it, or -1. */
export function parseUint(text: string): number {
  const value = parseInteger(text);
  return value === null || value < 0 ? -1 : value;
}

/** `grpc-message` in percent encoding: everything but printable ASCII, and `%`. Input is one character a byte. */
export function encodeGrpcMessage(text: string): string {
  let encoded = '';
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0x20 && code < 0x7f && code !== 0x25) encoded += text.charAt(i);
    else encoded += `%${code.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return encoded;
}
