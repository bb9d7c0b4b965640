import { Http2ServerConnection } from '../../codec/http2/index.ts';
import type { Http2Listener } from '../../codec/http2/index.ts';
import type { CodecConnection, RequestDecoder, ResponseEncoder, ServerConnection, ServerConnectionCallbacks } from '../../contract/codec.ts';
import type { TurnTask } from '../../contract/dispatcher.ts';
import type { CodecError } from '../../contract/errors.ts';
import { CLOSE_NO_FLUSH, STATE_OPEN } from '../../contract/network.ts';
import type { Connection, ConnectionCallbacks, ConnectionEvent, ReadFilter, ReadFilterCallbacks } from '../../contract/network.ts';
import { NETWORK_CONTINUE, NETWORK_STOP_ITERATION } from '../../contract/status.ts';
import type { NetworkFilterStatus } from '../../contract/status.ts';
import { PROTOCOL_HTTP11, PROTOCOL_HTTP2 } from '../../contract/stream-info.ts';
import type { Protocol } from '../../contract/stream-info.ts';
import type { ConnectionManagerConfig } from './conn-manager-config.ts';
import { Http2Keepalive } from './http2-keepalive.ts';
import type { KeepaliveOwner } from './http2-keepalive.ts';
import { mayBecomeHttp2 } from './preface.ts';

const NOTHING = Buffer.alloc(0);

/**
 * A downstream connection and its codec, each as the other sees it: bytes in to the codec that the first of them choose, frames out, PINGs. What
 * streams and closing mean is the connection manager's, which extends it, for there is one of each.
 */
export abstract class DownstreamConnection
  implements ReadFilter, ConnectionCallbacks, ServerConnectionCallbacks, CodecConnection, Http2Listener, KeepaliveOwner, TurnTask {
  readonly config: ConnectionManagerConfig;
  readonly connection: Connection;
  codec: ServerConnection | null;
  closed: boolean;
  /** HTTP/2 and later: many streams at once, GOAWAY instead of `connection: close`. */
  isMultiplexed: boolean;
  /** First bytes that do not tell the protocol yet. */
  private heldBytes: Buffer | null;
  protected keepalive: Http2Keepalive | null;

  constructor(config: ConnectionManagerConfig, connection: Connection) {
    this.config = config;
    this.connection = connection;
    this.codec = null;
    this.closed = false;
    this.isMultiplexed = false;
    this.heldBytes = null;
    this.keepalive = null;
  }

  abstract newStream(encoder: ResponseEncoder): RequestDecoder;
  abstract onEvent(event: ConnectionEvent): void;
  /** Bytes are about to be read. */
  protected abstract onDispatch(): void;
  /** They have been read; null = without an error. */
  protected abstract onDispatched(error: CodecError | null): void;

  // Network filter.

  initializeReadFilterCallbacks(_callbacks: ReadFilterCallbacks): void {
    const { config, connection } = this;
    const stats = config.stats;
    stats.cxTotal.inc();
    stats.cxActive.inc();
    if (connection.ssl !== null) {
      stats.cxSslTotal.inc();
      stats.cxSslActive.inc();
    }
    connection.addConnectionCallbacks(this);
    connection.setDelayedCloseTimeout(config.delayedCloseTimeout);
    connection.setConnectionStats({
      readTotal: stats.cxRxBytesTotal,
      readCurrent: stats.cxRxBytesBuffered,
      writeTotal: stats.cxTxBytesTotal,
      writeCurrent: stats.cxTxBytesBuffered,
      bindErrors: null,
      delayedCloseTimeouts: stats.cxDelayedCloseTimeout,
    });
  }

  onNewConnection(): NetworkFilterStatus {
    return NETWORK_CONTINUE;
  }

  onData(data: Buffer, _endStream: boolean): NetworkFilterStatus {
    if (this.codec === null) {
      const first = this.joinFirstBytes(data);
      if (first !== null) this.dispatch(this.createCodec(first), first);
    } else this.dispatch(this.codec, data);
    return NETWORK_STOP_ITERATION;
  }

  private dispatch(codec: ServerConnection, data: Buffer): void {
    this.onDispatch();
    this.onDispatched(codec.dispatch(data));
  }

  /** What has come so far; null while it may be HTTP/1 or HTTP/2. */
  private joinFirstBytes(data: Buffer): Buffer | null {
    const first = this.heldBytes === null ? data : Buffer.concat([this.heldBytes, data]);
    if (!this.config.inspectPreface || !mayBecomeHttp2(first)) {
      this.heldBytes = null;
      return first;
    }
    this.heldBytes = first === data ? Buffer.from(data) : first;
    return null;
  }

  private createCodec(firstBytes: Buffer): ServerConnection {
    const { config } = this;
    const codec = config.createCodec(this, this, firstBytes, this.connection);
    this.codec = codec;
    this.isMultiplexed = codec.protocol >= PROTOCOL_HTTP2;
    if (this.isMultiplexed) {
      config.stats.cxHttp2Total.inc();
      config.stats.cxHttp2Active.inc();
      if (config.http2Keepalive !== null) this.keepalive = new Http2Keepalive(config.dispatcher, config.http2Keepalive, this);
    } else {
      config.stats.cxHttp1Total.inc();
      config.stats.cxHttp1Active.inc();
    }
    this.connection.streamInfo.protocol = codec.protocol;
    return codec;
  }

  // The codec's view of the connection.

  write(data: Uint8Array | string): void {
    this.connection.write(data, false);
  }

  readDisable(disable: boolean): void {
    this.connection.readDisable(disable);
  }

  get pendingWriteBytes(): number {
    return this.connection.pendingWriteBytes;
  }

  /** Pipelined requests wait in the codec: they are read when everything of this turn is done. */
  resumeDispatch(): void {
    this.config.dispatcher.atTurnEnd(this);
  }

  onTurnEnd(): void {
    if (!this.closed && this.connection.state === STATE_OPEN) this.onData(NOTHING, false);
  }

  endWrite(): void {
    this.connection.write(NOTHING, true);
  }

  atTurnEnd(task: TurnTask): void {
    this.config.dispatcher.atTurnEnd(task);
  }

  onGoAway(): void {
    // A client's GOAWAY asks nothing of a server that opens no streams.
  }

  /** Of the request being decoded: HTTP/1.0 and 1.1 may follow each other on one connection. */
  get protocol(): Protocol {
    return this.codec?.protocol ?? PROTOCOL_HTTP11;
  }

  // HTTP/2 besides its streams.

  onFrameReceived(): void {
    this.keepalive?.onFrameReceived();
  }

  onPingAck(): void {
    this.keepalive?.onPingAck();
  }

  sendPing(high: number, low: number): void {
    if (this.codec instanceof Http2ServerConnection) this.codec.sendPing(high, low);
  }

  onKeepaliveTimeout(): void {
    this.config.http2Stats().keepaliveTimeout.inc();
    this.connection.close(CLOSE_NO_FLUSH, 'http2_ping_timeout');
  }

  /** The client does not take what it has asked for. Not at once: the codec is in the middle of something. */
  onOutboundFlood(_error: CodecError): void {
    this.config.dispatcher.post(() => this.connection.close(CLOSE_NO_FLUSH, 'http2_connection_protocol_violation'));
  }

  onAboveWriteBufferHighWatermark(): void {
    this.codec?.onUnderlyingConnectionAboveWriteBufferHighWatermark();
  }

  onBelowWriteBufferLowWatermark(): void {
    this.codec?.onUnderlyingConnectionBelowWriteBufferLowWatermark();
  }
}
