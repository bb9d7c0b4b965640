import type { Timer } from '../../base/timer-wheel.ts';
import type { CodecConnection, RequestDecoder, ResponseEncoder, ServerConnection, ServerConnectionCallbacks } from '../../contract/codec.ts';
import { RESET_CONNECTION_TERMINATION } from '../../contract/codec.ts';
import type { TurnTask } from '../../contract/dispatcher.ts';
import type { CodecError } from '../../contract/errors.ts';
import type { HeaderMap } from '../../contract/header-map.ts';
import { LOG_DEBUG } from '../../contract/logger.ts';
import {
  CLOSE_ABORT_RESET, CLOSE_FLUSH_WRITE, CLOSE_FLUSH_WRITE_AND_DELAY, EVENT_CONNECTED, EVENT_LOCAL_CLOSE, STATE_OPEN,
} from '../../contract/network.ts';
import type {
  CloseType, Connection, ConnectionCallbacks, ConnectionEvent, DrainListener, ReadFilter, ReadFilterCallbacks,
} from '../../contract/network.ts';
import { FLAG_DOWNSTREAM_CONNECTION_TERMINATION, FLAG_DOWNSTREAM_PROTOCOL_ERROR, FLAG_DURATION_TIMEOUT } from '../../contract/response-flags.ts';
import { NETWORK_CONTINUE, NETWORK_STOP_ITERATION } from '../../contract/status.ts';
import type { NetworkFilterStatus } from '../../contract/status.ts';
import { PROTOCOL_HTTP10, PROTOCOL_HTTP11, PROTOCOL_HTTP2, StreamInfo } from '../../contract/stream-info.ts';
import type { Protocol } from '../../contract/stream-info.ts';
import { ActiveStream } from './active-stream.ts';
import type { ConnectionManagerConfig } from './conn-manager-config.ts';
import { IdleTimer } from './idle-timer.ts';
import { StreamTimers } from './stream-timers.ts';
import { UserAgentStats } from './user-agent-stats.ts';

const NO_FLAG = -1;
const NOTHING = Buffer.alloc(0);

const DRAIN_NONE = 0;
/** Announced: streams are still taken (HTTP/2). */
const DRAIN_STARTED = 1;
/** The connection closes when its last stream is gone. */
const DRAIN_CLOSING = 2;
type DrainState = 0 | 1 | 2;

/** Long enough for a request that was on its way when the drain began. */
const QUIET_BEFORE_CLOSE_MS = 100;
const DEFERRED_CLOSE = 'deferred_close_on_drained_connection';

/**
 * HTTP on one downstream connection: makes the codec, gives its streams their filter chains, and decides when the connection ends. Network filter,
 * connection callback and the codec's view of the connection in one object, for there is one of each.
 */
export class ConnectionManager implements ReadFilter, ConnectionCallbacks, ServerConnectionCallbacks, CodecConnection, TurnTask, DrainListener {
  readonly config: ConnectionManagerConfig;
  readonly connection: Connection;
  private codec: ServerConnection | null;
  private readonly streams: ActiveStream[];
  /** Timers of the last stream, for the next. */
  private spareTimers: StreamTimers | null;
  private readonly idleTimer: IdleTimer | null;
  private durationTimer: Timer | null;
  private drainTimer: Timer | null;
  private quietTimer: Timer | null;
  private drainState: DrainState;
  /** max_connection_duration is over, and only a response may say so (`http1_safe_max_connection_duration`). */
  private softDrain: boolean;
  /** The streams have been told that the connection goes. */
  private ending: boolean;
  private closed: boolean;
  private accumulatedRequests: number;
  private closedRequests: number;
  private prematureResets: number;
  private drainedByResets: boolean;
  private userAgent: UserAgentStats | null;
  private readonly startTime: number;

  constructor(config: ConnectionManagerConfig, connection: Connection) {
    this.config = config;
    this.connection = connection;
    this.codec = null;
    this.streams = [];
    this.spareTimers = null;
    this.idleTimer = config.idleTimeout > 0 ? new IdleTimer(config.dispatcher, () => this.onIdleTimeout()) : null;
    this.durationTimer = null;
    this.drainTimer = null;
    this.quietTimer = null;
    this.drainState = DRAIN_NONE;
    this.softDrain = false;
    this.ending = false;
    this.closed = false;
    this.accumulatedRequests = 0;
    this.closedRequests = 0;
    this.prematureResets = 0;
    this.drainedByResets = false;
    this.userAgent = null;
    this.startTime = config.dispatcher.now();
  }

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
    config.drainDecision.addDrainListener(this);
    this.idleTimer?.start(config.idleTimeout);
    if (config.maxConnectionDuration > 0) this.startDurationTimer();
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

  private startDurationTimer(): void {
    const { maxConnectionDuration, maxConnectionDurationJitter, dispatcher } = this.config;
    const jitter = maxConnectionDurationJitter === 0 ? 0 : dispatcher.random.float() * maxConnectionDurationJitter;
    this.durationTimer = dispatcher.createTimer(() => this.onConnectionDuration());
    this.durationTimer.enable(maxConnectionDuration * (1 + jitter));
  }

  onNewConnection(): NetworkFilterStatus {
    return NETWORK_CONTINUE;
  }

  onData(data: Buffer, _endStream: boolean): NetworkFilterStatus {
    const codec = this.codec ?? this.createCodec(data);
    const error = codec.dispatch(data);
    if (error !== null) {
      this.onCodecError(error);
      return NETWORK_STOP_ITERATION;
    }
    if (this.drainState === DRAIN_CLOSING) this.checkForDeferredClose(false);
    return NETWORK_STOP_ITERATION;
  }

  private createCodec(firstBytes: Buffer): ServerConnection {
    const codec = this.config.createCodec(this, this, firstBytes, this.connection);
    this.codec = codec;
    this.config.stats.cxHttp1Total.inc();
    this.config.stats.cxHttp1Active.inc();
    this.connection.streamInfo.protocol = codec.protocol;
    return codec;
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

  /** Of the request being decoded: HTTP/1.0 and 1.1 may follow each other on one connection. */
  get protocol(): Protocol {
    return this.codec?.protocol ?? PROTOCOL_HTTP11;
  }

  // Streams.

  newStream(encoder: ResponseEncoder): RequestDecoder {
    return this.addStream(encoder, false);
  }

  private addStream(encoder: ResponseEncoder, internallyCreated: boolean): ActiveStream {
    const { config } = this;
    this.idleTimer?.stop();
    const timers = this.spareTimers ?? new StreamTimers(config.dispatcher);
    this.spareTimers = null;
    const stats = config.stats;
    stats.rqTotal.inc();
    stats.rqActive.inc();
    stats.rqHttp1Total.inc();
    const stream = new ActiveStream(this, encoder, this.newStreamInfo(), timers, internallyCreated);
    this.accumulatedRequests++;
    if (config.maxRequestsPerConnection > 0 && this.accumulatedRequests >= config.maxRequestsPerConnection) {
      stream.drainAfterResponse = true;
      this.drainState = DRAIN_CLOSING;
      stats.cxMaxRequestsReached.inc();
    }
    if (this.softDrain) {
      stream.drainAfterResponse = true;
      this.drainState = DRAIN_CLOSING;
    }
    // Before the callbacks: a connection that is backed up tells its stream so at once.
    this.streams.push(stream);
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
    info.filterChainName = from.filterChainName;
    info.listenerName = config.listenerName;
    info.schemeMatchesUpstream = config.schemeMatchesUpstream;
    if (from.filterState !== null) info.filterState = new Map(from.filterState);
    return info;
  }

  /** The stream is at its end: complete, or to be reset because one side is not. */
  endStream(stream: ActiveStream, checkForClose: boolean): void {
    const reset = stream.encoder !== null && (!stream.requestComplete || !stream.codecSawLocalComplete);
    if (reset) {
      stream.resetCodecStream();
      // The codec's callback has destroyed it; a codec that calls none must not keep it alive.
      if (!stream.destroyed) stream.onResetStream(RESET_CONNECTION_TERMINATION, '');
      if (this.protocol < PROTOCOL_HTTP2) this.drainState = DRAIN_CLOSING;
    } else {
      this.destroyStream(stream);
    }
    if (!checkForClose || this.drainState !== DRAIN_CLOSING) return;
    // HTTP/1.0 without content-length ends its body by the close itself.
    const closeDelimited = this.protocol === PROTOCOL_HTTP10 && !(stream.responseHeaders?.has('content-length') ?? false);
    this.checkForDeferredClose(stream.drainAfterResponse && (stream.requestComplete || closeDelimited));
  }

  destroyStream(stream: ActiveStream): void {
    if (stream.destroyed || !stream.canDestroy) return;
    if (!stream.internallyDestroyed) this.countClosedStream(stream);
    stream.encoder?.stream.removeCallbacks(stream);
    stream.finish();
    const at = this.streams.indexOf(stream);
    if (at >= 0) this.streams.splice(at, 1);
    if (this.streams.length === 0 && !this.ending) this.idleTimer?.start(this.config.idleTimeout);
    if (this.prematureResets > 0) this.maybeCloseAfterResets();
  }

  /** Gives a finished stream's timers to the next stream. */
  reuseTimers(timers: StreamTimers): void {
    if (this.ending || this.spareTimers !== null) timers.dispose();
    else this.spareTimers = timers;
  }

  /** A request that is reset within its first second and has no response counts against its connection (Rapid Reset). */
  private countClosedStream(stream: ActiveStream): void {
    this.closedRequests++;
    if (stream.streamInfo.responseCode !== 0) return;
    const minimum = this.config.runtime.snapshot().getInteger('overload.premature_reset_min_stream_lifetime_seconds', 1);
    const seconds = Math.floor((this.config.dispatcher.now() - stream.streamInfo.startTime) / 1_000);
    if (seconds <= minimum) this.prematureResets++;
  }

  private maybeCloseAfterResets(): void {
    if (this.drainedByResets) return;
    const limit = this.config.runtime.snapshot().getInteger('overload.premature_reset_total_stream_count', 500);
    const against = this.closedRequests < limit ? limit : this.closedRequests;
    if (this.prematureResets * 2 < against || this.connection.state !== STATE_OPEN) return;
    this.config.stats.rqTooManyPrematureResets.inc();
    this.drainedByResets = true;
    this.closeConnection(CLOSE_ABORT_RESET, NO_FLAG, 'too_many_premature_resets');
  }

  /** The stream's request again, from the first filter on: an internal redirect. The codec keeps talking to the old stream's encoder. */
  recreate(old: ActiveStream, encoder: ResponseEncoder, headers: HeaderMap, body: Buffer | null): void {
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

  /** The connection is to close after its present response. */
  get closing(): boolean {
    return this.drainState !== DRAIN_NONE;
  }

  /** Asked with every response: whether the server drains. */
  maybeStartDrain(): void {
    const decision = this.config.drainDecision;
    if (this.drainState !== DRAIN_NONE || !decision.drainClose()) return;
    // A process that is about to end does not wait for the client to close.
    if (decision.closeIdle && this.protocol < PROTOCOL_HTTP2) this.drainState = DRAIN_CLOSING;
    else this.startDrain();
    this.config.stats.cxDrainClose.inc();
  }

  /** The process is about to end: a connection that stays quiet for a moment closes; a request under way says `connection: close`. */
  onDrainStart(): void {
    if (this.closed || !this.config.drainDecision.closeIdle) return;
    this.quietTimer ??= this.config.dispatcher.createTimer(() => this.onQuiet());
    this.quietTimer.enable(QUIET_BEFORE_CLOSE_MS);
  }

  private onQuiet(): void {
    if (this.streams.length === 0) this.closeConnection(CLOSE_FLUSH_WRITE_AND_DELAY, NO_FLAG, DEFERRED_CLOSE);
  }

  drainAfterStream(): void {
    if (this.drainState === DRAIN_NONE) this.drainState = DRAIN_CLOSING;
  }

  /** HTTP/1 cannot tell the client to stop sending: rather than read a body nobody wants, the connection ends. */
  onResponseBeforeRequestComplete(): void {
    if (this.protocol < PROTOCOL_HTTP2) this.drainState = DRAIN_CLOSING;
    this.config.stats.rqResponseBeforeRqComplete.inc();
  }

  private startDrain(): void {
    const { config } = this;
    this.drainState = DRAIN_STARTED;
    this.codec?.shutdownNotice();
    const jitter = config.drainTimeoutJitter === 0 ? 0 : config.dispatcher.random.float() * config.drainTimeoutJitter;
    this.drainTimer = config.dispatcher.createTimer(() => this.onDrainTimeout());
    this.drainTimer.enable(config.drainTimeout * (1 + jitter));
  }

  private onDrainTimeout(): void {
    this.codec?.goAway();
    this.drainState = DRAIN_CLOSING;
    this.checkForDeferredClose(false);
  }

  private onIdleTimeout(): void {
    this.config.stats.cxIdleTimeout.inc();
    if (this.codec === null) this.closeConnection(CLOSE_FLUSH_WRITE, NO_FLAG, 'on_idle_timeout');
    else if (this.drainState === DRAIN_NONE) this.startDrain();
  }

  private onConnectionDuration(): void {
    this.config.stats.cxMaxDurationReached.inc();
    if (this.codec === null) this.closeConnection(CLOSE_FLUSH_WRITE, FLAG_DURATION_TIMEOUT, 'duration_timeout');
    else if (this.drainState !== DRAIN_NONE) return;
    else if (this.config.http1SafeMaxConnectionDuration && this.protocol < PROTOCOL_HTTP2) {
      this.config.stats.cxHttp1SoftDrain.inc();
      this.softDrain = true;
    } else this.startDrain();
  }

  private checkForDeferredClose(skipDelay: boolean): void {
    if (this.drainState !== DRAIN_CLOSING || this.streams.length > 0 || this.closed || this.codec?.wantsToWrite === true) return;
    const optional = skipDelay && this.config.runtime.snapshot().getBoolean('http1.optionally_delay_close', true);
    this.closeConnection(optional ? CLOSE_FLUSH_WRITE : CLOSE_FLUSH_WRITE_AND_DELAY, NO_FLAG, DEFERRED_CLOSE);
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

  onAboveWriteBufferHighWatermark(): void {
    this.codec?.onUnderlyingConnectionAboveWriteBufferHighWatermark();
  }

  onBelowWriteBufferLowWatermark(): void {
    this.codec?.onUnderlyingConnectionBelowWriteBufferLowWatermark();
  }

  onGoAway(): void {
    // A client's GOAWAY asks nothing of a server that opens no streams.
  }

  private closeConnection(type: CloseType, flag: number, details: string): void {
    if (this.closed) return;
    this.endWith(type, flag, details);
    this.connection.close(type, details);
  }

  /** Ends all streams because the connection goes. `type` null = the peer did it. */
  private endWith(type: CloseType | null, flag: number, details: string): void {
    this.ending = true;
    this.idleTimer?.dispose();
    this.durationTimer?.disable();
    this.drainTimer?.disable();
    this.quietTimer?.disable();
    if (this.streams.length === 0) return;
    const stats = this.config.stats;
    if (type === null) {
      stats.cxDestroyRemoteActiveRq.inc();
      this.userAgent?.onRemoteCloseWithActiveRequest();
    } else stats.cxDestroyLocalActiveRq.inc();
    stats.cxDestroyActiveRq.inc();
    this.resetAllStreams(flag, details);
  }

  private resetAllStreams(flag: number, details: string): void {
    for (let stream = this.streams.at(-1); stream !== undefined; stream = this.streams.at(-1)) {
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
    this.config.drainDecision.removeDrainListener(this);
    this.codec?.onConnectionClose();
    stats.cxDestroy.inc();
    stats.cxActive.dec();
    if (this.connection.ssl !== null) stats.cxSslActive.dec();
    if (this.codec !== null) stats.cxHttp1Active.dec();
    if (this.softDrain) stats.cxHttp1SoftDrain.dec();
    const length = Math.round(this.config.dispatcher.now() - this.startTime);
    stats.cxLengthMs.record(length);
    this.userAgent?.onConnectionEnd(length);
    this.spareTimers?.dispose();
    this.spareTimers = null;
  }
}

/** Blanks become `_`: details stand in access logs. */
function underscored(text: string): string {
  return text.replaceAll(' ', '_');
}
