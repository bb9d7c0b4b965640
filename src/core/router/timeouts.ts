import { parseUint } from '../../common/byte-string.ts';
import { formatGrpcTimeout, grpcTimeoutMs } from '../../common/grpc/timeout.ts';
import type { HeaderMap } from '../../contract/header-map.ts';
import type { RouteEntry } from '../../contract/route.ts';

/** The timeouts of one request. Milliseconds, 0 = off. */
export class Timeouts {
  global: number;
  perTry: number;
  perTryIdle: number;

  constructor(global: number, perTry: number, perTryIdle: number) {
    this.global = global;
    this.perTry = perTry;
    this.perTryIdle = perTryIdle;
  }
}

/** A route with `max_stream_duration` takes no `timeout` from `grpc-timeout`: the connection manager sees to it. */
export function usesNewTimeouts(route: RouteEntry): boolean {
  return route.maxStreamDuration >= 0 || route.grpcTimeoutHeaderMax >= 0;
}

/**
 * Timeouts from the route and from what a trusted caller asks for in headers, which are taken out. Tells the upstream what it may expect
 * unless `announce` is false.
 */
export function finalTimeouts(
  route: RouteEntry, headers: HeaderMap, announce: boolean, grpc: boolean, hedging: boolean, respectExpected: boolean,
): Timeouts {
  const policy = route.retryPolicy;
  const timeouts = new Timeouts(routeTimeout(route, headers, grpc), atLeastZero(policy?.perTryTimeout), atLeastZero(policy?.perTryIdleTimeout));
  // One look for all headers of the family: usually there is none.
  if (hasTimeoutHeader(headers)) applyTimeoutHeaders(timeouts, headers, respectExpected);
  if (timeouts.perTry >= timeouts.global && timeouts.global !== 0) timeouts.perTry = 0;
  setTimeoutHeaders(0, timeouts, route, headers, announce, grpc, hedging);
  return timeouts;
}

function atLeastZero(value: number | undefined): number {
  return value === undefined || value < 0 ? 0 : value;
}

function routeTimeout(route: RouteEntry, headers: HeaderMap, grpc: boolean): number {
  if (usesNewTimeouts(route)) return 0;
  if (!grpc || route.maxGrpcTimeout < 0) return route.timeout;
  let timeout = Math.max(0, grpcTimeoutMs(headers));
  if (route.grpcTimeoutOffset > 0 && route.grpcTimeoutOffset < timeout) timeout -= route.grpcTimeoutOffset;
  const max = route.maxGrpcTimeout;
  // A request without a deadline waits for the maximum.
  return max !== 0 && (timeout === 0 || timeout > max) ? max : timeout;
}

const EXPECTED = 'x-envoy-expected-rq-timeout-ms';
const TIMEOUT = 'x-envoy-upstream-rq-timeout-ms';
const PER_TRY = 'x-envoy-upstream-rq-per-try-timeout-ms';

function hasTimeoutHeader(headers: HeaderMap): boolean {
  for (let i = 0; i < headers.size; i++) {
    const name = headers.nameAt(i);
    if (name === TIMEOUT || name === PER_TRY || name === EXPECTED) return true;
  }
  return false;
}

function applyTimeoutHeaders(timeouts: Timeouts, headers: HeaderMap, respectExpected: boolean): void {
  const expected = respectExpected ? headers.get(EXPECTED) : undefined;
  const asked = expected ?? headers.get(TIMEOUT);
  if (asked !== undefined) {
    const value = parseUint(asked);
    if (value >= 0) timeouts.global = value;
    if (expected === undefined) headers.remove(TIMEOUT);
  }
  const perTry = headers.get(PER_TRY);
  if (perTry === undefined || perTry === '') return;
  const value = parseUint(perTry);
  if (value >= 0) timeouts.perTry = value;
  headers.remove(PER_TRY);
}

/** Writes the time that is left for an attempt; `elapsed` since the request was complete. */
export function setTimeoutHeaders(
  elapsed: number, timeouts: Timeouts, route: RouteEntry, headers: HeaderMap, announce: boolean, grpc: boolean, hedging: boolean,
): void {
  const global = timeouts.global;
  let expected = timeouts.perTry;
  if (hedging || expected === 0) expected = global;
  if (expected === 0) return;
  // A timeout of 0 would mean "for ever" to the upstream.
  if (global > 0) expected = elapsed >= global ? 1 : Math.min(expected, global - elapsed);
  expected = Math.floor(expected);
  if (announce) headers.set(EXPECTED, String(expected));
  if (grpc && !usesNewTimeouts(route) && route.maxGrpcTimeout >= 0) headers.set('grpc-timeout', formatGrpcTimeout(expected));
}

/** Whether a per-try timeout starts another attempt beside the first; a trusted caller may say so. */
export function finalHedging(route: RouteEntry, headers: HeaderMap): boolean {
  const configured = route.hedgePolicy?.hedgeOnPerTryTimeout ?? false;
  const asked = headers.get('x-envoy-hedge-on-per-try-timeout');
  if (asked === undefined) return configured;
  headers.remove('x-envoy-hedge-on-per-try-timeout');
  if (asked === 'true') return true;
  return asked === 'false' ? false : configured;
}
