import type { UpstreamSocketOptions } from '../../contract/transport-socket.ts';

/** What a pool of one protocol says in ALPN where the cluster's TLS says nothing. */
export const HTTP1_SOCKET: UpstreamSocketOptions = alpnFallback('http/1.1');
export const HTTP2_SOCKET: UpstreamSocketOptions = alpnFallback('h2');

/** ALPN of a connection of its own, instead of what the cluster's TLS says; empty = what that says. */
export function alpnOverride(protocols: readonly string[]): UpstreamSocketOptions | null {
  if (protocols.length === 0) return null;
  return Object.freeze({ key: `alpn ${protocols.join(',')}`, serverName: '', subjectAltNames: [], alpnOverride: Object.freeze([...protocols]), alpnFallback: [] });
}

function alpnFallback(protocol: string): UpstreamSocketOptions {
  return Object.freeze({ key: protocol, serverName: '', subjectAltNames: [], alpnOverride: [], alpnFallback: [protocol] });
}
