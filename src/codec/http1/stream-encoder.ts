import type { CodecConnection, Stream, StreamCallbacks, StreamResetReason } from '../../contract/codec.ts';
import type { HeaderMap } from '../../contract/header-map.ts';
import { BytesMeter } from '../../contract/stream-info.ts';
import { CRLF, LAST_CHUNK, writeTrailers } from './head-writer.ts';
import type { Http1Settings } from './settings.ts';
import type { Http1CodecStats } from './stats.ts';

/** What a stream asks of its connection. */
export interface StreamOwner {
  readonly stats: Http1CodecStats;
  readonly connection: CodecConnection;
  readonly settings: Http1Settings;
  /** The connection's write buffer is above its high mark. */
  readonly aboveHighWatermark: boolean;
  readonly bufferLimit: number;
  onStreamEncodeComplete(encoder: Http1StreamEncoder): void;
  onStreamReset(encoder: Http1StreamEncoder, reason: StreamResetReason): void;
}

/** Body framing and stream services of both roles; one object is encoder and stream. */
export class Http1StreamEncoder implements Stream {
  readonly bytesMeter: BytesMeter;
  readonly codecStreamId: number;
  /** HTTP/1 writes a message in the call that ends it. */
  readonly encodePending: boolean;
  responseDetails: string;
  /** Body goes out in chunks. */
  protected chunked: boolean;
  protected readonly owner: StreamOwner;
  /** The last byte was written. */
  encodeComplete: boolean;
  /** Nearly all streams have one or two listeners: places of their own save an array a request. */
  private first: StreamCallbacks | null;
  private second: StreamCallbacks | null;
  private others: StreamCallbacks[] | null;
  private readDisables: number;
  private gone: boolean;

  constructor(owner: StreamOwner) {
    this.bytesMeter = new BytesMeter();
    this.codecStreamId = 0;
    this.encodePending = false;
    this.responseDetails = '';
    this.chunked = true;
    this.owner = owner;
    this.encodeComplete = false;
    this.first = null;
    this.second = null;
    this.others = null;
    this.readDisables = 0;
    this.gone = false;
  }

  get stream(): Stream {
    return this;
  }

  get bufferLimit(): number {
    return this.owner.bufferLimit;
  }

  /** A stream that begins while the connection is full is told so at once. */
  addCallbacks(callbacks: StreamCallbacks): void {
    if (this.gone) return;
    if (this.first === null) this.first = callbacks;
    else if (this.second === null) this.second = callbacks;
    else (this.others ??= []).push(callbacks);
    if (this.owner.aboveHighWatermark) callbacks.onAboveWriteBufferHighWatermark();
  }

  removeCallbacks(callbacks: StreamCallbacks): void {
    if (this.first === callbacks) this.first = null;
    else if (this.second === callbacks) this.second = null;
    else if (this.others !== null) this.others = this.others.filter((each) => each !== callbacks);
  }

  resetStream(reason: StreamResetReason): void {
    if (!this.gone) this.owner.onStreamReset(this, reason);
  }

  readDisable(disable: boolean): void {
    if (this.gone) return;
    if (!disable) {
      if (this.readDisables === 0) return;
      this.readDisables--;
    } else this.readDisables++;
    this.owner.connection.readDisable(disable);
  }

  /** The stream is over: what it paused goes on, and nothing is called on it any more. */
  finish(): void {
    if (this.gone) return;
    this.gone = true;
    this.first = null;
    this.second = null;
    this.others = null;
    while (this.readDisables > 0) {
      this.readDisables--;
      this.owner.connection.readDisable(false);
    }
  }

  get isFinished(): boolean {
    return this.gone;
  }

  /** Ends the stream and says why to those who listen. */
  runResetCallbacks(reason: StreamResetReason): void {
    if (this.gone) return;
    const { first, second, others } = this;
    this.finish();
    first?.onResetStream(reason, '');
    second?.onResetStream(reason, '');
    if (others !== null) for (const each of others) each.onResetStream(reason, '');
  }

  runHighWatermarkCallbacks(): void {
    this.first?.onAboveWriteBufferHighWatermark();
    this.second?.onAboveWriteBufferHighWatermark();
    if (this.others !== null) for (const each of this.others) each.onAboveWriteBufferHighWatermark();
  }

  runLowWatermarkCallbacks(): void {
    this.first?.onBelowWriteBufferLowWatermark();
    this.second?.onBelowWriteBufferLowWatermark();
    if (this.others !== null) for (const each of this.others) each.onBelowWriteBufferLowWatermark();
  }

  encodeData(data: Uint8Array, endStream: boolean): void {
    if (this.gone || this.encodeComplete) return;
    const length = data.length;
    if (!this.chunked) {
      if (length > 0) this.writeBytes(data, length);
    } else if (length > 0) {
      const size = length.toString(16) + CRLF;
      this.writeText(size);
      this.writeBytes(data, length);
      this.writeText(endStream ? CHUNK_END_AND_LAST : CRLF);
    } else if (endStream) this.writeText(LAST_CHUNK);
    if (endStream) this.completeEncode();
  }

  encodeTrailers(trailers: HeaderMap): void {
    if (this.gone || this.encodeComplete) return;
    if (this.chunked) this.writeText(this.owner.settings.enableTrailers ? writeTrailers(trailers, this.bytesMeter) : LAST_CHUNK);
    this.completeEncode();
  }

  /** HTTP/1 has no frame for it. */
  encodeMetadata(): void {
    this.owner.stats.metadataNotSupportedError.inc();
  }

  /** Writes a head (complete, with its empty line), and ends the message after it when `endStream`. */
  protected writeHead(head: string, endStream: boolean): void {
    this.writeText(endStream && this.chunked ? head + LAST_CHUNK : head);
    if (endStream) this.completeEncode();
  }

  protected completeEncode(): void {
    this.encodeComplete = true;
    this.owner.onStreamEncodeComplete(this);
  }

  protected writeText(text: string): void {
    this.bytesMeter.wireBytesSent += text.length;
    this.owner.connection.write(text);
  }

  protected writeBytes(data: Uint8Array, length: number): void {
    this.bytesMeter.wireBytesSent += length;
    this.owner.connection.write(data);
  }
}

const CHUNK_END_AND_LAST: string = CRLF + LAST_CHUNK;
