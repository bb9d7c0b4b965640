import { GRPC_FLAG_COMPRESSED } from './frame.ts';
import { GrpcFrameHeaderReader } from './frame-header.ts';

/** What `decode` answers. */
export const GRPC_DECODE_OK = 0;
/** A flag is set that the decoder was not told to take. */
export const GRPC_DECODE_BAD_FLAGS = 1;
/** A message says that it is longer than the limit. */
export const GRPC_DECODE_TOO_LARGE = 2;
export type GrpcDecodeResult = 0 | 1 | 2;

/** Gets the messages of a decoder. */
export interface GrpcMessageSink {
  /**
   * One whole message (may be empty). `data` is only valid during the call: copy what is kept. The receiver MAY call `close()` of the
   * decoder; nothing comes afterwards.
   */
  onMessage(flags: number, data: Buffer): void;
}

/** First room for a message that comes in pieces: what a peer only claims is not allocated. */
const FIRST_ROOM = 1_024;
const NOTHING = Buffer.alloc(0);

/**
 * Messages out of a stream of bytes: one decoder a direction of a stream. A message that lies whole in the bytes given is handed on without
 * a copy; one in pieces is gathered, at most `maxMessageBytes` of it, in a buffer that grows with what has really come. An error is
 * final: the decoder says it again for all that follows.
 */
export class GrpcFrameDecoder {
  private readonly maxMessageBytes: number;
  private readonly allowedFlags: number;
  private readonly header: GrpcFrameHeaderReader;
  private inMessage: boolean;
  /** The message in pieces. */
  private gathered: Buffer;
  private gatheredBytes: number;
  private failure: GrpcDecodeResult;
  private closed: boolean;

  /**
   * @param maxMessageBytes a longer message is an error; pass what the stream may buffer (Infinity only where the bytes are bounded elsewhere)
   * @param allowedFlags bits that a frame may have: gRPC has GRPC_FLAG_COMPRESSED only
   */
  constructor(maxMessageBytes: number, allowedFlags: number = GRPC_FLAG_COMPRESSED) {
    this.maxMessageBytes = maxMessageBytes;
    this.allowedFlags = allowedFlags;
    this.header = new GrpcFrameHeaderReader();
    this.inMessage = false;
    this.gathered = NOTHING;
    this.gatheredBytes = 0;
    this.failure = GRPC_DECODE_OK;
    this.closed = false;
  }

  /** Bytes of an unfinished frame have been taken: an end of the stream now cuts a message. */
  get hasPartial(): boolean {
    return this.inMessage || this.header.seen > 0;
  }

  /** Bytes of the unfinished message that are held here. */
  get pendingBytes(): number {
    return this.gatheredBytes;
  }

  /** Bytes that the message begun still lacks; 0 between messages and within a header. */
  get missingBytes(): number {
    return this.inMessage ? this.header.length - this.gatheredBytes : 0;
  }

  /** Length that the message begun has said; 0 between messages. */
  get messageBytes(): number {
    return this.inMessage ? this.header.length : 0;
  }

  /** Takes all of `data`; whole messages go to `sink` in order. */
  decode(data: Buffer, sink: GrpcMessageSink): GrpcDecodeResult {
    let at = 0;
    while (at < data.length && !this.closed && this.failure === GRPC_DECODE_OK) {
      at = this.inMessage ? this.takeMessage(data, at, sink) : this.takeHeader(data, at, sink);
    }
    return this.failure;
  }

  /** No more messages, also none of the bytes being decoded. */
  close(): void {
    this.closed = true;
    this.inMessage = false;
    this.gathered = NOTHING;
    this.gatheredBytes = 0;
  }

  private takeHeader(data: Buffer, from: number, sink: GrpcMessageSink): number {
    const header = this.header;
    let at = from;
    while (at < data.length) {
      const complete = header.read(data[at++]);
      if ((header.flags & ~this.allowedFlags) !== 0) {
        this.failure = GRPC_DECODE_BAD_FLAGS;
        return at;
      }
      if (!complete) continue;
      if (header.length > this.maxMessageBytes) this.failure = GRPC_DECODE_TOO_LARGE;
      else if (header.length === 0) sink.onMessage(header.flags, NOTHING);
      else this.inMessage = true;
      return at;
    }
    return at;
  }

  private takeMessage(data: Buffer, from: number, sink: GrpcMessageSink): number {
    const { flags, length } = this.header;
    const missing = length - this.gatheredBytes;
    const end = Math.min(data.length, from + missing);
    if (this.gatheredBytes === 0 && end - from === length) {
      this.inMessage = false;
      sink.onMessage(flags, data.subarray(from, end));
      return end;
    }
    this.gather(data, from, end);
    if (this.gatheredBytes === length) {
      const message = this.gathered.subarray(0, length);
      this.inMessage = false;
      this.gathered = NOTHING;
      this.gatheredBytes = 0;
      sink.onMessage(flags, message);
    }
    return end;
  }

  /** Grows by doubling up to the length said, so that any number of small pieces costs two copies a byte at most. */
  private gather(data: Buffer, from: number, end: number): void {
    const needed = this.gatheredBytes + end - from;
    if (needed > this.gathered.length) {
      const room = Math.min(this.header.length, Math.max(needed, this.gathered.length * 2, FIRST_ROOM));
      const larger = Buffer.allocUnsafeSlow(room);
      this.gathered.copy(larger, 0, 0, this.gatheredBytes);
      this.gathered = larger;
    }
    data.copy(this.gathered, this.gatheredBytes, from, end);
    this.gatheredBytes = needed;
  }
}
