import { latin1, putLatin1 } from '../../../base/latin1.ts';
import type { ReadBuffer, ReadBuffers } from './read-buffers.ts';

/**
 * Turns what one turn has written into as few and as cheap writes as possible: strings and small buffers become one text or one staging
 * buffer, bulk buffers stay where they are. Per thread.
 */

/** Batches up to this many bytes go as one string: cheaper than a view of a staging buffer. */
const TEXT_LIMIT = 2_048;
/** A buffer of at least this is not copied. */
export const BULK_WRITE = 8_192;
const STAGING_SIZE = 65_536;

export class Output {
  /** Result of `gather`. */
  readonly segments: Uint8Array[];
  /** Own read buffers among the segments. */
  readonly pinned: ReadBuffer[];
  private readonly buffers: ReadBuffers;
  private staging: Buffer;
  /** Views of the staging buffer from its first byte on, by length. */
  private views: (Buffer | undefined)[];
  private start: number;
  private end: number;

  constructor(buffers: ReadBuffers) {
    this.segments = [];
    this.pinned = [];
    this.buffers = buffers;
    this.staging = Buffer.allocUnsafeSlow(STAGING_SIZE);
    this.views = [];
    this.start = 0;
    this.end = 0;
  }

  /**
   * A batch of one small buffer (the usual one of a tunnel), copied into the staging buffer; null when it is something else. A copy and a view
   * that exists cost less than a string.
   */
  staged(items: readonly (string | Uint8Array)[]): Uint8Array | null {
    const only = items[0];
    if (items.length !== 1 || typeof only === 'string' || only.length > TEXT_LIMIT) return null;
    const length = only.length;
    this.staging.set(only, 0);
    this.start = this.end = length;
    return this.views[length] ?? (this.views[length] = this.staging.subarray(0, length));
  }

  /** The whole batch as one string, or null when it is too big or only one big thing. */
  text(items: readonly (string | Uint8Array)[]): string | null {
    const first = items[0];
    if (items.length === 1 && typeof first === 'string') return first;
    let total = 0;
    for (let i = 0; i < items.length; i++) total += items[i].length;
    if (total > TEXT_LIMIT) return null;
    let text = '';
    for (let i = 0; i < items.length; i++) {
      const item = items[i];
      text += typeof item === 'string' ? item : latin1(asBuffer(item), 0, item.length);
    }
    return text;
  }

  /**
   * Fills `segments` and `pinned`. `owned`: the buffers in `items` belong to the transport and may be kept without a copy; otherwise
   * only the bytes of the read being delivered may.
   */
  gather(items: readonly (string | Uint8Array)[], owned: boolean): void {
    this.segments.length = 0;
    this.pinned.length = 0;
    this.start = this.end = 0;
    for (let i = 0; i < items.length; i++) {
      const item = items[i];
      if (typeof item === 'string') this.copyText(item);
      else if (item.length < BULK_WRITE) this.copyBytes(item);
      else {
        this.closeSegment();
        this.segments.push(owned ? item : this.keep(item));
      }
    }
    this.closeSegment();
  }

  /** The staging buffer went into a write that is still on its way. */
  abandonStaging(): void {
    if (this.end > 0) this.renewStaging();
  }

  /** Bytes that stay valid after the turn: pinned when they lie in the delivering read buffer, else copied. */
  keep(bytes: Uint8Array): Uint8Array {
    const delivering = this.buffers.delivering;
    if (delivering !== null && bytes.buffer === delivering.memory && bytes.length >= BULK_WRITE) {
      this.pinned.push(delivering);
      return bytes;
    }
    const copy = Buffer.allocUnsafeSlow(bytes.length);
    copy.set(bytes);
    return copy;
  }

  private copyText(text: string): void {
    const length = text.length;
    if (this.end + length > STAGING_SIZE) {
      this.closeSegment();
      if (length > STAGING_SIZE / 2) {
        this.segments.push(Buffer.from(text, 'latin1'));
        return;
      }
      this.freshStaging();
    }
    putLatin1(this.staging, text, this.end);
    this.end += length;
  }

  private copyBytes(bytes: Uint8Array): void {
    if (this.end + bytes.length > STAGING_SIZE) {
      this.closeSegment();
      this.freshStaging();
    }
    this.staging.set(bytes, this.end);
    this.end += bytes.length;
  }

  private closeSegment(): void {
    if (this.end > this.start) this.segments.push(this.staging.subarray(this.start, this.end));
    this.start = this.end;
  }

  /** The full one lives on in its segment. */
  private freshStaging(): void {
    this.renewStaging();
    this.start = this.end = 0;
  }

  private renewStaging(): void {
    this.staging = Buffer.allocUnsafeSlow(STAGING_SIZE);
    this.views = [];
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
