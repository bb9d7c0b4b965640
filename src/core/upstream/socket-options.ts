import type { UpstreamSocketOptions } from '../../contract/transport-socket.ts';

/** What a pool of one protocol says in ALPN where the cluster's TLS says nothing. */
export const HTTP1_SOCKET: UpstreamSocketOptions = alpnFallback('http/1.1');
export const HTTP2_SOCKET: UpstreamSocketOptions = alpnFallback('h2');

function alpnFallback(protocol: string): UpstreamSocketOptions {
  return Object.freeze({ key: protocol, serverName: '', subjectAltNames: [], alpnOverride: [], alpnFallback: [protocol] });
}
