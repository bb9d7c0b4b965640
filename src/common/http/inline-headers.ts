import type { HeaderMap } from '../../contract/header-map.ts';

/**
 * Headers of which Envoy keeps one entry only ("inline" headers): adding a second value, by a peer or by configuration, appends it to the
 * first with a comma. The lists are what Envoy 1.40's standard build does (core and extensions' registrations), taken from its answers.
 */
const BOTH: readonly string[] = [
  'connection', 'content-type', 'x-envoy-decorator-operation', 'keep-alive', 'proxy-connection', 'proxy-status', 'x-request-id',
  'transfer-encoding', 'upgrade', 'via', 'content-length', 'x-envoy-attempt-count', 'cache-control', 'content-encoding',
];

export const INLINE_REQUEST_HEADERS: ReadonlySet<string> = new Set([
  ...BOTH, 'accept', 'accept-encoding', 'access-control-request-headers', 'access-control-request-method',
  'access-control-request-private-network', 'authorization', 'expect', 'grpc-accept-encoding', 'grpc-timeout', 'if-match',
  'if-modified-since', 'if-none-match', 'if-range', 'if-unmodified-since', 'origin', 'pragma', 'referer', 'te', 'user-agent',
  'x-client-trace-id', 'x-forwarded-client-cert', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-port', 'x-forwarded-proto',
  'x-envoy-downstream-service-cluster', 'x-envoy-downstream-service-node', 'x-envoy-external-address', 'x-envoy-force-trace',
  'x-envoy-hedge-on-per-try-timeout', 'x-envoy-internal', 'x-envoy-ip-tags', 'x-envoy-retry-on', 'x-envoy-retry-grpc-on',
  'x-envoy-retriable-status-codes', 'x-envoy-retriable-header-names', 'x-envoy-is-timeout-retry', 'x-envoy-original-path',
  'x-envoy-original-host', 'x-envoy-original-url', 'x-envoy-upstream-alt-stat-name', 'x-envoy-upstream-rq-timeout-alt-response',
  'x-envoy-expected-rq-timeout-ms', 'x-envoy-max-retries', 'x-envoy-upstream-rq-timeout-ms', 'x-envoy-upstream-rq-per-try-timeout-ms',
  'x-envoy-upstream-stream-duration-ms',
]);

export const INLINE_RESPONSE_HEADERS: ReadonlySet<string> = new Set([
  ...BOTH, 'access-control-allow-credentials', 'access-control-allow-headers', 'access-control-allow-methods',
  'access-control-allow-origin', 'access-control-allow-private-network', 'access-control-expose-headers', 'access-control-max-age', 'age',
  'date', 'etag', 'expires', 'grpc-message', 'grpc-status', 'last-modified', 'location', 'server', 'vary', 'x-envoy-degraded',
  'x-envoy-immediate-health-check-fail', 'x-envoy-ratelimited', 'x-envoy-upstream-canary', 'x-envoy-upstream-healthchecked-cluster',
  'x-envoy-upstream-service-time',
]);

export const INLINE_RESPONSE_TRAILERS: ReadonlySet<string> = new Set(['grpc-status', 'grpc-message']);
export const INLINE_REQUEST_TRAILERS: ReadonlySet<string> = new Set();

const COLON = 58;

/** Adds an entry as Envoy does: appended to the present value when the header is in `inline`. */
export function addHeader(headers: HeaderMap, name: string, value: string, inline: ReadonlySet<string>): void {
  if (!inline.has(name)) headers.add(name, value);
  else if (value !== '' || !headers.has(name)) headers.append(name, value, ',');
}

/** Replaces a header by configuration: as in Envoy the new entry stands at the end, wherever the old ones stood. Pseudo headers keep their place. */
export function overwriteHeader(headers: HeaderMap, name: string, value: string): void {
  if (name.charCodeAt(0) === COLON) {
    headers.set(name, value);
    return;
  }
  headers.remove(name);
  headers.add(name, value);
}
