import {
  RESET_CONNECT_ERROR, RESET_LOCAL_RESET, RESET_PROTOCOL_ERROR, RESET_REMOTE_REFUSED_STREAM, RESET_REMOTE_RESET,
} from '../../../../contract/codec.ts';
import type { RequestEncoder, ResponseDecoder, StreamCallbacks, StreamResetReason } from '../../../../contract/codec.ts';
import type { HeaderMap } from '../../../../contract/header-map.ts';
import type { Connection } from '../../../../contract/network.ts';
import { PROTOCOL_HTTP11, PROTOCOL_HTTP2 } from '../../../../contract/stream-info.ts';
import type { Protocol } from '../../../../contract/stream-info.ts';
import type {
  Cancellable, Host, HttpConnectionPool, HttpPoolCallbacks, PoolFailureReason, UpstreamConnectionInfo,
} from '../../../../contract/upstream.ts';
import { POOL_FAILURE_REMOTE_CONNECTION } from '../../../../contract/upstream.ts';
import { isTunnelOpen, keepResponseHeaders, keepResponseTrailers, tunnelRequest } from './tunnel-request.ts';
import type { Tunneling } from './tunneling-config.ts';
import type { UpstreamLink, UpstreamListener } from './upstream-link.ts';

const NO_BYTES = Buffer.alloc(0);

/** What the session hears besides, while the tunnel is being made. */
export interface TunnelOwner extends UpstreamListener {
  onTunnelReady(tunnel: TunnelUpstream, host: Host, connection: UpstreamConnectionInfo): void;
  onPoolFailure(reason: PoolFailureReason, transportFailureReason: string, host: Host | null): void;
}

/** One try at a tunnel: a stream of the cluster's HTTP pool whose body is the session (Envoy's HttpConnPool and HttpUpstream in one). */
export class TunnelUpstream implements UpstreamLink, Cancellable, ResponseDecoder, HttpPoolCallbacks, StreamCallbacks {
  private readonly config: Tunneling;
  private readonly downstream: Connection;
  private owner: TunnelOwner | null;
  private pending: Cancellable | null;
  private encoder: RequestEncoder | null;
  private host: Host | null;
  private connection: UpstreamConnectionInfo | null;
  private protocol: Protocol;
  private open: boolean;
  /** Why the tunnel was not made; empty when nobody said. */
  private failure: string;
  private readEnded: boolean;
  private writeEnded: boolean;

  constructor(config: Tunneling, downstream: Connection, owner: TunnelOwner) {
    this.config = config;
    this.downstream = downstream;
    this.owner = owner;
    this.pending = null;
    this.encoder = null;
    this.host = null;
    this.connection = null;
    this.protocol = PROTOCOL_HTTP11;
    this.open = false;
    this.failure = '';
    this.readEnded = false;
    this.writeEnded = false;
  }

  /** Asks for the stream. What becomes of it is told to the owner, maybe during the call. */
  start(pool: HttpConnectionPool): void {
    const pending = pool.newStream(this, this);
    if (this.encoder === null && this.owner !== null) this.pending = pending;
  }

  /** The session has gone before the tunnel stood. */
  cancel(): void {
    this.owner = null;
    const { pending } = this;
    this.pending = null;
    // HTTP connections are likely to be used again: one that is being made may stay.
    pending?.cancel(false);
    this.resetStream();
  }

  // From the pool.

  onPoolReady(encoder: RequestEncoder, host: Host, connection: UpstreamConnectionInfo, protocol: Protocol): void {
    const { config, downstream } = this;
    this.pending = null;
    this.encoder = encoder;
    this.host = host;
    this.connection = connection;
    this.protocol = protocol;
    const info = downstream.streamInfo;
    if (info.upstream !== null) {
      info.upstream.connectionId = connection.id;
      info.upstream.meter = encoder.stream.bytesMeter;
    }
    encoder.stream.addCallbacks(this);
    if (protocol < PROTOCOL_HTTP2) encoder.enableTcpTunneling();
    const headers = tunnelRequest(config, info, protocol, connection.ssl !== null, downstream.dispatcher.now());
    // Formatted headers may hold what cannot be sent.
    if (encoder.encodeHeaders(headers, false) !== null) this.fail(false);
  }

  onPoolFailure(reason: PoolFailureReason, failure: string, host: Host | null): void {
    const { owner } = this;
    this.pending = null;
    this.owner = null;
    owner?.onPoolFailure(reason, failure, host);
  }

  // The response.

  decode1xxHeaders(): void {}

  decodeHeaders(headers: HeaderMap, endStream: boolean): void {
    const { owner, host, connection } = this;
    if (owner === null || host === null || connection === null) return;
    const status = headers.get(':status') ?? '';
    const accepted = isTunnelOpen(status, this.protocol);
    keepResponseHeaders(this.config, this.downstream.streamInfo, headers);
    if (!accepted || endStream) {
      this.failure = `tunnel_response:${status}`;
      this.fail(false);
      return;
    }
    this.open = true;
    owner.onTunnelReady(this, host, connection);
  }

  decodeData(data: Buffer, endStream: boolean): void {
    this.owner?.onUpstreamData(data, endStream);
    if (endStream) this.endReading();
  }

  decodeTrailers(trailers: HeaderMap): void {
    keepResponseTrailers(this.config, this.downstream.streamInfo, trailers);
    this.owner?.onUpstreamData(NO_BYTES, true);
    this.endReading();
  }

  // From the session.

  encodeData(data: Uint8Array, endStream: boolean): void {
    const { encoder } = this;
    if (encoder === null) return;
    encoder.encodeData(data, endStream);
    // HTTP/1 cannot end one direction of a stream and keep the other: only the connection's end tells.
    if (endStream && this.protocol >= PROTOCOL_HTTP2) this.endWriting();
  }

  readDisable(disable: boolean): void {
    this.encoder?.stream.readDisable(disable);
  }

  get pendingWriteBytes(): number {
    return 0;
  }

  downstreamClosed(): void {
    this.owner = null;
    this.resetStream();
  }

  private endReading(): void {
    this.readEnded = true;
    if (this.writeEnded) this.fail(false);
  }

  private endWriting(): void {
    this.writeEnded = true;
    if (this.readEnded) this.fail(false);
  }

  // The end.

  onResetStream(reason: StreamResetReason): void {
    this.readEnded = true;
    this.writeEnded = true;
    this.fail(isReset(reason));
  }

  onAboveWriteBufferHighWatermark(): void {
    this.owner?.onUpstreamAboveHighWatermark();
  }

  onBelowWriteBufferLowWatermark(): void {
    this.owner?.onUpstreamBelowLowWatermark();
  }

  /** The stream is over, or was refused. Before it stood that is a failed connect, afterwards the end of the session. */
  private fail(reset: boolean): void {
    const { owner } = this;
    if (this.encoder === null) return;
    this.owner = null;
    this.resetStream();
    if (this.open) owner?.onUpstreamClosed(reset);
    else owner?.onPoolFailure(POOL_FAILURE_REMOTE_CONNECTION, this.failure, this.host);
  }

  private resetStream(): void {
    const stream = this.encoder?.stream;
    this.encoder = null;
    if (stream === undefined) return;
    stream.removeCallbacks(this);
    if (!this.readEnded || !this.writeEnded) stream.resetStream(RESET_LOCAL_RESET);
  }
}

/** Whether a stream's reset is told to the client as RST (`map_http_stream_reset_to_tcp_rst`). */
function isReset(reason: StreamResetReason): boolean {
  return reason === RESET_REMOTE_RESET || reason === RESET_REMOTE_REFUSED_STREAM || reason === RESET_CONNECT_ERROR || reason === RESET_PROTOCOL_ERROR;
}
