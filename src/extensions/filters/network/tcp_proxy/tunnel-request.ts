import type { LogContext } from '../../../../contract/access-log.ts';
import { HeaderMap } from '../../../../contract/header-map.ts';
import { PROTOCOL_HTTP2, type FilterStateObject, type Protocol, type StreamInfo } from '../../../../contract/stream-info.ts';
import type { Tunneling } from './tunneling-config.ts';

/** Names under which other filters and access logs find what a tunnel left behind. */
const METADATA_NAMESPACE = 'envoy.filters.network.tcp_proxy';
const RESPONSE_HEADERS_KEY = 'envoy.tcp_proxy.propagate_response_headers';
const RESPONSE_TRAILERS_KEY = 'envoy.tcp_proxy.propagate_response_trailers';

/** The head of a tunnel's request. `info` is the client connection's. */
export function tunnelRequest(config: Tunneling, info: StreamInfo, protocol: Protocol, secure: boolean, now: number): HeaderMap {
  const headers = new HeaderMap();
  const context: LogContext = {
    requestHeaders: info.requestHeaders, responseHeaders: null, responseTrailers: null, streamInfo: info, localReplyBody: '', type: 'NotSet', now,
  };
  headers.add(':method', config.usePost ? 'POST' : 'CONNECT');
  headers.add(':authority', config.hostname.format(context));
  if (config.usePost) {
    headers.add(':path', config.postPath);
    if (protocol >= PROTOCOL_HTTP2) headers.add(':scheme', secure ? 'https' : 'http');
  }
  if (config.requestId !== null) addRequestId(config, headers, info);
  config.headersToAdd?.evaluate(headers, context);
  return headers;
}

function addRequestId(config: Tunneling, headers: HeaderMap, info: StreamInfo): void {
  config.requestId?.set(headers, true, false);
  const id = headers.get('x-request-id') ?? '';
  if (config.requestIdHeader !== 'x-request-id') {
    headers.remove('x-request-id');
    headers.set(config.requestIdHeader, id);
  }
  const metadata = (info.dynamicMetadata ??= new Map<string, Record<string, unknown>>());
  metadata.set(METADATA_NAMESPACE, { ...metadata.get(METADATA_NAMESPACE), [config.requestIdMetadataKey]: id });
}

/** Whether the answer opens the tunnel: any 2xx to HTTP/1 (RFC 9110 section 9.3.6), else 200, as Envoy. */
export function isTunnelOpen(status: string, protocol: Protocol): boolean {
  return protocol >= PROTOCOL_HTTP2 ? status === '200' : status.length === 3 && status.startsWith('2');
}

/** Headers in the filter state, which logs show as envoy.config.core.v3.HeaderMap. */
class TunnelHeaders implements FilterStateObject {
  readonly headers: HeaderMap;

  constructor(headers: HeaderMap) {
    this.headers = headers;
  }

  filterStateText(): string | null {
    return null;
  }

  filterStateJson(): unknown {
    return { headers: this.headers.entries().map(([key, value]) => ({ key, value })) };
  }
}

export function keepResponseHeaders(config: Tunneling, info: StreamInfo, headers: HeaderMap): void {
  if (config.propagateResponseHeaders) keep(info, RESPONSE_HEADERS_KEY, headers);
}

export function keepResponseTrailers(config: Tunneling, info: StreamInfo, trailers: HeaderMap): void {
  if (config.propagateResponseTrailers) keep(info, RESPONSE_TRAILERS_KEY, trailers);
}

function keep(info: StreamInfo, key: string, headers: HeaderMap): void {
  (info.filterState ??= new Map<string, unknown>()).set(key, new TunnelHeaders(headers.clone()));
}
