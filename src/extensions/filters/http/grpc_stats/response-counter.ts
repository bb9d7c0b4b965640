import { CONNECT_FLAG_END_STREAM } from '../../../../codec/grpc/index.ts';
import { GrpcFrameHeaderReader } from '../../../../codec/grpc/frame-header.ts';

/** More of an end-of-stream message is not looked at: it counts as a failure. */
const MAX_END_MESSAGE = 65_536;

const STATE_MESSAGES = 0;
const STATE_END_MESSAGE = 1;
const STATE_ENDED = 2;

/**
 * Counts the messages of a response that passes by. Those of a Connect stream end with a JSON message that is no answer itself but says how
 * the call went.
 */
export class ResponseCounter {
  private readonly header: GrpcFrameHeaderReader;
  private missing: number;
  private state: number;
  private endMessage: Buffer[] | null;
  private endBytes: number;
  count: number;
  /** The end-of-stream message was there and had no error. */
  connectSuccess: boolean;

  constructor() {
    this.header = new GrpcFrameHeaderReader();
    this.missing = 0;
    this.state = STATE_MESSAGES;
    this.endMessage = null;
    this.endBytes = 0;
    this.count = 0;
    this.connectSuccess = false;
  }

  /** Returns how many messages begin in `data`. */
  inspect(data: Buffer): number {
    const before = this.count;
    let at = 0;
    while (at < data.length && this.state !== STATE_ENDED) {
      if (this.missing > 0) {
        const end = Math.min(data.length, at + this.missing);
        this.missing -= end - at;
        if (this.state === STATE_END_MESSAGE) this.keep(data.subarray(at, end));
        at = end;
      } else {
        this.readHeader(data[at++]);
      }
      if (this.state === STATE_END_MESSAGE && this.missing === 0 && this.header.seen === 0) this.finish();
    }
    return this.count - before;
  }

  private readHeader(byte: number): void {
    if (this.header.seen === 0) {
      if ((byte & CONNECT_FLAG_END_STREAM) !== 0) this.state = STATE_END_MESSAGE;
      else this.count++;
    }
    if (this.header.read(byte)) this.missing = this.header.length;
  }

  private keep(part: Buffer): void {
    this.endBytes += part.length;
    if (this.endBytes <= MAX_END_MESSAGE) (this.endMessage ??= []).push(Buffer.from(part));
  }

  private finish(): void {
    this.state = STATE_ENDED;
    if (this.endBytes > MAX_END_MESSAGE) return;
    this.connectSuccess = hasNoError(Buffer.concat(this.endMessage ?? []).toString());
    this.endMessage = null;
  }
}

/** A JSON object without `error`. */
function hasNoError(text: string): boolean {
  try {
    const message: unknown = JSON.parse(text);
    return typeof message === 'object' && message !== null && !Array.isArray(message) && !Object.hasOwn(message, 'error');
  } catch {
    return false;
  }
}
