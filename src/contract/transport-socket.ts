import type { Dispatcher } from './dispatcher.ts';
import type { StreamInfo } from './stream-info.ts';
import type { Transport } from './transport.ts';
import type { Host } from './upstream.ts';

/**
 * Transport sockets: what stands between a socket and a connection (TLS, PROXY protocol, STARTTLS …). A factory is made once per configuration;
 * it wraps the transport of each connection in another transport. Null stands for a plain socket, which nothing wraps.
 */

/** An accepted connection, as far as it is known before its transport socket is made. */
export interface AcceptedSocket {
  readonly dispatcher: Dispatcher;
  /** Of the connection to be: addresses, requested server name. */
  readonly streamInfo: StreamInfo;
  /** Bytes that listener filters have read and not consumed; they come before what the transport reads. Valid during the call. */
  readonly peeked: Buffer;
}

export interface DownstreamTransportSocketFactory {
  /** Whether connections count as encrypted (`https` in x-forwarded-proto, `tls` in matches). */
  readonly secure: boolean;
  /** Wraps `transport`, whose events it takes over; null = no connection can be taken now (secrets are missing), and the caller closes. */
  wrap(transport: Transport, accepted: AcceptedSocket): Transport | null;
}

/** What one upstream connection wants of its transport socket; pools keep connections with different options apart by `key`. */
export interface UpstreamSocketOptions {
  /** Equal options have equal keys. */
  readonly key: string;
  /** SNI instead of the configured one; empty = the configured one. */
  readonly serverName: string;
  /** Subject alternative names that the server must have one of, instead of the configured ones; empty = the configured ones. */
  readonly subjectAltNames: readonly string[];
  /** ALPN instead of the configured one. */
  readonly alpnOverride: readonly string[];
  /** ALPN where none is configured: what the pool's protocol asks for. */
  readonly alpnFallback: readonly string[];
}

export interface ConnectingSocket {
  readonly dispatcher: Dispatcher;
  readonly host: Host;
  readonly streamInfo: StreamInfo;
  /** Null = nothing special. */
  readonly options: UpstreamSocketOptions | null;
}

export interface UpstreamTransportSocketFactory {
  readonly secure: boolean;
  /** Whether a protocol can be negotiated (`auto_config`). */
  readonly supportsAlpn: boolean;
  /** Wraps `transport`, which is connecting; null = no connection can be made now (secrets are missing). */
  wrap(transport: Transport, connecting: ConnectingSocket): Transport | null;
}
