/** Bits of `retry_on` and `x-envoy-retry-on` / `x-envoy-retry-grpc-on`. */
export const RETRY_5XX = 1;
export const RETRY_GATEWAY_ERROR = 1 << 1;
export const RETRY_CONNECT_FAILURE = 1 << 2;
export const RETRY_ENVOY_RATELIMITED = 1 << 3;
export const RETRY_RETRIABLE_4XX = 1 << 4;
export const RETRY_REFUSED_STREAM = 1 << 5;
export const RETRY_RETRIABLE_STATUS_CODES = 1 << 6;
export const RETRY_RETRIABLE_HEADERS = 1 << 7;
export const RETRY_RESET = 1 << 8;
export const RETRY_RESET_BEFORE_REQUEST = 1 << 9;
/** HTTP/3 only: accepted, never met. */
export const RETRY_HTTP3_POST_CONNECT_FAILURE = 1 << 10;
export const RETRY_GRPC_CANCELLED = 1 << 11;
export const RETRY_GRPC_DEADLINE_EXCEEDED = 1 << 12;
export const RETRY_GRPC_INTERNAL = 1 << 13;
export const RETRY_GRPC_RESOURCE_EXHAUSTED = 1 << 14;
export const RETRY_GRPC_UNAVAILABLE = 1 << 15;

const HTTP: ReadonlyMap<string, number> = new Map([
  ['5xx', RETRY_5XX], ['gateway-error', RETRY_GATEWAY_ERROR], ['connect-failure', RETRY_CONNECT_FAILURE],
  ['envoy-ratelimited', RETRY_ENVOY_RATELIMITED], ['retriable-4xx', RETRY_RETRIABLE_4XX], ['refused-stream', RETRY_REFUSED_STREAM],
  ['retriable-status-codes', RETRY_RETRIABLE_STATUS_CODES], ['retriable-headers', RETRY_RETRIABLE_HEADERS], ['reset', RETRY_RESET],
  ['reset-before-request', RETRY_RESET_BEFORE_REQUEST], ['http3-post-connect-failure', RETRY_HTTP3_POST_CONNECT_FAILURE],
]);
const GRPC: ReadonlyMap<string, number> = new Map([
  ['cancelled', RETRY_GRPC_CANCELLED], ['deadline-exceeded', RETRY_GRPC_DEADLINE_EXCEEDED], ['internal', RETRY_GRPC_INTERNAL],
  ['resource-exhausted', RETRY_GRPC_RESOURCE_EXHAUSTED], ['unavailable', RETRY_GRPC_UNAVAILABLE],
]);

export interface RetryOn {
  readonly bits: number;
  /** Every field was known. */
  readonly valid: boolean;
}

function parse(text: string, table: ReadonlyMap<string, number>): RetryOn {
  let bits = 0;
  let valid = true;
  for (const field of text.split(',')) {
    const trimmed = field.trim();
    if (trimmed === '') continue;
    const bit = table.get(trimmed);
    if (bit === undefined) valid = false;
    else bits |= bit;
  }
  return { bits, valid };
}

export function parseRetryOn(text: string): RetryOn {
  return parse(text, HTTP);
}

export function parseRetryGrpcOn(text: string): RetryOn {
  return parse(text, GRPC);
}

const byPolicy = new WeakMap<readonly string[], number>();

/** Bits of a route's `retry_on`, HTTP and gRPC conditions mixed; worked out once a policy. */
export function policyRetryOn(retryOn: readonly string[]): number {
  let bits = byPolicy.get(retryOn);
  if (bits === undefined) {
    const text = retryOn.join(',');
    bits = parseRetryOn(text).bits | parseRetryGrpcOn(text).bits;
    byPolicy.set(retryOn, bits);
  }
  return bits;
}
