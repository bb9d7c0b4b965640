import type { HeaderMap } from '../../contract/header-map.ts';
import { parseUint } from '../byte-string.ts';

/** `grpc-timeout` has at most 8 digits. */
const MAX_VALUE = 99_999_999;
/** No deadline was given, or none that can be read. */
export const GRPC_NO_TIMEOUT = -1;

/** Milliseconds of `grpc-timeout`, rounded up, or GRPC_NO_TIMEOUT when it is absent or malformed (gRPC PROTOCOL-HTTP2, "Timeout"). */
export function grpcTimeoutMs(headers: HeaderMap): number {
  const value = headers.get('grpc-timeout');
  if (value === undefined || value.length < 2) return GRPC_NO_TIMEOUT;
  const amount = parseUint(value.slice(0, -1));
  if (amount < 0 || amount > MAX_VALUE) return GRPC_NO_TIMEOUT;
  switch (value.charAt(value.length - 1)) {
    case 'H': return amount * 3_600_000;
    case 'M': return amount * 60_000;
    case 'S': return amount * 1_000;
    case 'm': return amount;
    case 'u': return Math.ceil(amount / 1_000);
    case 'n': return Math.ceil(amount / 1_000_000);
    default: return GRPC_NO_TIMEOUT;
  }
}

const UNITS: readonly (readonly [string, number])[] = [['m', 1], ['S', 1_000], ['M', 60_000], ['H', 3_600_000]];

/** The value of `grpc-timeout` for a number of milliseconds: the finest unit that needs no more than 8 digits. */
export function formatGrpcTimeout(milliseconds: number): string {
  for (const [unit, factor] of UNITS) {
    const amount = Math.floor(milliseconds / factor);
    if (amount <= MAX_VALUE) return String(amount) + unit;
  }
  return `${MAX_VALUE}H`;
}
