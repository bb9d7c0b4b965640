import { parseUint } from '../../common/byte-string.ts';
import type { HeaderMap } from '../../contract/header-map.ts';
import { parseRetryGrpcOn, parseRetryOn } from './retry-conditions.ts';

/** Headers that `strict_check_headers` may name. */
export const STRICT_HEADERS: readonly string[] = [
  'x-envoy-upstream-rq-timeout-ms', 'x-envoy-upstream-rq-per-try-timeout-ms', 'x-envoy-max-retries', 'x-envoy-retry-grpc-on',
  'x-envoy-retry-on',
];

/** Whether a header that steers the router says something that can be understood; absent is fine. */
export function isStrictlyValid(headers: HeaderMap, name: string): boolean {
  const value = headers.get(name);
  if (value === undefined) return true;
  if (name === 'x-envoy-retry-on') return parseRetryOn(value).valid;
  if (name === 'x-envoy-retry-grpc-on') return parseRetryGrpcOn(value).valid;
  return parseUint(value) >= 0;
}
