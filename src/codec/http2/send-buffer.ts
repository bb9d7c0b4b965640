/** A piece that is handed on as it is instead of copied into the turn's output. */
export const BULK = 8_192;

/**
 * Body bytes of one stream on their way to the peer. Pieces that were given during the turn are borrowed: they are valid until it ends, and
 * `keep` copies what is left of them then. A base class rather than a member, so that a stream stays one object.
 */
export class SendBuffer {
  /** Bytes in it. Bounded by the peer's window and the watermarks. */
  pendingBytes: number;
  private first: Uint8Array | null;
  private rest: Uint8Array[] | null;
  /** Bytes of `first` that are gone. */
  private offset: number;
  /** How many of the pieces from the front on are copies of our own. */
  private ownedPieces: number;

  constructor() {
    this.pendingBytes = 0;
    this.first = null;
    this.rest = null;
    this.offset = 0;
    this.ownedPieces = 0;
  }

  protected pushData(data: Uint8Array): void {
    this.pendingBytes += data.length;
    if (this.first === null) {
      this.first = data;
      this.offset = 0;
      this.ownedPieces = 0;
    } else if (this.rest === null) this.rest = [data];
    else this.rest.push(data);
  }

  /** The next bytes, at most `limit`, in one piece; they are gone then. There MUST be some. */
  shiftData(limit: number): Uint8Array {
    const first = this.first;
    if (first === null) return NOTHING;
    const start = this.offset;
    const left = first.length - start;
    if (left > limit) {
      this.offset = start + limit;
      this.pendingBytes -= limit;
      return first.subarray(start, start + limit);
    }
    this.pendingBytes -= left;
    this.nextPiece();
    return start === 0 ? first : first.subarray(start);
  }

  private nextPiece(): void {
    const rest = this.rest;
    this.offset = 0;
    if (this.ownedPieces > 0) this.ownedPieces--;
    if (rest === null) {
      this.first = null;
      return;
    }
    const next = rest.shift();
    this.first = next ?? null;
    if (rest.length === 0) this.rest = null;
  }

  /** The turn ends: what is left becomes our own. */
  keep(): void {
    const first = this.first;
    if (first === null) return;
    if (this.ownedPieces === 0) {
      this.first = copyOf(first, this.offset);
      this.offset = 0;
      this.ownedPieces = 1;
    }
    const rest = this.rest;
    if (rest === null) return;
    for (let i = this.ownedPieces - 1; i < rest.length; i++) rest[i] = copyOf(rest[i], 0);
    if (rest.length > MERGE_AT) this.merge(rest);
    else this.ownedPieces = rest.length + 1;
  }

  /** Many small pieces become one: their objects would weigh more than the bytes. */
  private merge(rest: Uint8Array[]): void {
    const bytes = Buffer.allocUnsafeSlow(this.pendingBytes);
    let at = 0;
    if (this.first !== null) {
      bytes.set(this.first.subarray(this.offset), 0);
      at = this.first.length - this.offset;
    }
    for (const piece of rest) {
      bytes.set(piece, at);
      at += piece.length;
    }
    this.first = bytes;
    this.offset = 0;
    this.rest = null;
    this.ownedPieces = 1;
  }

  protected clearData(): void {
    this.pendingBytes = 0;
    this.first = null;
    this.rest = null;
    this.offset = 0;
    this.ownedPieces = 0;
  }
}

const NOTHING: Uint8Array = new Uint8Array(0);
const MERGE_AT = 16;

function copyOf(bytes: Uint8Array, from: number): Uint8Array {
  const copy = Buffer.allocUnsafeSlow(bytes.length - from);
  copy.set(from === 0 ? bytes : bytes.subarray(from));
  return copy;
}
