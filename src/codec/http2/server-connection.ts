import type { CodecConnection, ServerConnection, ServerConnectionCallbacks } from '../../contract/codec.ts';
import { RESET_CONNECTION_TERMINATION } from '../../contract/codec.ts';
import type { HeaderMap } from '../../contract/header-map.ts';
import { isH2UpgradeRequest, transformUpgradeRequestFromH2toH1 } from '../upgrade-translation.ts';
import { CHECK_BLOCK, REFUSE_BLOCK, SKIP_BLOCK, TAKE_BLOCK } from './connection-base.ts';
import type { BlockVerdict } from './connection-base.ts';
import { Http2Connection } from './connection.ts';
import { DETAILS_UNKNOWN } from './details.ts';
import { INTERNAL_ERROR, NO_ERROR, PROTOCOL_ERROR, REFUSED_STREAM, STREAM_CLOSED } from './frame.ts';
import { BLOCK_REQUEST, BLOCK_REQUEST_TRAILERS } from './header-block.ts';
import type { BlockKind } from './header-block.ts';
import type { MetadataMap } from './metadata.ts';
import type { Http2ConnectionOptions } from './options.ts';
import { RateLimit } from './rate-limit.ts';
import { Http2ServerStream } from './server-stream.ts';
import type { Http2Settings } from './settings.ts';
import type { Http2CodecStats } from './stats.ts';
import type { Http2Stream } from './stream.ts';

/** HTTP/2 as a server: requests come in on streams of the client's, responses go out. */
export class Http2ServerConnection extends Http2Connection implements ServerConnection {
  private readonly callbacks: ServerConnectionCallbacks;
  private readonly peerResets: RateLimit;

  constructor(
    connection: CodecConnection,
    callbacks: ServerConnectionCallbacks,
    settings: Http2Settings,
    stats: Http2CodecStats,
    options: Http2ConnectionOptions,
  ) {
    super(true, connection, settings, stats, options);
    this.callbacks = callbacks;
    this.peerResets = new RateLimit(settings.streamResetBurst, settings.streamResetRate);
    stats.nghttp2DownstreamConnections.inc();
  }

  protected isIdle(streamId: number): boolean {
    return streamId % 2 === 0 || streamId > this.lastReceivedId;
  }

  protected openBlock(streamId: number, stream: Http2Stream | undefined, dependsOnItself: boolean): BlockVerdict {
    if (stream !== undefined) return this.openTrailers(stream);
    if (streamId % 2 === 0) return this.refuseBlock(PROTOCOL_ERROR, 'request HEADERS: invalid stream_id');
    if (streamId <= this.lastReceivedId) {
      // Envoy ignores all of these; only what can be on its way while our RST_STREAM travels is innocent (RFC 9113 section 5.1).
      return this.resets.has(streamId) ? CHECK_BLOCK : this.refuseBlock(STREAM_CLOSED, 'HEADERS: stream closed');
    }
    this.lastReceivedId = streamId;
    if (this.streams.size >= this.maxStreams) return this.refuseBlock(PROTOCOL_ERROR, 'request HEADERS: max concurrent streams exceeded');
    if (this.goAwaySent) {
      this.resets.add(streamId, -1);
      return SKIP_BLOCK;
    }
    if (dependsOnItself) return this.refuseBlock(PROTOCOL_ERROR, 'request HEADERS: depend on itself');
    if (this.streams.size >= this.ours.maxConcurrentStreams) {
      this.stats.streamRefusedErrors.inc();
      this.queueRefusal(streamId, REFUSED_STREAM);
      return SKIP_BLOCK;
    }
    this.opened = this.openStream(streamId);
    return TAKE_BLOCK;
  }

  private refuseBlock(code: number, reason: string): BlockVerdict {
    this.terminate(code, reason);
    return REFUSE_BLOCK;
  }

  private openTrailers(stream: Http2Stream): BlockVerdict {
    if (stream.isClosing) return CHECK_BLOCK;
    if (stream.remoteEnded) {
      stream.setDetails(DETAILS_UNKNOWN);
      return this.refuseBlock(STREAM_CLOSED, 'HEADERS: stream closed');
    }
    this.stats.trailers.inc();
    this.opened = stream;
    return TAKE_BLOCK;
  }

  private openStream(streamId: number): Http2ServerStream {
    this.lastTakenId = streamId;
    const stream = new Http2ServerStream(this, streamId, this.peerInitialWindow, this.settings.streamErrorOnInvalidHttpMessage);
    this.streams.set(streamId, stream);
    this.stats.streamsActive.inc();
    this.guard.onStreamOpened();
    if (this.aboveHighWatermark) stream.runHighWatermarkCallbacks();
    stream.decoder = this.callbacks.newStream(stream);
    return stream;
  }

  protected blockKind(stream: Http2Stream): BlockKind {
    return stream.headReceived ? BLOCK_REQUEST_TRAILERS : BLOCK_REQUEST;
  }

  protected isConnectResponse(): boolean {
    return false;
  }

  protected takeLength(stream: Http2Stream, kind: BlockKind, endStream: boolean): boolean {
    if (kind === BLOCK_REQUEST) {
      stream.contentLength = this.block.contentLength;
      stream.headReceived = true;
    }
    // Trailers may have one, too: the block knows what holds.
    const { contentLength } = this.block;
    return !endStream || contentLength < 0 || contentLength === stream.receivedLength;
  }

  protected onHeaders(stream: Http2Stream, headers: HeaderMap, kind: BlockKind, endStream: boolean): void {
    const { decoder } = stream as Http2ServerStream;
    if (decoder === null || stream.isResetTold) return;
    if (kind === BLOCK_REQUEST) {
      if (isH2UpgradeRequest(headers)) transformUpgradeRequestFromH2toH1(headers);
      decoder.decodeHeaders(headers, endStream);
    } else decoder.decodeTrailers(headers);
  }

  protected onBody(stream: Http2Stream, data: Buffer, endStream: boolean): void {
    (stream as Http2ServerStream).decoder?.decodeData(data, endStream);
  }

  protected onPeerMetadata(stream: Http2Stream, metadata: MetadataMap): void {
    (stream as Http2ServerStream).decoder?.decodeMetadata?.(metadata);
  }

  /** Clients that open and reset in haste (CVE-2023-44487) are sent away. */
  protected override onReset(stream: Http2Stream | undefined, streamId: number, code: number): boolean {
    if (!super.onReset(stream, streamId, code)) return false;
    if (this.goAwaySent || this.peerResets.take(this.lastReceivedTime)) return true;
    return this.terminate(INTERNAL_ERROR, '');
  }

  protected onPeerSettings(): void {}

  protected tellGoAway(): void {
    this.callbacks.onGoAway();
  }

  protected onPeerGoAway(): void {}

  protected mayOpen(): boolean {
    return true;
  }

  onConnectionClose(): void {
    this.dead = true;
    this.guard.settle(0);
    for (const stream of this.streams.values()) {
      stream.runResetCallbacks(RESET_CONNECTION_TERMINATION);
      this.closeStream(stream, NO_ERROR);
    }
  }
}
