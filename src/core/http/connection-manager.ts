import { LinkedList } from '../../base/linked-list.ts';
import type { RequestDecoder, ResponseEncoder } from '../../contract/codec.ts';
import { RESET_CONNECTION_TERMINATION } from '../../contract/codec.ts';
import type { CodecError } from '../../contract/errors.ts';
import type { HeaderMap } from '../../contract/header-map.ts';
import { LOG_DEBUG } from '../../contract/logger.ts';
import { CLOSE_FLUSH_WRITE_AND_DELAY, CLOSE_NO_FLUSH, EVENT_CONNECTED, EVENT_LOCAL_CLOSE, STATE_OPEN } from '../../contract/network.ts';
import type { CloseType, Connection, ConnectionEvent, ReadFilterCallbacks } from '../../contract/network.ts';
import { FLAG_DOWNSTREAM_CONNECTION_TERMINATION, FLAG_DOWNSTREAM_PROTOCOL_ERROR } from '../../contract/response-flags.ts';
import { PROTOCOL_HTTP10, StreamInfo } from '../../contract/stream-info.ts';
import type { ActiveStreamEnd } from './active-stream-end.ts';
import { ActiveStream } from './active-stream.ts';
import type { ConnectionManagerConfig } from './conn-manager-config.ts';
import { ConnectionLifetime, NO_FLAG } from './connection-lifetime.ts';
import type { LifetimeOwner } from './connection-lifetime.ts';
import { DownstreamConnection } from './downstream-connection.ts';
import { PrematureResets } from './premature-resets.ts';
import { RequestDeferral } from './request-deferral.ts';
import type { DeferredStream } from './request-deferral.ts';
import { StreamTimers } from './stream-timers.ts';
import { UserAgentStats } from './user-agent-stats.ts';

/** Sets of timers that a connection keeps for its next streams. */
const MAX_SPARE_TIMERS = 32;

/**
 * HTTP on one downstream connection: gives its streams their filter chains, and ends them with the connection. How bytes become streams is in
 * downstream-connection.ts, when the connection ends in connection-lifetime.ts.
 */
export class ConnectionManager extends DownstreamConnection implements LifetimeOwner {
  /** Newest first. */
  private readonly streams: LinkedList<ActiveStreamEnd>;
  /** Timers of streams that are over, for the next ones. */
  private spareTimers: StreamTimers[];
  private readonly lifetime: ConnectionLifetime;
  private readonly deferral: RequestDeferral | null;
  private readonly prematureResets: PrematureResets;
  /** The codec is in the middle of the client's input. */
  private inDispatch: boolean;
  /** The streams have been told that the connection goes. */
  private ending: boolean;
  private drainedByResets: boolean;
  private userAgent: UserAgentStats | null;
  private readonly startTime: number;

  constructor(config: ConnectionManagerConfig, connection: Connection) {
    super(config, connection);
    this.streams = new LinkedList();
    this.spareTimers = [];
    this.lifetime = new ConnectionLifetime(config, this);
    this.deferral = RequestDeferral.of(config.dispatcher, config.runtime);
    this.prematureResets = new PrematureResets(config.runtime);
    this.inDispatch = false;
    this.ending = false;
    this.drainedByResets = false;
    this.userAgent = null;
    this.startTime = config.dispatcher.now();
  }

  override initializeReadFilterCallbacks(callbacks: ReadFilterCallbacks): void {
    super.initializeReadFilterCallbacks(callbacks);
    this.lifetime.start();
  }

  protected onDispatch(): void {
    this.inDispatch = true;
    this.deferral?.onDispatch();
  }

  protected onDispatched(error: CodecError | null): void {
    this.inDispatch = false;
    if (error !== null) this.onCodecError(error);
    else if (this.lifetime.closing) this.lifetime.checkForDeferredClose(false);
  }

  private onCodecError(error: CodecError): void {
    if (error.kind === 'codec') this.config.stats.cxProtocolError.inc();
    this.handleCodecError(error.message);
  }

  /** The connection cannot be used any more: what was owed has been said, it closes. */
  handleCodecError(error: string): void {
    const logger = this.config.logger;
    if (logger.enabled(LOG_DEBUG)) logger.log(LOG_DEBUG, `[C${this.connection.id}] dispatch error: ${error}`);
    this.connection.streamInfo.setResponseFlag(FLAG_DOWNSTREAM_PROTOCOL_ERROR);
    this.closeConnection(CLOSE_FLUSH_WRITE_AND_DELAY, FLAG_DOWNSTREAM_PROTOCOL_ERROR, `codec_error:${underscored(error)}`);
  }

  // Streams.

  newStream(encoder: ResponseEncoder): RequestDecoder {
    return this.addStream(encoder, false);
  }

  private addStream(encoder: ResponseEncoder, internallyCreated: boolean): ActiveStream {
    const { config } = this;
    const timers = this.spareTimers.pop() ?? new StreamTimers(config.dispatcher);
    const stats = config.stats;
    stats.rqTotal.inc();
    stats.rqActive.inc();
    if (this.isMultiplexed) stats.rqHttp2Total.inc();
    else stats.rqHttp1Total.inc();
    const stream = new ActiveStream(this, encoder, this.newStreamInfo(), timers, internallyCreated);
    if (this.lifetime.onNewStream()) stream.drainAfterResponse = true;
    // Before the callbacks: a connection that is backed up tells its stream so at once.
    this.streams.pushFront(stream);
    if (this.streams.size === 2 && this.isMultiplexed) this.connection.gatherOutput(true);
    encoder.stream.addCallbacks(stream);
    return stream;
  }

  private newStreamInfo(): StreamInfo {
    const { config } = this;
    const from = this.connection.streamInfo;
    const info = new StreamInfo(
      this.protocol, config.date.wall(), config.dispatcher.now(), from.downstreamRemoteAddress, from.downstreamLocalAddress,
    );
    info.downstreamDirectRemoteAddress = from.downstreamDirectRemoteAddress;
    info.downstreamDirectLocalAddress = from.downstreamDirectLocalAddress;
    info.downstreamSsl = this.connection.ssl;
    info.downstreamTransportFailureReason = from.downstreamTransportFailureReason;
    info.connectionId = this.connection.id;
    info.requestedServerName = from.requestedServerName;
    info.ja3Hash = from.ja3Hash;
    info.ja4Hash = from.ja4Hash;
    info.filterChainName = from.filterChainName;
    info.listenerName = config.listenerName;
    info.schemeMatchesUpstream = config.schemeMatchesUpstream;
    if (from.filterState !== null) info.filterState = new Map(from.filterState);
    return info;
  }

  /** The stream is at its end: complete, or to be reset because one side is not. */
  endStream(stream: ActiveStreamEnd, checkForClose: boolean): void {
    const reset = stream.encoder !== null && (!stream.requestComplete || !stream.codecSawLocalComplete);
    if (reset) {
      stream.resetCodecStream();
      // The codec's callback has destroyed it; a codec that calls none must not keep it alive.
      if (!stream.destroyed) stream.onResetStream(RESET_CONNECTION_TERMINATION, '');
      if (!this.isMultiplexed) this.lifetime.closeAfterStreams();
    } else {
      this.destroyStream(stream);
    }
    if (!checkForClose || !this.lifetime.closing) return;
    // HTTP/1.0 without content-length ends its body by the close itself.
    const closeDelimited = this.protocol === PROTOCOL_HTTP10 && !(stream.responseHeaders?.has('content-length') ?? false);
    this.lifetime.checkForDeferredClose(stream.drainAfterResponse && (stream.requestComplete || closeDelimited));
  }

  destroyStream(stream: ActiveStreamEnd): void {
    if (stream.destroyed) return;
    if (!stream.internallyDestroyed && !stream.zombie) {
      const lifetime = this.config.dispatcher.now() - stream.streamInfo.startTime;
      this.prematureResets.onStreamClosed(stream.streamInfo.responseCode, lifetime);
    }
    if (!stream.canDestroy) {
      stream.becomeZombie();
      return;
    }
    stream.encoder?.stream.removeCallbacks(stream);
    stream.finish();
    this.streams.remove(stream);
    this.onFewerStreams();
    if (!this.drainedByResets && this.prematureResets.tooMany) this.closeAfterResets();
  }

  /** With many streams the output of many origins is worth one write; a single one shall not wait. */
  private onFewerStreams(): void {
    const left = this.streams.size;
    if (left === 1 && this.isMultiplexed) this.connection.gatherOutput(false);
    else if (left === 0 && !this.ending) this.lifetime.onIdle();
  }

  /** A zombie went: nobody else looks whether it was what the connection waited for. */
  onZombieGone(): void {
    // The codec, which is in the middle of something, must not lose its connection.
    if (this.lifetime.closing) this.config.dispatcher.post(() => this.lifetime.checkForDeferredClose(false));
  }

  /** Gives a finished stream's timers to a next stream. */
  reuseTimers(timers: StreamTimers): void {
    if (this.ending || this.spareTimers.length >= MAX_SPARE_TIMERS) timers.dispose();
    else this.spareTimers.push(timers);
  }

  /** Whether the request's filters must wait for a later turn. */
  deferRequest(stream: DeferredStream): boolean {
    return this.deferral !== null && this.deferral.defer(stream);
  }

  private closeAfterResets(): void {
    if (this.connection.state !== STATE_OPEN) return;
    this.config.stats.rqTooManyPrematureResets.inc();
    // To lose its connection in the middle of input is an error of its own for Envoy's codec.
    if (this.inDispatch) this.config.stats.cxProtocolError.inc();
    this.drainedByResets = true;
    this.closeConnection(CLOSE_NO_FLUSH, NO_FLAG, 'too_many_premature_resets');
  }

  /** The stream's request again, from the first filter on: an internal redirect. The codec keeps talking to the old stream's encoder. */
  recreate(old: ActiveStreamEnd, encoder: ResponseEncoder, headers: HeaderMap, body: Buffer | null): void {
    encoder.stream.removeCallbacks(old);
    this.endStream(old, false);
    const stream = this.addStream(encoder, true);
    const from = old.streamInfo;
    const to = stream.streamInfo;
    to.downstreamRemoteAddress = from.downstreamRemoteAddress;
    to.bytesReceived = from.bytesReceived;
    to.requestId = from.requestId;
    to.filterState = from.filterState;
    stream.decodeHeaders(headers, body === null);
    if (body !== null) stream.decodeData(body, true);
  }

  countUserAgent(headers: HeaderMap): void {
    this.userAgent ??= UserAgentStats.of(headers, this.config.stats.scope);
    this.userAgent.onRequest();
  }

  // Drain and close.

  get streamCount(): number {
    return this.streams.size;
  }

  /** The connection is to close after its present response. */
  get closing(): boolean {
    return this.lifetime.draining;
  }

  /** Asked with every response: whether the server drains. */
  maybeStartDrain(): void {
    this.lifetime.maybeStartDrain();
  }

  drainAfterStream(): void {
    this.lifetime.drainAfterStream();
  }

  /** HTTP/1 cannot tell the client to stop sending: rather than read a body nobody wants, the connection ends. */
  onResponseBeforeRequestComplete(): void {
    if (!this.isMultiplexed) this.lifetime.closeAfterStreams();
    this.config.stats.rqResponseBeforeRqComplete.inc();
  }

  // Connection events.

  onEvent(event: ConnectionEvent): void {
    if (event === EVENT_CONNECTED || this.closed) return;
    const stats = this.config.stats;
    if (event === EVENT_LOCAL_CLOSE) {
      stats.cxDestroyLocal.inc();
      this.endWith(null, FLAG_DOWNSTREAM_CONNECTION_TERMINATION, `downstream_local_disconnect(${underscored(this.connection.localCloseReason)})`);
    } else {
      stats.cxDestroyRemote.inc();
      this.endWith(null, FLAG_DOWNSTREAM_CONNECTION_TERMINATION, 'downstream_remote_disconnect');
    }
    this.onClosed();
  }

  closeConnection(type: CloseType, flag: number, details: string): void {
    if (this.closed) return;
    this.endWith(type, flag, details);
    this.connection.close(type, details);
  }

  /** Ends all streams because the connection goes. `type` null = the peer did it. */
  private endWith(type: CloseType | null, flag: number, details: string): void {
    this.ending = true;
    this.lifetime.stopTimers();
    this.keepalive?.dispose();
    if (this.streams.size === 0) return;
    const stats = this.config.stats;
    if (type === null) {
      stats.cxDestroyRemoteActiveRq.inc();
      this.userAgent?.onRemoteCloseWithActiveRequest();
    } else stats.cxDestroyLocalActiveRq.inc();
    stats.cxDestroyActiveRq.inc();
    this.resetAllStreams(flag, details);
  }

  private resetAllStreams(flag: number, details: string): void {
    for (let stream = this.streams.front; stream !== null; stream = this.streams.front) {
      const codecStream = stream.encoder?.stream;
      codecStream?.removeCallbacks(stream);
      const codecDetails = codecStream?.responseDetails ?? '';
      stream.streamInfo.responseCodeDetails = codecDetails !== '' ? codecDetails : details;
      if (flag >= 0) stream.streamInfo.setResponseFlag(flag);
      stream.onResetStream(RESET_CONNECTION_TERMINATION, '');
    }
  }

  private onClosed(): void {
    this.closed = true;
    const stats = this.config.stats;
    this.lifetime.dispose();
    this.deferral?.clear();
    this.codec?.onConnectionClose();
    stats.cxDestroy.inc();
    stats.cxActive.dec();
    if (this.connection.ssl !== null) stats.cxSslActive.dec();
    if (this.isMultiplexed) stats.cxHttp2Active.dec();
    else if (this.codec !== null) stats.cxHttp1Active.dec();
    if (this.lifetime.softDrain) stats.cxHttp1SoftDrain.dec();
    const length = Math.round(this.config.dispatcher.now() - this.startTime);
    stats.cxLengthMs.record(length);
    this.userAgent?.onConnectionEnd(length);
    for (const timers of this.spareTimers) timers.dispose();
    this.spareTimers = [];
  }
}

/** Blanks become `_`: details stand in access logs. */
function underscored(text: string): string {
  return text.replaceAll(' ', '_');
}
