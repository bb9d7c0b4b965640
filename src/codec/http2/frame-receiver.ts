import type { CodecConnection } from '../../contract/codec.ts';
import type { CodecError } from '../../contract/errors.ts';
import { PROTOCOL_HTTP2 } from '../../contract/stream-info.ts';
import type { Protocol } from '../../contract/stream-info.ts';
import { codecError, TEXT_BAD_PREFACE, TEXT_REFUSED } from './errors.ts';
import { FrameSender } from './frame-sender.ts';
import {
  DEFAULT_MAX_FRAME_SIZE,
  ENHANCE_YOUR_CALM,
  FLAG_ACK,
  FLAG_END_STREAM,
  FLAG_PADDED,
  FLAG_PRIORITY,
  FLOW_CONTROL_ERROR,
  FRAME_CONTINUATION,
  FRAME_DATA,
  FRAME_HEADER_SIZE,
  FRAME_HEADERS,
  FRAME_METADATA,
  FRAME_PING,
  FRAME_SETTINGS,
  FRAME_SIZE_ERROR,
  PREFACE,
  PROTOCOL_ERROR,
  readUint24,
  readUint31,
  STREAM_CLOSED,
} from './frame.ts';
import type { Http2ConnectionOptions } from './options.ts';
import { RateLimit } from './rate-limit.ts';
import { ReceiveWindow } from './receive-window.ts';
import type { Http2Settings } from './settings.ts';
import type { Http2CodecStats } from './stats.ts';
import { NO_RESET } from './stream.ts';
import type { Http2Stream } from './stream.ts';

const EMPTY: Buffer = Buffer.alloc(0);

/** Events that a sane peer seldom causes: at first and at most so many, and more each second. */
const GLITCH_BURST = 10_000;
const GLITCH_RATE = 330;

/**
 * The receiving half: cuts the input into frames, whatever the pieces it comes in, and reads DATA. Bodies go through as slices of the input;
 * of other frames what is incomplete is kept, at most one frame. Types with a meaning of their own are the subclasses' affair.
 */
export abstract class FrameReceiver extends FrameSender {
  readonly protocol: Protocol;
  lastReceivedTime: number;
  /** Why the connection ends, or null. */
  protected error: CodecError | null;
  /** Highest stream id of the peer's that was seen, and that was taken. */
  protected lastReceivedId: number;
  protected lastTakenId: number;
  protected maxFrameSize: number;
  /** What new streams give the peer: our setting once it is acknowledged. */
  protected initialWindow: number;
  /** A header block is open: only CONTINUATION of this stream may come; 0 = none is. */
  protected continuationOf: number;
  private prefaceLeft: number;
  private firstFrame: boolean;
  /** An incomplete frame, or its header. */
  private partial: Buffer;
  private partialLength: number;
  /** The kept frame is HEADERS, and its stream has begun. */
  protected headersBegun: boolean;
  /** Bytes of a frame that is skipped. */
  private skipLeft: number;
  /** The DATA frame being read: its stream (null = ignored), payload bytes to come, of those the padding behind the body, sizes and flags. */
  private bodyStream: Http2Stream | null;
  private bodyStreamId: number;
  private payloadLeft: number;
  private paddingLeft: number;
  private bodyLength: number;
  private bodyFrameLength: number;
  private bodyFlags: number;
  private readonly glitches: RateLimit;

  constructor(isServer: boolean, connection: CodecConnection, settings: Http2Settings, stats: Http2CodecStats, options: Http2ConnectionOptions) {
    super(isServer, connection, settings, stats, options);
    this.protocol = PROTOCOL_HTTP2;
    this.lastReceivedTime = options.clock.now();
    this.error = null;
    this.lastReceivedId = 0;
    this.lastTakenId = 0;
    this.maxFrameSize = DEFAULT_MAX_FRAME_SIZE;
    this.initialWindow = 65_535;
    this.continuationOf = 0;
    this.prefaceLeft = isServer ? PREFACE.length : 0;
    this.firstFrame = true;
    this.partial = EMPTY;
    this.partialLength = 0;
    this.headersBegun = false;
    this.skipLeft = 0;
    this.bodyStream = null;
    this.bodyStreamId = 0;
    this.payloadLeft = 0;
    this.paddingLeft = 0;
    this.bodyLength = 0;
    this.bodyFrameLength = 0;
    this.bodyFlags = 0;
    this.glitches = new RateLimit(GLITCH_BURST, GLITCH_RATE);
  }

  /** A complete frame that is not DATA; `start` is where its payload begins. False after an error. */
  protected abstract onFrame(data: Buffer, start: number, length: number, type: number, flags: number, streamId: number): boolean;
  /** Body for a stream that takes it. */
  protected abstract onBody(stream: Http2Stream, data: Buffer, endStream: boolean): void;
  /** Whether the id was never used by its owner. */
  protected abstract isIdle(streamId: number): boolean;

  /** Feeds bytes. Answers leave before it returns. */
  dispatch(data: Buffer): CodecError | null {
    if (this.dead) return null;
    if (this.isServer && this.guard.violation !== null) return this.die(this.guard.violation);
    this.lastReceivedTime = this.options.clock.now();
    this.prefaceWanted = true;
    this.guard.settle(this.connection.pendingWriteBytes);
    this.dispatching = true;
    this.consume(data);
    if (this.partialLength >= FRAME_HEADER_SIZE && this.error === null && !this.dead) this.beginPartial();
    this.dispatching = false;
    if (this.error !== null) return this.die(this.error);
    if (this.dead) return null;
    const violation = this.flush();
    return violation === null ? null : this.die(violation);
  }

  private die(error: CodecError): CodecError {
    this.dead = true;
    this.partial = EMPTY;
    return error;
  }

  /**
   * Ends the connection with a GOAWAY that says why (RFC 9113 section 5.4.1; Envoy often keeps silent). Returns false, for callers'
   * convenience.
   */
  protected terminate(code: number, reason: string, error = codecError(TEXT_REFUSED)): false {
    if (this.error !== null) return false;
    this.error = error;
    this.writeFinalGoAway(this.lastTakenId, code, reason);
    return false;
  }

  /** Something suspicious that is no error. False when it was once too often. */
  protected glitch(): boolean {
    return this.glitches.take(this.lastReceivedTime) || this.terminate(ENHANCE_YOUR_CALM, '');
  }

  private consume(data: Buffer): void {
    const end = data.length;
    let pos = this.prefaceLeft > 0 ? this.readPreface(data) : 0;
    while (pos < end && this.error === null && !this.dead) {
      if (this.payloadLeft > 0) pos = this.readBody(data, pos, end);
      else if (this.skipLeft > 0) {
        const take = Math.min(this.skipLeft, end - pos);
        this.skipLeft -= take;
        pos += take;
      } else if (this.partialLength > 0) pos = this.completePartial(data, pos, end);
      else pos = this.readFrame(data, pos, end);
    }
  }

  private readPreface(data: Buffer): number {
    const from = PREFACE.length - this.prefaceLeft;
    const take = Math.min(this.prefaceLeft, data.length);
    if (PREFACE.compare(data, 0, take, from, from + take) !== 0) {
      // Whatever the peer speaks, a frame would tell it nothing.
      this.error = codecError(TEXT_BAD_PREFACE);
      return data.length;
    }
    this.prefaceLeft -= take;
    return take;
  }

  /** Reads a frame at `pos`, or keeps what there is of it. Returns where to go on. */
  private readFrame(data: Buffer, pos: number, end: number): number {
    if (end - pos < FRAME_HEADER_SIZE) return this.keepPartial(data, pos, end, FRAME_HEADER_SIZE);
    const length = readUint24(data, pos);
    const type = data[pos + 3];
    const flags = data[pos + 4];
    const streamId = readUint31(data, pos + 5);
    if (!this.checkHeader(length, type, flags, streamId)) return end;
    const start = pos + FRAME_HEADER_SIZE;
    if (type === FRAME_DATA) {
      if ((flags & FLAG_PADDED) !== 0 && length > 0 && start === end) return this.keepPartial(data, pos, end, FRAME_HEADER_SIZE + 1);
      return this.beginBody(data, start, length, flags, streamId);
    }
    if (type > FRAME_CONTINUATION && (type !== FRAME_METADATA || !this.settings.allowMetadata)) {
      this.options.listener?.onFrameReceived();
      this.skipLeft = length;
      return this.glitch() ? start : end;
    }
    if (end - start < length) return this.keepPartial(data, pos, end, FRAME_HEADER_SIZE + length);
    if (!this.takeFrame(data, start, length, type, flags, streamId)) return end;
    return start + length;
  }

  /** A stream begins with the head of its HEADERS frame: the owner's timeouts run while the rest of it drips in. */
  private beginPartial(): void {
    const { partial } = this;
    if (partial[3] !== FRAME_HEADERS || this.headersBegun) return;
    const length = readUint24(partial, 0);
    const flags = partial[4];
    const streamId = readUint31(partial, 5);
    const isPadded = (flags & FLAG_PADDED) !== 0;
    const hasPriority = (flags & FLAG_PRIORITY) !== 0;
    const prefix = (isPadded ? 1 : 0) + (hasPriority ? 5 : 0);
    // What makes the whole frame an error makes no stream.
    if (this.partialLength < FRAME_HEADER_SIZE + prefix || length < prefix || (isPadded && partial[FRAME_HEADER_SIZE] > length - prefix)) return;
    this.headersBegun = true;
    this.beginHeaders(length, flags, streamId, hasPriority && readUint31(partial, FRAME_HEADER_SIZE + prefix - 5) === streamId);
  }

  /** HEADERS begin: finds or makes the stream. False after an error. */
  protected abstract beginHeaders(length: number, flags: number, streamId: number, dependsOnItself: boolean): boolean;

  private takeFrame(data: Buffer, start: number, length: number, type: number, flags: number, streamId: number): boolean {
    const listener = this.options.listener;
    if (listener !== null && (type !== FRAME_PING || (flags & FLAG_ACK) === 0)) listener.onFrameReceived();
    return this.onFrame(data, start, length, type, flags, streamId);
  }

  private checkHeader(length: number, type: number, flags: number, streamId: number): boolean {
    if (this.lacksSettings(type, flags)) return this.terminate(PROTOCOL_ERROR, 'SETTINGS expected');
    this.firstFrame = false;
    if (length > this.maxFrameSize) return this.terminate(FRAME_SIZE_ERROR, 'too large frame size');
    return !this.breaksBlock(type, streamId) || this.terminate(PROTOCOL_ERROR, 'unexpected non-CONTINUATION frame or stream_id is invalid');
  }

  /** The first frame, and not what it has to be (section 3.4). */
  private lacksSettings(type: number, flags: number): boolean {
    return this.firstFrame && (type !== FRAME_SETTINGS || (flags & FLAG_ACK) !== 0);
  }

  /** A header block is open, and this is not its continuation. */
  private breaksBlock(type: number, streamId: number): boolean {
    return this.continuationOf !== 0 && (type !== FRAME_CONTINUATION || streamId !== this.continuationOf);
  }

  /** Keeps the beginning of a frame that needs `size` bytes before it can be read. */
  private keepPartial(data: Buffer, pos: number, end: number, size: number): number {
    if (this.partial.length < size) {
      const larger = Buffer.allocUnsafeSlow(size);
      this.partial.copy(larger, 0, 0, this.partialLength);
      this.partial = larger;
    }
    data.copy(this.partial, this.partialLength, pos, end);
    this.partialLength += end - pos;
    return end;
  }

  /** Adds input to the kept beginning until a frame can be read. */
  private completePartial(data: Buffer, from: number, end: number): number {
    let pos = from;
    for (;;) {
      const needed = this.neededOfPartial();
      if (this.partialLength < needed) {
        const take = Math.min(needed - this.partialLength, end - pos);
        pos = this.keepPartial(data, pos, pos + take, needed);
        if (this.partialLength < needed) return pos;
      }
      if (needed > FRAME_HEADER_SIZE || this.partialIsEnough()) break;
    }
    const frame = this.partial.subarray(0, this.partialLength);
    this.partial = EMPTY;
    this.partialLength = 0;
    this.readFrame(frame, 0, frame.length);
    return pos;
  }

  /** Bytes without which the kept frame cannot be read further. */
  private neededOfPartial(): number {
    if (this.partialLength < FRAME_HEADER_SIZE) return FRAME_HEADER_SIZE;
    const length = readUint24(this.partial, 0);
    const type = this.partial[3];
    // What is wrong already needs no payload.
    if (length > this.maxFrameSize || this.lacksSettings(type, this.partial[4]) || this.breaksBlock(type, readUint31(this.partial, 5))) return FRAME_HEADER_SIZE;
    if (type === FRAME_DATA) return FRAME_HEADER_SIZE + ((this.partial[4] & FLAG_PADDED) !== 0 && length > 0 ? 1 : 0);
    if (type > FRAME_CONTINUATION && (type !== FRAME_METADATA || !this.settings.allowMetadata)) return FRAME_HEADER_SIZE;
    return FRAME_HEADER_SIZE + length;
  }

  private partialIsEnough(): boolean {
    return this.partialLength >= this.neededOfPartial();
  }

  /** A DATA frame: may it come, and for whom? Returns where its body begins. */
  private beginBody(data: Buffer, start: number, length: number, flags: number, streamId: number): number {
    this.options.listener?.onFrameReceived();
    const stream = this.streams.get(streamId);
    const refusal = this.refuseBody(stream, streamId);
    if (refusal !== '') {
      this.terminate(refusal.endsWith('closed') || refusal.endsWith('(remote)') ? STREAM_CLOSED : PROTOCOL_ERROR, refusal);
      return data.length;
    }
    const ignored = stream === undefined || stream.isClosing;
    this.bodyStream = ignored ? null : stream;
    this.bodyStreamId = streamId;
    this.bodyFrameLength = length;
    this.bodyFlags = flags;
    this.paddingLeft = 0;
    this.payloadLeft = length;
    if ((flags & FLAG_PADDED) !== 0) return this.beginPadded(data, start, length);
    this.bodyLength = length;
    if (length === 0) this.endOfBodyFrame(EMPTY);
    return start;
  }

  private beginPadded(data: Buffer, start: number, length: number): number {
    if (length === 0 || data[start] > length - 1) {
      this.terminate(PROTOCOL_ERROR, length === 0 ? 'DATA: insufficient padding space' : 'DATA: invalid padding');
      return data.length;
    }
    this.paddingLeft = data[start];
    this.bodyLength = length - 1 - this.paddingLeft;
    // The length of the padding counts for the windows, as the padding does, and is consumed at once.
    if (!this.receive(this.bodyStream, 1)) return data.length;
    this.release(this.bodyStream, 1);
    this.payloadLeft = length - 1;
    if (this.payloadLeft === 0) this.endOfBodyFrame(EMPTY);
    return start + 1;
  }

  /** Why the connection ends because of DATA for this stream, or an empty text. */
  private refuseBody(stream: Http2Stream | undefined, streamId: number): string {
    if (streamId === 0) return 'DATA: stream_id == 0';
    if (stream === undefined) {
      if (this.isIdle(streamId)) return 'DATA: stream in idle';
      // Clients end streams as they like; servers have no reason to answer them still, but do no harm.
      return this.isServer && !this.resets.has(streamId) ? 'DATA: stream closed' : '';
    }
    if (stream.remoteEnded) return 'DATA: stream in half-closed(remote)';
    if (stream.headReceived || stream.isClosing) return '';
    if (!stream.interimReceived) return 'DATA: stream not opened';
    // Only this response is malformed.
    stream.resetByCodec(PROTOCOL_ERROR);
    return '';
  }

  private readBody(data: Buffer, pos: number, end: number): number {
    const take = Math.min(this.payloadLeft, end - pos);
    const stream = this.bodyStream === null || this.bodyStream.closed ? null : this.bodyStream;
    this.payloadLeft -= take;
    if (!this.receive(stream, take)) return end;
    const body = Math.min(take, Math.max(0, take + this.payloadLeft - this.paddingLeft));
    if (take > body) this.release(stream, take - body);
    const piece = body === 0 ? EMPTY : data.subarray(pos, pos + body);
    if (stream !== null && body > 0 && !this.countBody(stream, body)) return pos + take;
    if (stream === null && body > 0) this.release(null, body);
    if (this.payloadLeft > 0) {
      if (body > 0 && stream !== null) this.deliver(stream, piece, false);
    } else this.endOfBodyFrame(piece);
    return pos + take;
  }

  /** Takes bytes off the windows. False after the error when they were not ours to get. */
  private receive(stream: Http2Stream | null, length: number): boolean {
    if (!this.window.receive(length)) return this.terminate(FLOW_CONTROL_ERROR, '');
    if (stream === null) return true;
    stream.window ??= new ReceiveWindow(this.initialWindow);
    return stream.window.receive(length) || this.terminate(FLOW_CONTROL_ERROR, '');
  }

  /** Gives consumed bytes back to the windows. */
  private release(stream: Http2Stream | null, length: number): void {
    if (stream === null) this.consumeConnection(length);
    else this.onStreamConsumed(stream, length);
  }

  /** Body bytes against `content-length`, and for windows. False when the stream was reset for them. */
  private countBody(stream: Http2Stream, length: number): boolean {
    stream.receivedLength += length;
    if (stream.contentLength >= 0 && stream.receivedLength > stream.contentLength) {
      this.consumeConnection(length);
      stream.resetByCodec(PROTOCOL_ERROR);
      this.bodyStream = null;
      if (this.payloadLeft === 0) this.endOfBodyFrame(EMPTY);
      return false;
    }
    if (stream.isReadDisabled) stream.unconsumed += length;
    else this.release(stream, length);
    return true;
  }

  /** The last byte of a DATA frame is here; `piece` is the body that came with it. */
  private endOfBodyFrame(piece: Buffer): void {
    const stream = this.bodyStream;
    this.bodyStream = null;
    const endStream = (this.bodyFlags & FLAG_END_STREAM) !== 0;
    if (stream === null || stream.closed) {
      if (!this.resets.countBody(this.bodyStreamId, this.bodyLength, endStream)) this.queueRefusal(this.bodyStreamId, PROTOCOL_ERROR);
      return;
    }
    if (!this.guard.onFrameReceived(FRAME_DATA, endStream, this.bodyLength === 0)) {
      this.onFloodError(stream);
      return;
    }
    stream.bytesMeter.wireBytesReceived += this.bodyFrameLength + FRAME_HEADER_SIZE;
    if (!endStream) {
      if (piece.length > 0) this.deliver(stream, piece, false);
      else if (this.bodyLength === 0) this.glitch();
      return;
    }
    if (stream.contentLength >= 0 && stream.receivedLength !== stream.contentLength) {
      // The message is not complete: who waits for its end hears of the reset.
      stream.resetByCodec(PROTOCOL_ERROR);
      return;
    }
    stream.remoteEnded = true;
    this.deliver(stream, piece, true);
    this.closeIfDone(stream);
  }

  private deliver(stream: Http2Stream, piece: Buffer, endStream: boolean): void {
    if (!stream.isResetTold) this.onBody(stream, piece, endStream);
  }

  /** Both messages are complete: the stream is over. */
  protected closeIfDone(stream: Http2Stream): void {
    if (stream.remoteEnded && stream.endSent && !stream.closed && stream.resetToSend === NO_RESET) this.closeStream(stream, 0);
  }

  /** A limit of the guard's was passed. */
  protected abstract onFloodError(stream: Http2Stream | null): false;
}
