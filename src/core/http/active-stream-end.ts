import type { Linked, LinkedList } from '../../base/linked-list.ts';
import { isUpgrade } from '../../codec/http1/connection-header.ts';
import {
  RESET_CONNECT_ERROR, RESET_LOCAL_RESET, RESET_OVERLOAD_MANAGER, RESET_PROTOCOL_ERROR, RESET_REMOTE_REFUSED_STREAM, RESET_REMOTE_RESET,
} from '../../contract/codec.ts';
import type { ResponseEncoder, StreamCallbacks, StreamResetReason } from '../../contract/codec.ts';
import {
  FLAG_DOWNSTREAM_PROTOCOL_ERROR, FLAG_DOWNSTREAM_REMOTE_RESET, FLAG_OVERLOAD_MANAGER, FLAG_UPSTREAM_CONNECTION_FAILURE,
  FLAG_UPSTREAM_CONNECTION_TERMINATION,
} from '../../contract/response-flags.ts';
import type { StreamInfo } from '../../contract/stream-info.ts';
import { ActiveStreamResponse } from './active-stream-response.ts';
import type { ConnectionManager } from './connection-manager.ts';
import type { StreamTimers } from './stream-timers.ts';

/**
 * The stream's end: complete, reset by this side or by the client, or complete but for bytes that wait for the client's window. Whatever
 * comes first, `finish` runs once.
 */
export abstract class ActiveStreamEnd extends ActiveStreamResponse implements StreamCallbacks, Linked<ActiveStreamEnd> {
  next: ActiveStreamEnd | null;
  previous: ActiveStreamEnd | null;
  list: LinkedList<ActiveStreamEnd> | null;

  constructor(manager: ConnectionManager, encoder: ResponseEncoder, streamInfo: StreamInfo, timers: StreamTimers, internallyCreated: boolean) {
    super(manager, encoder, streamInfo, timers, internallyCreated);
    this.next = null;
    this.previous = null;
    this.list = null;
  }

  protected override endStreamNow(): void {
    this.codecSawLocalComplete = true;
    this.manager.endStream(this, true);
  }

  protected override resetStream(_reason: StreamResetReason, _failure: string): void {
    this.config.stats.rqTxReset.inc();
    this.manager.endStream(this, true);
  }

  /** Resets the codec's stream because this side gives up; its callback destroys this one. */
  resetCodecStream(): void {
    this.setLocalComplete();
    this.codecSawLocalComplete = true;
    this.encoder?.stream.resetStream(this.resetReason());
  }

  /** What an HTTP/2 client is told by the code of its RST_STREAM. */
  private resetReason(): StreamResetReason {
    const info = this.streamInfo;
    const upstreamGone = info.hasResponseFlag(FLAG_UPSTREAM_CONNECTION_FAILURE) || info.hasResponseFlag(FLAG_UPSTREAM_CONNECTION_TERMINATION);
    if (upstreamGone && this.wasConnect()) return RESET_CONNECT_ERROR;
    return info.hasResponseFlag(FLAG_DOWNSTREAM_PROTOCOL_ERROR) ? RESET_PROTOCOL_ERROR : RESET_LOCAL_RESET;
  }

  /** HTTP/2 upgrades came as CONNECT, too. */
  protected wasConnect(): boolean {
    const headers = this.requestHeaders;
    if (headers === null) return false;
    return headers.get(':method') === 'CONNECT' || (this.manager.isMultiplexed && isUpgrade(headers));
  }

  /** Nothing is left to do but to wait for the codec. */
  becomeZombie(): void {
    if (this.zombie) return;
    this.zombie = true;
    this.timers.stopAll();
    if (this.flushTimeout > 0) this.timers.startFlush(this.flushTimeout);
  }

  override onCodecEncodeComplete(): void {
    super.onCodecEncodeComplete();
    if (this.zombie && !this.destroyed) this.bury();
  }

  /** The client does not take the end of its response. */
  onFlushTimeout(): void {
    this.config.http2Stats().txFlushTimeout.inc();
    const stream = this.encoder?.stream;
    stream?.removeCallbacks(this);
    stream?.resetStream(RESET_LOCAL_RESET);
    this.resetSeen = true;
    this.bury();
  }

  private bury(): void {
    this.manager.destroyStream(this);
    this.manager.onZombieGone();
  }

  onResetStream(reason: StreamResetReason, _failure: string): void {
    if (this.destroyed) return;
    this.config.stats.rqRxReset.inc();
    this.resetSeen = true;
    const details = this.encoder?.stream.responseDetails ?? '';
    const info = this.streamInfo;
    if (reason === RESET_PROTOCOL_ERROR || (details !== '' && reason === RESET_LOCAL_RESET)) info.setResponseFlag(FLAG_DOWNSTREAM_PROTOCOL_ERROR);
    if (details !== '') {
      if (reason === RESET_CONNECT_ERROR || reason === RESET_REMOTE_RESET || reason === RESET_REMOTE_REFUSED_STREAM) {
        info.setResponseFlag(FLAG_DOWNSTREAM_REMOTE_RESET);
      }
      info.responseCodeDetails = details;
    } else if (reason === RESET_OVERLOAD_MANAGER) {
      info.setResponseFlag(FLAG_OVERLOAD_MANAGER);
      info.responseCodeDetails = 'overload';
    }
    this.manager.destroyStream(this);
  }

  onAboveWriteBufferHighWatermark(): void {
    this.callHighWatermarkCallbacks();
  }

  onBelowWriteBufferLowWatermark(): void {
    this.callLowWatermarkCallbacks();
  }

  get canDestroy(): boolean {
    return this.resetSeen || this.codecEncodeComplete || this.internallyDestroyed;
  }

  /** Last: logs, then destroys the filters. Called once, by the connection manager. */
  finish(): void {
    if (this.finished) return;
    this.finished = true;
    this.timers.detach();
    this.manager.reuseTimers(this.timers);
    this.streamInfo.requestComplete = this.dispatcher.now();
    this.config.stats.rqActive.dec();
    if (this.streamInfo.healthCheck) this.config.stats.tracingHealthCheck?.inc();
    if (this.upgraded) this.config.stats.cxUpgradesActive.dec();
    this.onStreamComplete();
    this.log('DownstreamEnd');
    this.destroyFilters();
  }
}
