import type { ClientConnection, CodecConnection, RequestEncoder, ResponseDecoder, StreamResetReason } from '../../contract/codec.ts';
import { RESET_CONNECTION_TERMINATION, RESET_LOCAL_REFUSED_STREAM, RESET_PROTOCOL_ERROR } from '../../contract/codec.ts';
import type { CodecError } from '../../contract/errors.ts';
import type { HeaderMap } from '../../contract/header-map.ts';
import { transformUpgradeResponseFromH2toH1 } from '../upgrade-translation.ts';
import { Http2ClientStream } from './client-stream.ts';
import type { RequestOwner } from './client-stream.ts';
import { REFUSE_BLOCK, SKIP_BLOCK, TAKE_BLOCK } from './connection-base.ts';
import type { BlockVerdict } from './connection-base.ts';
import { Http2Connection } from './connection.ts';
import { DETAILS_UNKNOWN } from './details.ts';
import { ENHANCE_YOUR_CALM, MAX_STREAM_ID, NO_ERROR, PROTOCOL_ERROR, REFUSED_STREAM, STREAM_CLOSED } from './frame.ts';
import { BLOCK_RESPONSE, BLOCK_RESPONSE_TRAILERS } from './header-block.ts';
import type { BlockKind } from './header-block.ts';
import type { MetadataMap } from './metadata.ts';
import type { Http2ClientCallbacks, Http2ConnectionOptions } from './options.ts';
import { UNDERSCORES_ALLOW } from './settings.ts';
import type { Http2Settings } from './settings.ts';
import type { Http2CodecStats } from './stats.ts';
import type { Http2Stream } from './stream.ts';

/** Informational responses to one request before they count as an attack; Envoy has no limit. */
const MAX_INFORMATIONAL_RESPONSES = 1000;

/** HTTP/2 as a client: requests go out on streams of ours, responses come in. */
export class Http2ClientConnection extends Http2Connection implements ClientConnection, RequestOwner {
  private readonly callbacks: Http2ClientCallbacks;
  private nextId: number;
  /** Streams whose request went out: the peer's limit counts them. */
  private outgoing: number;
  /** Streams that wait for the peer's limit. */
  private waiting: Http2ClientStream[];
  private informational: number;
  /** Streams without a request yet. */
  private fresh: Http2ClientStream[];

  constructor(
    connection: CodecConnection,
    callbacks: Http2ClientCallbacks,
    settings: Http2Settings,
    stats: Http2CodecStats,
    options: Http2ConnectionOptions,
  ) {
    super(false, connection, settings, stats, { ...options, headersWithUnderscoresAction: UNDERSCORES_ALLOW });
    this.callbacks = callbacks;
    this.nextId = 1;
    this.outgoing = 0;
    this.waiting = [];
    this.informational = 0;
    this.fresh = [];
    stats.nghttp2UpstreamConnections.inc();
  }

  newStream(decoder: ResponseDecoder): RequestEncoder {
    const stream = new Http2ClientStream(this, this.peerInitialWindow, decoder);
    this.stats.streamsActive.inc();
    this.guard.onStreamOpened();
    this.fresh.push(stream);
    if (this.aboveHighWatermark) stream.runHighWatermarkCallbacks();
    return stream;
  }

  assignId(stream: Http2ClientStream): boolean {
    this.dropFresh(stream);
    if (this.dead || this.nextId > MAX_STREAM_ID || this.goAwayReceived) {
      stream.runResetCallbacks(RESET_LOCAL_REFUSED_STREAM);
      this.forgetStream(stream);
      return false;
    }
    stream.codecStreamId = this.nextId;
    stream.sendWindow = this.peerInitialWindow;
    this.streams.set(this.nextId, stream);
    this.nextId += 2;
    return true;
  }

  private dropFresh(stream: Http2ClientStream): void {
    const fresh = this.fresh;
    if (fresh.length > 0 && fresh[fresh.length - 1] === stream) fresh.pop();
    else this.fresh = fresh.filter((each) => each !== stream);
  }

  protected mayOpen(stream: Http2Stream): boolean {
    const request = stream as Http2ClientStream;
    if (request.codecStreamId > this.peerLastStreamId || (this.goAwayReceived && !request.opened)) {
      this.refuse(request);
      return false;
    }
    if (this.outgoing >= this.peerMaxStreams) {
      this.waiting.push(request);
      return false;
    }
    this.outgoing++;
    request.opened = true;
    return true;
  }

  /** The peer took no notice of the request. */
  private refuse(stream: Http2ClientStream): void {
    this.closeStream(stream, REFUSED_STREAM);
  }

  private openWaiting(): void {
    let free = this.peerMaxStreams - this.outgoing;
    while (free > 0 && this.waiting.length > 0) {
      const stream = this.waiting.shift();
      if (stream === undefined || stream.closed) continue;
      free--;
      this.queueStream(stream);
      if (stream.hasOutput) this.queueData(stream);
    }
  }

  protected override onStreamGone(stream: Http2Stream): void {
    super.onStreamGone(stream);
    if (stream.codecStreamId === 0) this.dropFresh(stream as Http2ClientStream);
    if (!(stream as Http2ClientStream).opened) return;
    this.outgoing--;
    if (this.waiting.length > 0) this.openWaiting();
  }

  protected isIdle(streamId: number): boolean {
    return streamId % 2 === 0 || streamId >= this.nextId;
  }

  protected openBlock(streamId: number, stream: Http2Stream | undefined): BlockVerdict {
    if (stream === undefined) {
      if (!this.isIdle(streamId)) return SKIP_BLOCK;
      this.terminate(PROTOCOL_ERROR, 'request HEADERS: client received request');
      return REFUSE_BLOCK;
    }
    if (stream.isClosing) return SKIP_BLOCK;
    if (stream.remoteEnded || !stream.headSent) {
      stream.setDetails(DETAILS_UNKNOWN);
      this.terminate(STREAM_CLOSED, 'HEADERS: stream closed');
      return REFUSE_BLOCK;
    }
    this.opened = stream;
    return TAKE_BLOCK;
  }

  protected blockKind(stream: Http2Stream): BlockKind {
    return stream.headReceived ? BLOCK_RESPONSE_TRAILERS : BLOCK_RESPONSE;
  }

  protected isConnectResponse(stream: Http2Stream): boolean {
    return (stream as Http2ClientStream).isConnect;
  }

  protected takeLength(stream: Http2Stream, kind: BlockKind, endStream: boolean): boolean {
    if (kind === BLOCK_RESPONSE) {
      const { status } = this.block;
      if (status < 200) {
        stream.interimReceived = true;
        return !endStream;
      }
      const request = stream as Http2ClientStream;
      stream.headReceived = true;
      stream.contentLength = request.isHead || status === 204 || status === 304 ? 0 : request.isConnect ? -1 : this.block.contentLength;
    }
    const contentLength = kind === BLOCK_RESPONSE ? stream.contentLength : this.block.contentLength;
    return !endStream || contentLength < 0 || contentLength === stream.receivedLength;
  }

  protected onHeaders(stream: Http2Stream, headers: HeaderMap, kind: BlockKind, endStream: boolean): void {
    if (stream.isResetTold) return;
    const { decoder, upgradeType } = stream as Http2ClientStream;
    if (kind === BLOCK_RESPONSE_TRAILERS) decoder.decodeTrailers(headers);
    else if (this.block.status < 200) this.onInformational(decoder, headers, this.block.status);
    else {
      if (upgradeType !== '') transformUpgradeResponseFromH2toH1(headers, upgradeType);
      decoder.decodeHeaders(headers, endStream);
    }
  }

  private onInformational(decoder: ResponseDecoder, headers: HeaderMap, status: number): void {
    if (++this.informational > MAX_INFORMATIONAL_RESPONSES * (this.streams.size + 1)) this.terminate(ENHANCE_YOUR_CALM, 'too many informational responses');
    else if (status <= 104) decoder.decode1xxHeaders(headers);
  }

  protected onBody(stream: Http2Stream, data: Buffer, endStream: boolean): void {
    (stream as Http2ClientStream).decoder.decodeData(data, endStream);
  }

  protected onPeerMetadata(stream: Http2Stream, metadata: MetadataMap): void {
    (stream as Http2ClientStream).decoder.decodeMetadata?.(metadata);
  }

  protected onPeerSettings(maxConcurrentStreams: number): void {
    this.callbacks.onSettings(maxConcurrentStreams);
    this.openWaiting();
  }

  protected tellGoAway(errorCode: number): void {
    this.callbacks.onGoAway(errorCode);
  }

  /** What the peer has not taken can be tried elsewhere. */
  protected onPeerGoAway(lastStreamId: number): void {
    for (const stream of this.streams.values()) {
      if (stream.codecStreamId > lastStreamId) this.refuse(stream as Http2ClientStream);
    }
  }

  onConnectionClose(): CodecError | null {
    const reason = this.error !== null || this.guard.violation !== null ? RESET_PROTOCOL_ERROR : RESET_CONNECTION_TERMINATION;
    this.dead = true;
    this.guard.settle(0);
    for (const stream of this.fresh.slice()) this.closeStreamOfDead(stream, reason);
    for (const stream of this.streams.values()) this.closeStreamOfDead(stream, reason);
    return null;
  }

  private closeStreamOfDead(stream: Http2Stream, reason: StreamResetReason): void {
    stream.runResetCallbacks(reason);
    this.closeStream(stream, NO_ERROR);
  }
}
