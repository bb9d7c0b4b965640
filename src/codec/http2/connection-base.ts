import type { CodecConnection } from '../../contract/codec.ts';
import type { HeaderMap } from '../../contract/header-map.ts';
import {
  DETAILS_EMPTY_FRAMES,
  DETAILS_HEADER_LIST_TOO_LARGE,
  DETAILS_INVALID_HEADER_FIELD,
  DETAILS_MESSAGING,
  DETAILS_TOO_MANY_HEADERS,
  DETAILS_UNDERSCORE,
  DETAILS_UNKNOWN,
} from './details.ts';
import { codecError, TEXT_TOO_MANY_CONTINUATIONS } from './errors.ts';
import { FrameReceiver } from './frame-receiver.ts';
import {
  COMPRESSION_ERROR,
  ENHANCE_YOUR_CALM,
  FLAG_END_HEADERS,
  FLAG_END_STREAM,
  FLAG_PADDED,
  FLAG_PRIORITY,
  FRAME_CONTINUATION,
  FRAME_GOAWAY,
  FRAME_HEADER_SIZE,
  FRAME_HEADERS,
  FRAME_METADATA,
  FRAME_PING,
  FRAME_PRIORITY,
  FRAME_RST_STREAM,
  FRAME_SETTINGS,
  FRAME_SIZE_ERROR,
  FRAME_WINDOW_UPDATE,
  INTERNAL_ERROR,
  PROTOCOL_ERROR,
  readUint31,
} from './frame.ts';
import {
  BLOCK_INVALID_FIELD,
  BLOCK_MALFORMED,
  BLOCK_OK,
  BLOCK_REQUEST_TRAILERS,
  BLOCK_TOO_LARGE,
  BLOCK_TOO_MANY,
  BLOCK_UNDERSCORE,
  HeaderBlock,
} from './header-block.ts';
import type { BlockKind, BlockResult } from './header-block.ts';
import { DEFAULT_HEADER_TABLE_SIZE, HPACK_OK, HpackDecoder } from './hpack/index.ts';
import type { HeaderSink } from './hpack/index.ts';
import type { Http2ConnectionControls, Http2ConnectionOptions } from './options.ts';
import type { Http2Settings } from './settings.ts';
import type { Http2CodecStats } from './stats.ts';
import type { Http2Stream } from './stream.ts';

/** What `openBlock` makes of HEADERS. */
export const TAKE_BLOCK = 0;
/** Decoded for the tables' sake only. */
export const SKIP_BLOCK = 1;
/** An error was reported. */
export const REFUSE_BLOCK = 2;
/** As SKIP_BLOCK, for a stream that we have reset while its peer went on: these are its trailers, and nonsense in them is still an error. */
export const CHECK_BLOCK = 3;
export type BlockVerdict = 0 | 1 | 2 | 3;

/** CONTINUATION frames of a connection's life in a row, by role, as Envoy sets them. */
const MAX_CONTINUATIONS_SERVER = 512;
const MAX_CONTINUATIONS_CLIENT = 1024;
/** A coded block may be this many times longer than the headers that are allowed: the excess is decoded and thrown away. More ends the connection. */
const BLOCK_LIMIT_FACTOR = 4;

const NOWHERE: HeaderSink = { onHeader: () => false };

/** Header blocks and stream resets, for both roles. Settings and the rest of what concerns the whole connection is in the next class. */
export abstract class HeaderReceiver extends FrameReceiver implements Http2ConnectionControls {
  protected readonly block: HeaderBlock;
  protected readonly decoder: HpackDecoder;
  /** The block being gathered: its coded bytes, the flags and the length of its frames, whose it is. */
  private gathered: Buffer | null;
  private gatheredLength: number;
  private blockFlags: number;
  private blockBytes: number;
  private blockVerdict: BlockVerdict;
  private blockStream: Http2Stream | null;
  private continuations: number;

  constructor(isServer: boolean, connection: CodecConnection, settings: Http2Settings, stats: Http2CodecStats, options: Http2ConnectionOptions) {
    super(isServer, connection, settings, stats, options);
    this.block = new HeaderBlock(options, isServer && settings.allowConnect, settings.disallowObsText);
    this.decoder = new HpackDecoder(DEFAULT_HEADER_TABLE_SIZE, settings.maxHeaderFieldBytes);
    this.gathered = null;
    this.gatheredLength = 0;
    this.blockFlags = 0;
    this.blockBytes = 0;
    this.blockVerdict = SKIP_BLOCK;
    this.blockStream = null;
    this.continuations = 0;
  }

  /** HEADERS begin: finds or makes the stream. TAKE_BLOCK sets `opened`. */
  protected abstract openBlock(streamId: number, stream: Http2Stream | undefined, dependsOnItself: boolean): BlockVerdict;
  /** The stream of the block that `openBlock` takes. */
  protected opened: Http2Stream | null = null;
  protected abstract blockKind(stream: Http2Stream): BlockKind;
  protected abstract isConnectResponse(stream: Http2Stream): boolean;
  /** The block is a sound message head or trailers; hands it on. */
  protected abstract onHeaders(stream: Http2Stream, headers: HeaderMap, kind: BlockKind, endStream: boolean): void;
  /** What the head says of the body: false when that cannot be with END_STREAM. */
  protected abstract takeLength(stream: Http2Stream, kind: BlockKind, endStream: boolean): boolean;
  protected abstract onReset(stream: Http2Stream | undefined, streamId: number, code: number): boolean;
  protected abstract onControl(data: Buffer, start: number, length: number, type: number, flags: number, streamId: number): boolean;
  protected abstract onMetadata(data: Buffer, start: number, length: number, flags: number, streamId: number): boolean;

  protected onFrame(data: Buffer, start: number, length: number, type: number, flags: number, streamId: number): boolean {
    switch (type) {
      case FRAME_HEADERS:
        return this.readHeaders(data, start, length, flags, streamId);
      case FRAME_CONTINUATION:
        return this.readContinuation(data, start, length, flags);
      case FRAME_RST_STREAM:
        return this.readReset(data, start, length, streamId);
      case FRAME_PRIORITY:
        return this.readPriority(data, start, length, streamId);
      case FRAME_METADATA:
        return this.onMetadata(data, start, length, flags, streamId);
      case FRAME_SETTINGS:
      case FRAME_PING:
      case FRAME_GOAWAY:
      case FRAME_WINDOW_UPDATE:
        return this.onControl(data, start, length, type, flags, streamId);
      default:
        // PUSH_PROMISE: clients may not send it, and servers were told not to.
        return this.failFrame(streamId, 'PUSH_PROMISE: push disabled');
    }
  }

  /** The frame is no frame of this type: the stream learns that, and the connection ends. */
  protected failFrame(streamId: number, reason: string, code = PROTOCOL_ERROR): false {
    this.streams.get(streamId)?.setDetails(DETAILS_UNKNOWN);
    return this.terminate(code, reason);
  }

  private readHeaders(data: Buffer, start: number, length: number, flags: number, streamId: number): boolean {
    let from = start;
    let to = start + length;
    if ((flags & FLAG_PADDED) !== 0) {
      if (length === 0) return this.terminate(PROTOCOL_ERROR, 'HEADERS: insufficient padding space');
      const padding = data[from++];
      if (padding > to - from) return this.terminate(PROTOCOL_ERROR, 'HEADERS: invalid padding');
      to -= padding;
    }
    let dependsOnItself = false;
    if ((flags & FLAG_PRIORITY) !== 0) {
      if (to - from < 5) return this.terminate(FRAME_SIZE_ERROR, '');
      dependsOnItself = readUint31(data, from) === streamId;
      from += 5;
    }
    if (this.headersBegun) this.headersBegun = false;
    else if (!this.beginHeaders(length, flags, streamId, dependsOnItself)) return false;
    if ((flags & FLAG_END_HEADERS) !== 0) return this.decodeBlock(data, from, to);
    this.continuationOf = streamId;
    this.gatheredLength = 0;
    return this.gather(data, from, to);
  }

  protected beginHeaders(length: number, flags: number, streamId: number, dependsOnItself: boolean): boolean {
    const stream = this.streams.get(streamId);
    const endStream = (flags & FLAG_END_STREAM) !== 0;
    if (!this.guard.onFrameReceived(FRAME_HEADERS, endStream, length === 0)) return this.onFloodError(stream ?? null);
    this.opened = null;
    this.blockVerdict = streamId === 0 ? this.refuseStreamZero() : this.openBlock(streamId, stream, dependsOnItself);
    if (this.blockVerdict === REFUSE_BLOCK || this.error !== null) return false;
    if (this.blockVerdict === SKIP_BLOCK && !this.glitch()) return false;
    this.blockStream = this.blockVerdict === TAKE_BLOCK ? this.opened : null;
    this.blockFlags = flags;
    this.blockBytes = length;
    this.continuations = 0;
    return true;
  }

  private refuseStreamZero(): BlockVerdict {
    this.terminate(PROTOCOL_ERROR, 'HEADERS: stream_id == 0');
    return REFUSE_BLOCK;
  }

  private readContinuation(data: Buffer, start: number, length: number, flags: number): boolean {
    if (this.continuationOf === 0) return this.terminate(PROTOCOL_ERROR, 'CONTINUATION: unexpected');
    if (++this.continuations > (this.isServer ? MAX_CONTINUATIONS_SERVER : MAX_CONTINUATIONS_CLIENT)) {
      this.judgeUnfinished();
      return this.terminate(ENHANCE_YOUR_CALM, TEXT_TOO_MANY_CONTINUATIONS, codecError(TEXT_TOO_MANY_CONTINUATIONS));
    }
    if (this.blockVerdict === TAKE_BLOCK && !this.guard.onFrameReceived(FRAME_CONTINUATION, false, length === 0)) {
      return this.onFloodError(this.blockStream);
    }
    this.blockBytes += length;
    if (!this.gather(data, start, start + length)) return false;
    if ((flags & FLAG_END_HEADERS) === 0) return true;
    this.continuationOf = 0;
    const gathered = this.gathered;
    this.gathered = null;
    return gathered === null || this.decodeBlock(gathered, 0, this.gatheredLength);
  }

  private gather(data: Buffer, from: number, to: number): boolean {
    const length = this.gatheredLength + to - from;
    if (length > BLOCK_LIMIT_FACTOR * this.options.maxHeadersBytes) {
      this.judgeUnfinished();
      return this.terminate(ENHANCE_YOUR_CALM, 'header block too large');
    }
    if (this.gathered === null || this.gathered.length < length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(1024, length * 2));
      if (this.gathered !== null) this.gathered.copy(larger, 0, 0, this.gatheredLength);
      this.gathered = larger;
    }
    data.copy(this.gathered, this.gatheredLength, from, to);
    this.gatheredLength = length;
    return true;
  }

  /** The connection ends because a block does not: what is wrong with the fields so far is told as if they had been read as they came. */
  private judgeUnfinished(): void {
    const stream = this.blockStream;
    if (stream === null || stream.closed || this.gathered === null) return;
    const kind = this.blockKind(stream);
    this.block.begin(kind, kind & 1 ? stream.contentLength : -1, this.isConnectResponse(stream));
    this.decoder.decode(this.gathered, 0, this.gatheredLength, this.block);
    const { result } = this.block;
    if (result === BLOCK_INVALID_FIELD) {
      stream.setDetails(DETAILS_INVALID_HEADER_FIELD);
      this.stats.rxMessagingError.inc();
    } else this.tellLimit(stream, result);
  }

  private decodeBlock(data: Buffer, from: number, to: number): boolean {
    const stream = this.blockStream;
    this.blockStream = null;
    if (stream === null || stream.closed) return this.decodeUnwanted(data, from, to);
    const kind = this.blockKind(stream);
    const block = this.block;
    block.begin(kind, kind & 1 ? stream.contentLength : -1, this.isConnectResponse(stream));
    if (this.decoder.decode(data, from, to, block) !== HPACK_OK && (block.result !== BLOCK_INVALID_FIELD || this.settings.streamErrorOnInvalidHttpMessage)) {
      // A field before the fault that ends the connection by itself would go first.
      return this.terminate(COMPRESSION_ERROR, '');
    }
    const endStream = (this.blockFlags & FLAG_END_STREAM) !== 0;
    block.finish(endStream);
    for (let i = block.droppedUnderscores; i > 0; i--) this.stats.droppedHeadersWithUnderscores.inc();
    if (block.result === BLOCK_OK && !this.takeLength(stream, kind, endStream)) block.result = BLOCK_MALFORMED;
    if (block.result !== BLOCK_OK) return this.refuseMessage(stream, block.result);
    const bytes = this.blockBytes + FRAME_HEADER_SIZE;
    stream.bytesMeter.wireBytesReceived += bytes;
    stream.bytesMeter.headerBytesReceived += bytes;
    if (endStream) stream.remoteEnded = true;
    this.onHeaders(stream, block.headers, kind, endStream);
    if (endStream) this.closeIfDone(stream);
    return this.error === null;
  }

  private decodeUnwanted(data: Buffer, from: number, to: number): boolean {
    if (this.blockVerdict !== CHECK_BLOCK || this.settings.streamErrorOnInvalidHttpMessage) return this.decode(data, from, to, NOWHERE);
    this.block.begin(BLOCK_REQUEST_TRAILERS, -1, false);
    if (!this.decode(data, from, to, this.block)) return false;
    this.block.finish((this.blockFlags & FLAG_END_STREAM) !== 0);
    const { result } = this.block;
    if (result !== BLOCK_INVALID_FIELD && result !== BLOCK_MALFORMED) return true;
    this.stats.rxMessagingError.inc();
    return this.terminate(PROTOCOL_ERROR, result === BLOCK_MALFORMED ? DETAILS_MESSAGING : DETAILS_INVALID_HEADER_FIELD);
  }

  private decode(data: Buffer, from: number, to: number, sink: HeaderSink): boolean {
    return this.decoder.decode(data, from, to, sink) === HPACK_OK || this.terminate(COMPRESSION_ERROR, '');
  }

  /** The message cannot be taken: its stream ends, or its connection. */
  private refuseMessage(stream: Http2Stream, result: BlockResult): boolean {
    if (result === BLOCK_INVALID_FIELD || result === BLOCK_MALFORMED) {
      stream.setDetails(result === BLOCK_MALFORMED ? DETAILS_MESSAGING : DETAILS_INVALID_HEADER_FIELD);
      this.stats.rxMessagingError.inc();
      if (!this.settings.streamErrorOnInvalidHttpMessage) return this.terminate(PROTOCOL_ERROR, stream.responseDetails);
      stream.messagingError = true;
      stream.resetByCodec(PROTOCOL_ERROR);
    } else {
      this.tellLimit(stream, result);
      stream.resetByCodec(INTERNAL_ERROR);
    }
    return this.glitch();
  }

  private tellLimit(stream: Http2Stream, result: BlockResult): void {
    if (result === BLOCK_UNDERSCORE) {
      stream.setDetails(DETAILS_UNDERSCORE);
      this.stats.requestsRejectedWithUnderscoresInHeaders.inc();
    } else if (result === BLOCK_TOO_MANY) {
      stream.setDetails(DETAILS_TOO_MANY_HEADERS);
      this.stats.headerOverflow.inc();
    } else if (result === BLOCK_TOO_LARGE) {
      stream.setDetails(DETAILS_HEADER_LIST_TOO_LARGE);
      this.stats.headerListSizeTooLarge.inc();
    }
  }

  private readReset(data: Buffer, start: number, length: number, streamId: number): boolean {
    if (length !== 4) return this.terminate(FRAME_SIZE_ERROR, '');
    if (streamId === 0) return this.failFrame(0, 'RST_STREAM: stream_id == 0');
    if (this.isIdle(streamId)) return this.failFrame(0, 'RST_STREAM: stream in idle');
    const code = (readUint31(data, start) | (data[start] & 0x80 ? 0x8000_0000 : 0)) >>> 0;
    const stream = this.streams.get(streamId);
    if (stream !== undefined) {
      stream.bytesMeter.wireBytesReceived += FRAME_HEADER_SIZE + 4;
      stream.remoteReset = true;
      this.stats.rxReset.inc();
    }
    return this.onReset(stream, streamId, code);
  }

  /** Priorities are history (RFC 9113 section 5.3): only their form, and their number, matter. */
  private readPriority(data: Buffer, start: number, length: number, streamId: number): boolean {
    if (length !== 5) return this.terminate(FRAME_SIZE_ERROR, '');
    if (!this.guard.onFrameReceived(FRAME_PRIORITY, false, false)) return this.onFloodError(null);
    if (streamId === 0 || readUint31(data, start) === streamId) {
      return this.failFrame(streamId, streamId === 0 ? 'PRIORITY: stream_id == 0' : 'PRIORITY: depend on itself');
    }
    return this.glitch();
  }

  protected onFloodError(stream: Http2Stream | null): false {
    const violation = this.guard.violation;
    if (violation !== null && violation.message.startsWith('Too many consecutive')) stream?.setDetails(DETAILS_EMPTY_FRAMES);
    return violation === null ? false : this.terminate(ENHANCE_YOUR_CALM, violation.message, violation);
  }

  abstract sendPing(high: number, low: number): void;
}
