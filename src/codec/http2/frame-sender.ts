import { bug } from '../../base/bug.ts';
import type { CodecConnection } from '../../contract/codec.ts';
import type { CodecError } from '../../contract/errors.ts';
import { DETAILS_OUTBOUND_FLOOD } from './details.ts';
import { beginOutput, endOutput, framesOf, writeData, writeFrame, writeHeaders, writeRaw, writeSmallFrame, writeWordFrame } from './frame-output.ts';
import {
  DEFAULT_MAX_FRAME_SIZE,
  DEFAULT_WINDOW,
  FLAG_ACK,
  FRAME_GOAWAY,
  FRAME_HEADER_SIZE,
  FRAME_PING,
  FRAME_RST_STREAM,
  FRAME_SETTINGS,
  FRAME_WINDOW_UPDATE,
  INTERNAL_ERROR,
  NO_ERROR,
} from './frame.ts';
import { HpackEncoder } from './hpack/index.ts';
import type { Http2ConnectionOptions } from './options.ts';
import { goAwayPayload, SendLists } from './send-lists.ts';
import type { QueuedFrame } from './send-lists.ts';
import { connectionPreface } from './settings-frame.ts';
import type { Http2Settings } from './settings.ts';
import type { Http2CodecStats } from './stats.ts';
import { NO_RESET } from './stream.ts';
import type { Http2Stream } from './stream.ts';

const NO_WORDS: readonly number[] = [];

/**
 * The sending half of a connection. `flush` turns the lists into frames and hands them on in as few
 * writes as it can: settings and answers first, then heads, windows and resets in the order in which they were asked for, then body, one
 * frame a stream and round, as far as the peer's windows go.
 */
export abstract class FrameSender extends SendLists {
  protected readonly encoder: HpackEncoder;
  protected peerMaxFrameSize: number;
  protected peerInitialWindow: number;
  /** What we may send. */
  protected sendWindow: number;
  /** Settings go out with the first output, and after the first input at the latest. */
  protected prefaceWanted: boolean;
  private prefaceSent: boolean;
  /** Streams that wait for the end of the flush: their reset, what room their buffer has, or what their end leads to. */
  private readonly deferred: Http2Stream[];
  private readonly lowered: Http2Stream[];
  private readonly finished: Http2Stream[];
  /** Frames of this flush. */
  private frames: number;
  private controlFrames: number;
  private dataFrames: number;
  private bytes: number;

  constructor(isServer: boolean, connection: CodecConnection, settings: Http2Settings, stats: Http2CodecStats, options: Http2ConnectionOptions) {
    super(isServer, connection, settings, stats, options);
    this.encoder = new HpackEncoder(settings.hpackTableSize, settings.enableHuffmanEncoding);
    this.peerMaxFrameSize = DEFAULT_MAX_FRAME_SIZE;
    this.peerInitialWindow = DEFAULT_WINDOW;
    this.sendWindow = DEFAULT_WINDOW;
    this.prefaceWanted = false;
    this.prefaceSent = false;
    this.deferred = [];
    this.lowered = [];
    this.finished = [];
    this.frames = 0;
    this.controlFrames = 0;
    this.dataFrames = 0;
    this.bytes = 0;
  }

  /** Whether a client stream's head may go out now; servers never ask. False: it was dealt with. */
  protected abstract mayOpen(stream: Http2Stream): boolean;
  onTurnEnd(): void {
    this.flushAsked = false;
    this.flushEarly();
  }

  flushEarly(): void {
    if (this.dispatching) return;
    const error = this.flush();
    if (error !== null && !this.dead) {
      this.dead = true;
      this.options.listener?.onOutboundFlood(error);
    }
  }

  /** Writes what is gathered. An owner that closes the connection with a flush MUST call it first. Returns the first violated limit, if any. */
  flush(): CodecError | null {
    if (this.dead || this.flushing) return null;
    this.flushing = true;
    // What the end of one stream leads to may be more to send; a peer cannot prolong that, as nothing is read meanwhile.
    for (let rounds = 0; rounds < MOST_ROUNDS && this.hasOutput(); rounds++) {
      this.writeAll();
      this.tellFinished();
    }
    this.flushing = false;
    // The connection's window is used up: what came since was not looked at, and its memory is only lent until the turn ends.
    for (let i = 0; i < this.dataQueue.length; i++) this.holdBack(this.dataQueue[i]);
    // More rounds than there is a reason for: the rest waits for the next turn.
    if (this.hasOutput()) this.askFlush();
    return this.guard.violation;
  }

  protected hasOutput(): boolean {
    if (this.queue.length > 0 || this.pings.length > 0 || this.settingsAcks > 0 || this.refused.length > 0) return true;
    if (this.prefaceSent ? this.connectionCredit > 0 : this.prefaceWanted) return true;
    return this.dataQueue.length > 0 && (this.sendWindow > 0 || this.hasFreeEnd());
  }

  /** Ends and trailers without body need no window. */
  private hasFreeEnd(): boolean {
    for (const stream of this.dataQueue) if (stream.pendingBytes === 0) return true;
    return false;
  }

  private writeAll(): void {
    this.frames = this.controlFrames = this.dataFrames = this.bytes = 0;
    const pendingBefore = this.connection.pendingWriteBytes;
    beginOutput();
    this.writeUrgent();
    this.writeQueue();
    this.writeBodies();
    this.writeDeferredResets();
    endOutput(this.connection);
    if (this.frames === 0) return;
    if (!this.guard.onFramesSent(this.frames, this.controlFrames, this.dataFrames, this.bytes, pendingBefore)) this.markFlooded();
  }

  private markFlooded(): void {
    for (const stream of this.dataQueue) stream.setDetails(DETAILS_OUTBOUND_FLOOD);
    for (const stream of this.finished) stream.setDetails(DETAILS_OUTBOUND_FLOOD);
  }

  private count(bytes: number, control: boolean): void {
    this.frames++;
    this.bytes += bytes;
    if (control) this.controlFrames++;
  }

  private writePreface(): void {
    if (this.prefaceSent) return;
    this.prefaceSent = true;
    const bytes = connectionPreface(this.isServer, this.settings);
    writeRaw(this.connection, bytes);
    this.count(bytes.length, false);
  }

  private writeUrgent(): void {
    this.writePreface();
    for (; this.settingsAcks > 0; this.settingsAcks--) {
      writeSmallFrame(this.connection, FRAME_SETTINGS, FLAG_ACK, 0, NO_WORDS);
      this.count(FRAME_HEADER_SIZE, true);
    }
    if (this.pings.length > 0) this.writePings();
    if (this.connectionCredit === 0) return;
    writeWordFrame(this.connection, FRAME_WINDOW_UPDATE, 0, this.connectionCredit);
    this.count(FRAME_HEADER_SIZE + 4, false);
    this.connectionCredit = 0;
  }

  private writePings(): void {
    const pings = this.pings;
    for (let i = 0; i < pings.length; i += 3) {
      writeSmallFrame(this.connection, FRAME_PING, pings[i], 0, [pings[i + 1], pings[i + 2]]);
      this.count(FRAME_HEADER_SIZE + 8, pings[i] !== 0);
    }
    pings.length = 0;
  }

  private writeQueue(): void {
    const refused = this.refused;
    if (refused.length > 0) {
      for (let i = 0; i < refused.length; i += 2) this.writeReset(refused[i], refused[i + 1], -1);
      refused.length = 0;
    }
    const queue = this.queue;
    for (let i = 0; i < queue.length; i++) {
      const entry = queue[i];
      if ('payload' in entry) this.writeQueued(entry);
      else this.writeStream(entry);
    }
    queue.length = 0;
  }

  private writeQueued(frame: QueuedFrame): void {
    if (frame.streamId !== 0) {
      const stream = this.streams.get(frame.streamId);
      if (stream === undefined || (!this.isServer && !stream.headSent)) return;
    }
    writeFrame(this.connection, frame.type, frame.flags, frame.streamId, frame.payload);
    this.count(FRAME_HEADER_SIZE + frame.payload.length, false);
  }

  private writeStream(stream: Http2Stream): void {
    stream.inQueue = false;
    if (stream.closed) return;
    if (stream.isClosing) {
      this.writeReset(stream.codecStreamId, stream.resetToSend, bytesLeft(stream));
      stream.bytesMeter.wireBytesSent += FRAME_HEADER_SIZE + 4;
      this.finished.push(stream);
      return;
    }
    if (stream.head !== null && !this.writeHeads(stream)) return;
    if (stream.credit > 0) {
      writeWordFrame(this.connection, FRAME_WINDOW_UPDATE, stream.codecStreamId, stream.credit);
      stream.bytesMeter.wireBytesSent += FRAME_HEADER_SIZE + 4;
      this.count(FRAME_HEADER_SIZE + 4, false);
      stream.credit = 0;
    }
    if (stream.resetDeferred) this.deferred.push(stream);
  }

  private writeHeads(stream: Http2Stream): boolean {
    if (!this.isServer && !stream.headSent && !this.mayOpen(stream)) return false;
    for (let head = stream.shiftHead(); head !== null; head = stream.shiftHead()) {
      const ends = stream.headEnds && stream.head === null;
      const bytes = writeHeaders(this.connection, this.encoder, stream.codecStreamId, head, ends, this.peerMaxFrameSize);
      this.countHeaders(stream, bytes);
      stream.headSent = true;
      if (ends) this.endWritten(stream);
    }
    return true;
  }

  private countHeaders(stream: Http2Stream, bytes: number): void {
    this.frames += framesOf(bytes, this.peerMaxFrameSize);
    this.bytes += bytes;
    stream.bytesMeter.headerBytesSent += bytes;
    stream.bytesMeter.wireBytesSent += bytes;
  }

  private endWritten(stream: Http2Stream): void {
    stream.endSent = true;
    this.finished.push(stream);
  }

  private writeReset(streamId: number, code: number, left: number): void {
    writeWordFrame(this.connection, FRAME_RST_STREAM, streamId, code);
    this.count(FRAME_HEADER_SIZE + 4, true);
    this.stats.txReset.inc();
    this.resets.add(streamId, code === NO_ERROR ? left : -1);
  }

  /** One frame a stream, in turn, until nothing is left or the connection's window is used up. */
  private writeBodies(): void {
    const queue = this.dataQueue;
    if (queue.length === 0) return;
    let kept = 0;
    let i = 0;
    for (; i < queue.length; i++) {
      const stream = queue[i];
      stream.inDataQueue = false;
      if (stream.closed || stream.endSent || stream.isClosing) continue;
      if (!stream.headSent) {
        // A request that waits for the peer's limit; `openWaiting` brings it back.
        stream.keep();
        continue;
      }
      if (stream.pendingBytes > 0) {
        if (stream.sendWindow <= 0) this.holdBack(stream);
        else if (this.sendWindow <= 0) {
          this.holdBack(stream);
          stream.inDataQueue = true;
          queue[kept++] = stream;
        } else if (this.writeBody(stream)) {
          stream.inDataQueue = true;
          queue.push(stream);
        }
      } else if (stream.localEnded) this.writeEnd(stream);
    }
    queue.length = kept;
  }

  /** True when there is more for another round. */
  private writeBody(stream: Http2Stream): boolean {
    const length = Math.min(stream.pendingBytes, stream.sendWindow, this.sendWindow, DEFAULT_MAX_FRAME_SIZE);
    const ends = stream.localEnded && stream.trailers === null && length === stream.pendingBytes;
    writeData(this.connection, stream.codecStreamId, stream, length, ends);
    stream.sendWindow -= length;
    this.sendWindow -= length;
    this.countData(stream, length);
    if (ends) this.endWritten(stream);
    else this.lowered.push(stream);
    if (stream.pendingBytes > 0) return true;
    if (!ends && stream.localEnded) this.writeEnd(stream);
    return false;
  }

  private countData(stream: Http2Stream, length: number): void {
    this.count(FRAME_HEADER_SIZE + length, false);
    this.dataFrames++;
    stream.bytesMeter.wireBytesSent += FRAME_HEADER_SIZE + length;
    if (stream.shownPending > 0) this.showPending(stream, stream.pendingBytes);
  }

  private writeEnd(stream: Http2Stream): void {
    const trailers = stream.trailers;
    if (trailers === null) {
      writeData(this.connection, stream.codecStreamId, stream, 0, true);
      this.countData(stream, 0);
    } else {
      stream.trailers = null;
      this.countHeaders(stream, writeHeaders(this.connection, this.encoder, stream.codecStreamId, trailers, true, this.peerMaxFrameSize));
    }
    this.endWritten(stream);
  }

  /** The peer's window is used up: what is left outlives the turn. */
  private holdBack(stream: Http2Stream): void {
    stream.keep();
    if (stream.shownPending !== stream.pendingBytes) this.showPending(stream, stream.pendingBytes);
  }

  private writeDeferredResets(): void {
    for (const stream of this.deferred) {
      if (stream.closed || (stream.endSent && stream.remoteEnded)) continue;
      this.writeReset(stream.codecStreamId, stream.endSent ? this.lateCode(stream) : stream.resetToSend, bytesLeft(stream));
      stream.bytesMeter.wireBytesSent += FRAME_HEADER_SIZE + 4;
      stream.resetDeferred = false;
      this.finished.push(stream);
    }
    this.deferred.length = 0;
  }

  /** The whole response went out before the reset: then it says that nothing went wrong. */
  private lateCode(stream: Http2Stream): number {
    return stream.resetToSend === INTERNAL_ERROR ? NO_ERROR : stream.resetToSend;
  }

  /** What the written frames mean for their streams. */
  private tellFinished(): void {
    const lowered = this.lowered;
    for (let i = 0; i < lowered.length; i++) if (!lowered[i].closed) lowered[i].onDataSent();
    lowered.length = 0;
    const finished = this.finished;
    for (let i = 0; i < finished.length; i++) {
      const stream = finished[i];
      if (stream.closed) continue;
      if (stream.endSent && !stream.isResetTold && stream.resetToSend === NO_RESET) stream.runEncodeComplete();
      if (stream.resetToSend !== NO_RESET && !stream.inQueue && !stream.resetDeferred) this.closeStream(stream, stream.resetToSend);
      else if (stream.endSent && stream.remoteEnded) this.closeStream(stream, NO_ERROR);
    }
    finished.length = 0;
  }

  /** Tells the peer why the connection ends, and sends nothing else any more (but our settings, which must come first). */
  protected writeFinalGoAway(lastStreamId: number, code: number, reason: string): void {
    if (this.flushing) {
      bug('http2: goaway inside of a flush');
      return;
    }
    beginOutput();
    this.writePreface();
    writeFrame(this.connection, FRAME_GOAWAY, 0, 0, goAwayPayload(lastStreamId, code, reason));
    endOutput(this.connection);
  }
}

/** Of the peer's declared body, or -1. */
function bytesLeft(stream: Http2Stream): number {
  return stream.contentLength < 0 ? -1 : stream.contentLength - stream.receivedLength;
}

/** Rounds of one flush; each but the first is caused by callbacks of the one before. */
const MOST_ROUNDS = 64;
