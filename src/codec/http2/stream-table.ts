import { IdTable } from '../../base/id-table.ts';
import type { CodecConnection, StreamResetReason } from '../../contract/codec.ts';
import {
  RESET_CONNECT_ERROR,
  RESET_LOCAL_REFUSED_STREAM,
  RESET_LOCAL_RESET,
  RESET_PROTOCOL_ERROR,
  RESET_REMOTE_REFUSED_STREAM,
  RESET_REMOTE_RESET,
} from '../../contract/codec.ts';
import { DETAILS_REMOTE_REFUSED, DETAILS_REMOTE_RESET } from './details.ts';
import { FloodGuard } from './flood-guard.ts';
import { CONNECT_ERROR, DEFAULT_WINDOW, INTERNAL_ERROR, NO_ERROR, PROTOCOL_ERROR, REFUSED_STREAM } from './frame.ts';
import type { Http2ConnectionOptions } from './options.ts';
import { ReceiveWindow } from './receive-window.ts';
import { RecentResets } from './recent-resets.ts';
import type { Http2Settings } from './settings.ts';
import type { Http2CodecStats } from './stats.ts';
import type { Http2Stream } from './stream.ts';

/** The streams of a connection: how they end, and what that means for their listeners, the statistics and the connection's window. */
export abstract class StreamTable {
  readonly isServer: boolean;
  readonly bufferLimit: number;
  protected readonly connection: CodecConnection;
  protected readonly settings: Http2Settings;
  protected readonly stats: Http2CodecStats;
  protected readonly options: Http2ConnectionOptions;
  protected readonly streams: IdTable<Http2Stream>;
  protected readonly guard: FloodGuard;
  protected readonly resets: RecentResets;
  /** Of the connection: what the peer may send. */
  protected readonly window: ReceiveWindow;
  /** WINDOW_UPDATE increment of the connection that waits to be sent. */
  protected connectionCredit: number;
  /** The connection's own output buffer is full. */
  protected aboveHighWatermark: boolean;

  constructor(isServer: boolean, connection: CodecConnection, settings: Http2Settings, stats: Http2CodecStats, options: Http2ConnectionOptions) {
    this.isServer = isServer;
    this.bufferLimit = settings.initialStreamWindowSize;
    this.connection = connection;
    this.settings = settings;
    this.stats = stats;
    this.options = options;
    this.streams = new IdTable();
    this.guard = new FloodGuard(settings, stats);
    this.resets = new RecentResets();
    this.window = new ReceiveWindow(DEFAULT_WINDOW);
    this.connectionCredit = Math.max(0, settings.initialConnectionWindowSize - DEFAULT_WINDOW);
    this.window.resize(this.connectionCredit);
    this.aboveHighWatermark = false;
  }

  get activeStreams(): number {
    return this.streams.size;
  }

  /** A stream left the list. */
  protected abstract onStreamGone(stream: Http2Stream): void;

  /** There is something to send. */
  protected abstract askFlush(): void;
  abstract queueStream(stream: Http2Stream): void;

  onStreamConsumed(stream: Http2Stream, bytes: number): void {
    this.consumeConnection(bytes);
    if (stream.window === null || stream.remoteEnded) return;
    const credit = stream.window.consume(bytes);
    if (credit === 0) return;
    stream.credit += credit;
    this.queueStream(stream);
  }

  protected consumeConnection(bytes: number): void {
    const credit = this.window.consume(bytes);
    if (credit === 0) return;
    this.connectionCredit += credit;
    this.askFlush();
  }

  resetCode(reason: StreamResetReason, endSent: boolean): number {
    if (reason === RESET_LOCAL_REFUSED_STREAM) return REFUSED_STREAM;
    if (reason === RESET_CONNECT_ERROR) return CONNECT_ERROR;
    if (reason === RESET_PROTOCOL_ERROR) return PROTOCOL_ERROR;
    return this.isServer && endSent ? NO_ERROR : INTERNAL_ERROR;
  }

  protected showPending(stream: Http2Stream, bytes: number): void {
    this.stats.pendingSendBytes.add(bytes - stream.shownPending);
    stream.shownPending = bytes;
  }

  /** Ends a stream on both sides; listeners hear of it unless both messages were complete. `code`: of the RST_STREAM that ended it. */
  protected closeStream(stream: Http2Stream, code: number): void {
    if (stream.closed) return;
    this.forgetStream(stream);
    const complete = stream.remoteEnded && stream.localEnded && !(this.isServer && stream.remoteReset && !stream.endSent);
    if (!complete && !stream.isResetTold) stream.runResetCallbacks(this.closeReason(stream, code));
    stream.onClosed();
  }

  private closeReason(stream: Http2Stream, code: number): StreamResetReason {
    if (stream.messagingError) return this.isServer ? RESET_LOCAL_RESET : RESET_PROTOCOL_ERROR;
    stream.setDetails(code === REFUSED_STREAM ? DETAILS_REMOTE_REFUSED : DETAILS_REMOTE_RESET);
    if (code === REFUSED_STREAM) return RESET_REMOTE_REFUSED_STREAM;
    if (code === CONNECT_ERROR) return RESET_CONNECT_ERROR;
    return code === PROTOCOL_ERROR ? RESET_PROTOCOL_ERROR : RESET_REMOTE_RESET;
  }

  /** Takes the stream out of the list and gives back what it held of the connection. */
  forgetStream(stream: Http2Stream): void {
    if (stream.closed) return;
    stream.closed = true;
    this.streams.delete(stream.codecStreamId);
    this.stats.streamsActive.dec();
    if (stream.shownPending > 0) this.showPending(stream, 0);
    if (stream.unconsumed > 0) {
      const bytes = stream.unconsumed;
      stream.unconsumed = 0;
      this.consumeConnection(bytes);
    }
    this.onStreamGone(stream);
    if (stream.isResetTold) stream.onClosed();
  }
}
