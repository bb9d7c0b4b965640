import { isUpgrade } from '../../codec/http1/connection-header.ts';
import type { HeaderMap } from '../../contract/header-map.ts';
import type { HeaderFinalizer } from '../../contract/route.ts';
import type { StreamInfo } from '../../contract/stream-info.ts';

export function isWebSocket(headers: HeaderMap): boolean {
  return headers.has('upgrade') && isUpgrade(headers) && (headers.get('upgrade') ?? '').toLowerCase() === 'websocket';
}

/** What the headers were before a rewrite is an x-envoy header too: not told when those are suppressed. */
const ORIGINALS: readonly string[] = ['x-envoy-original-path', 'x-envoy-original-host'];

/** The route's changes to the request. */
export function finalizeRequest(finalizer: HeaderFinalizer, headers: HeaderMap, streamInfo: StreamInfo, suppress: boolean): void {
  const before = suppress ? ORIGINALS.map((name) => headers.get(name)) : null;
  finalizer.finalizeRequestHeaders(headers, streamInfo);
  before?.forEach((value, i) => {
    if (value === undefined) headers.remove(ORIGINALS[i]);
    else headers.set(ORIGINALS[i], value);
  });
}

/** `auto_host_rewrite`: the host's name in place of the client's. */
export function rewriteHost(headers: HeaderMap, hostname: string, appendXForwardedHost: boolean, suppress: boolean): void {
  const old = headers.get(':authority') ?? '';
  if (old !== '') {
    if (!suppress) headers.set('x-envoy-original-host', old);
    if (appendXForwardedHost) appendForwardedHost(headers, old);
  }
  headers.set(':authority', hostname);
}

/** Appends unless it is the last one already. */
function appendForwardedHost(headers: HeaderMap, host: string): void {
  const present = headers.getJoined('x-forwarded-host') ?? '';
  if (present === '' || present.slice(present.lastIndexOf(',') + 1) !== host) headers.append('x-forwarded-host', host);
}
