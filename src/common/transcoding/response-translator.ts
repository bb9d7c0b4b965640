import { GRPC_FRAME_HEADER_BYTES } from '../../codec/grpc/frame.ts';
import type { DescriptorPool } from './descriptor-pool.ts';
import { JsonPrinter } from './json-printer.ts';
import type { JsonPrintOptions } from './json-printer.ts';
import { internal, OK } from './status.ts';
import type { TranscodingStatus } from './status.ts';
import type { MessageType } from './types.ts';

export interface ResponseTranslateOptions {
  readonly print: JsonPrintOptions;
  /** Messages of a stream end with a newline in the place of standing in an array. */
  readonly streamNewlineDelimited: boolean;
  /** Messages of a stream are server-sent events. */
  readonly streamSseStyleDelimited: boolean;
}

const NOTHING = Buffer.alloc(0);
const UNKNOWN_SIZE = -1;

/**
 * gRPC frames, given in pieces, to JSON: of one message, or of all messages of a stream in an array (or as the options say). Bytes stay here
 * until a frame is complete; the owner watches their number, `storedBytes`.
 */
export class ResponseToJsonTranslator {
  private readonly type: MessageType;
  private readonly streaming: boolean;
  private readonly options: ResponseTranslateOptions;
  private readonly printer: JsonPrinter;
  private chunks: Buffer[];
  /** So many of the first chunks are copies of our own. */
  private owned: number;
  /** Bytes that have come and not been read. */
  private available: number;
  /** How long each piece of `chunks` was when it came. */
  private pieces: number[];
  /** Bytes of the last piece that the last step has read: Envoy counts them until the next step. */
  private lastRead: number;
  private inputFinished: boolean;
  /** Length of the frame whose header has been read. */
  private frameSize: number;
  private first: boolean;
  private finished: boolean;
  status: TranscodingStatus;

  constructor(pool: DescriptorPool, type: MessageType, streaming: boolean, options: ResponseTranslateOptions) {
    this.type = type;
    this.streaming = streaming;
    this.options = options;
    this.printer = new JsonPrinter(pool, options.print);
    this.chunks = [];
    this.owned = 0;
    this.available = 0;
    this.pieces = [];
    this.lastRead = 0;
    this.inputFinished = false;
    this.frameSize = UNKNOWN_SIZE;
    this.first = true;
    this.finished = false;
    this.status = OK;
  }

  /** Bytes that count against the limits. */
  get storedBytes(): number {
    return this.available + this.lastRead;
  }

  /** Takes bytes; they MUST stay as they are until the next `read`. */
  write(data: Buffer): void {
    if (data.length === 0) return;
    this.chunks.push(data);
    this.pieces.push(data.length);
    this.available += data.length;
  }

  end(): void {
    this.inputFinished = true;
  }

  /** The JSON of what is complete, a byte string; may be empty. */
  read(): string {
    let out = '';
    while (!this.finished && this.status === OK) {
      const text = this.next();
      if (text === null) break;
      out += text;
    }
    this.keep();
    return out;
  }

  /** What is left belongs to the caller: keep a copy. */
  private keep(): void {
    for (let i = this.owned; i < this.chunks.length; i++) this.chunks[i] = Buffer.from(this.chunks[i]);
    this.owned = this.chunks.length;
  }

  /** A buffer that begins with the next `length` bytes, which are there. */
  private peek(length: number): Buffer {
    if (length === 0) return NOTHING;
    if (this.chunks[0].length < length) {
      this.chunks = [Buffer.concat(this.chunks, this.available)];
      this.pieces = this.pieces.slice(-1);
      this.owned = 1;
    }
    return this.chunks[0];
  }

  private drop(length: number): void {
    if (length === 0) return;
    this.available -= length;
    const rest = this.chunks[0].subarray(length);
    this.lastRead = Math.min(length, this.pieces[0] - rest.length);
    if (rest.length > 0) {
      this.chunks[0] = rest;
      return;
    }
    this.pieces.shift();
    this.chunks.shift();
    if (this.owned > 0) this.owned--;
  }

  /** JSON of the next message with what stands around it, or null when there is none (yet). */
  private next(): string | null {
    if (this.frameSize === UNKNOWN_SIZE && !this.readHeader()) {
      if (this.status === OK && this.streaming && this.inputFinished) return this.tail();
      return null;
    }
    const size = this.frameSize;
    if (this.available < size) {
      if (this.inputFinished) this.status = internal(`Incomplete gRPC frame expected size: ${size} actual size: ${this.available}`);
      return null;
    }
    this.frameSize = UNKNOWN_SIZE;
    return this.translate(this.peek(size).subarray(0, size));
  }

  private tail(): string {
    this.finished = true;
    if (this.options.streamNewlineDelimited || this.options.streamSseStyleDelimited) return '';
    return this.first ? '[]' : ']';
  }

  private readHeader(): boolean {
    if (this.available < GRPC_FRAME_HEADER_BYTES) {
      if (this.inputFinished && this.available > 0) this.status = internal('Incomplete gRPC frame header received');
      return false;
    }
    const header = this.peek(GRPC_FRAME_HEADER_BYTES);
    const flag = header[0];
    const size = header.readUInt32BE(1);
    this.drop(GRPC_FRAME_HEADER_BYTES);
    if (flag !== 0) {
      this.status = internal(`Unsupported gRPC frame flag: ${flag}`);
      return false;
    }
    this.frameSize = size;
    return true;
  }

  private translate(message: Buffer): string | null {
    const { first } = this;
    this.first = false;
    const json = this.printer.print(this.type, message);
    if (json === null) {
      this.status = this.printer.status;
      return null;
    }
    // A message that says its end before its frame does leaves the rest to be read as a frame, as in Envoy.
    this.drop(this.printer.consumed);
    if (!this.streaming) {
      this.finished = true;
      return json;
    }
    if (this.options.streamSseStyleDelimited) return `data: ${json}\n\n`;
    if (this.options.streamNewlineDelimited) return `${json}\n`;
    return (first ? '[' : ',') + json;
  }
}
