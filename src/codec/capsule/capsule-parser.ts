import { readVarint, varintEnd, varintValue } from './varint.ts';

/** DATAGRAM (RFC 9297 section 3.5). */
export const CAPSULE_DATAGRAM = 0;

/** A capsule that is longer than this is refused; as in Envoy. */
export const MAX_CAPSULE_BYTES: number = 1024 * 1024;

export interface CapsuleListener {
  /** A whole capsule. `payload` is only valid during the call. False = its content is malformed: nothing more is parsed. */
  onCapsule(type: number, payload: Buffer): boolean;
  onCapsuleError(message: string): void;
}

/** Cuts a stream into capsules (RFC 9297 section 3.2): type, length, payload. Keeps what is incomplete, at most MAX_CAPSULE_BYTES. */
export class CapsuleParser {
  private readonly listener: CapsuleListener;
  private waiting: Buffer | null;
  private failed: boolean;

  constructor(listener: CapsuleListener) {
    this.listener = listener;
    this.waiting = null;
    this.failed = false;
  }

  /** `data` is only used during the call. */
  feed(data: Buffer): void {
    if (this.failed || data.length === 0) return;
    const input = this.waiting === null ? data : Buffer.concat([this.waiting, data]);
    this.waiting = null;
    let at = 0;
    while (at < input.length) {
      const next = this.readOne(input, at);
      if (this.failed) return;
      if (next < 0) break;
      at = next;
    }
    const left = input.length - at;
    if (left > MAX_CAPSULE_BYTES) this.fail('Refusing to buffer too much capsule data');
    else if (left > 0) this.waiting = Buffer.from(input.subarray(at));
  }

  /** The stream ends: a capsule that is cut off is an error. */
  end(): void {
    if (this.waiting !== null && !this.failed) this.fail('Incomplete capsule left at the end of the stream');
  }

  /** Offset behind the capsule at `from`, or -1 when it is not whole. */
  private readOne(input: Buffer, from: number): number {
    if (!readVarint(input, from)) return -1;
    const type = varintValue;
    if (!readVarint(input, varintEnd)) return -1;
    const start = varintEnd;
    const end = start + varintValue;
    // A length that could never be kept is refused before its bytes come.
    if (end - from > MAX_CAPSULE_BYTES) {
      this.fail('Refusing to buffer too much capsule data');
      return -1;
    }
    if (end > input.length) return -1;
    if (!this.listener.onCapsule(type, input.subarray(start, end))) this.fail('Visitor failed to process capsule');
    return end;
  }

  private fail(message: string): void {
    this.failed = true;
    this.waiting = null;
    this.listener.onCapsuleError(message);
  }
}
