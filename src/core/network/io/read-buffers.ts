/**
 * Buffers into which sockets read, per thread.
 *
 * Connections share one buffer: what a read brings is consumed during its callback, so 5,000 idle connections cost no buffer each. A
 * connection that moves bulk data gets a buffer of its own from a small pool, so that its bytes can be handed to another socket
 * without a copy: if the kernel does not take them at once, the buffer is pinned until it has, and the reader goes on with another.
 */

/** Bytes of one read at most. */
export const READ_SIZE = 65_536;
/** A read of at least this moves bulk data. */
const BULK_READ = 24_576;
/** Own buffers of a thread at most (16 MiB); beyond it bulk data is copied instead. */
const MAX_OWN = 256;
/** Free ones kept. */
const MAX_FREE = 32;
/** Small reads in a row after which a connection gives its own buffer back. */
const CALM_READS = 4;
/** Views of the shared buffer kept for reads up to this length. */
const VIEW_CACHE = 2_048;

export class ReadBuffer {
  readonly bytes: Buffer;
  readonly memory: ArrayBufferLike;
  /** Writes on their way that still need the bytes. */
  pins: number;
  /** Whether a connection reads into it. */
  reading: boolean;

  constructor() {
    this.bytes = Buffer.allocUnsafeSlow(READ_SIZE);
    this.memory = this.bytes.buffer;
    this.pins = 0;
    this.reading = false;
  }
}

export class ReadBuffers {
  /** The one that all calm connections read into. */
  readonly shared: ReadBuffer;
  /** Own buffer whose bytes are being delivered right now, or null: what a write may pin. */
  delivering: ReadBuffer | null;
  private readonly views: (Buffer | undefined)[];
  private readonly free: ReadBuffer[];
  private owned: number;

  constructor() {
    this.shared = new ReadBuffer();
    this.delivering = null;
    this.views = new Array<Buffer | undefined>(VIEW_CACHE + 1).fill(undefined);
    this.free = [];
    this.owned = 0;
  }

  /** The first `length` bytes of `buffer`, valid until its next read. */
  view(buffer: ReadBuffer, length: number): Buffer {
    if (buffer === this.shared && length <= VIEW_CACHE) {
      return this.views[length] ?? (this.views[length] = buffer.bytes.subarray(0, length));
    }
    return length === READ_SIZE ? buffer.bytes : buffer.bytes.subarray(0, length);
  }

  /** Buffer for a connection's next read, after one of `length` bytes into `buffer`; `calm` = small reads in a row so far. */
  next(buffer: ReadBuffer, length: number, calm: number): ReadBuffer {
    if (buffer === this.shared) return length >= BULK_READ ? this.take() : buffer;
    if (buffer.pins === 0 && (length >= BULK_READ || calm < CALM_READS)) return buffer;
    this.release(buffer);
    return length >= BULK_READ ? this.take() : this.shared;
  }

  /** Counts small reads in a row. */
  calm(length: number, calm: number): number {
    return length >= BULK_READ ? 0 : calm + 1;
  }

  /** The connection does not read into `buffer` any more. */
  release(buffer: ReadBuffer): void {
    if (buffer === this.shared) return;
    buffer.reading = false;
    if (buffer.pins === 0) this.recycle(buffer);
  }

  unpin(buffer: ReadBuffer): void {
    if (--buffer.pins === 0 && !buffer.reading) this.recycle(buffer);
  }

  /** Own buffers in use; for tests. */
  get inUse(): number {
    return this.owned;
  }

  private take(): ReadBuffer {
    const free = this.free.pop();
    if (free !== undefined) {
      this.owned++;
      free.reading = true;
      return free;
    }
    if (this.owned >= MAX_OWN) return this.shared;
    this.owned++;
    const fresh = new ReadBuffer();
    fresh.reading = true;
    return fresh;
  }

  private recycle(buffer: ReadBuffer): void {
    this.owned--;
    if (this.free.length < MAX_FREE) this.free.push(buffer);
  }
}
