/**
 * Numbers of one thread in shared memory: written by that thread alone, read by the main thread at any time. A double is written
 * in one instruction on every platform that Node runs on, so a reader sees the old or the new value, never half of one.
 *
 * A cell that was never written holds -0: adding anything to it, even 0, gives a number that is not -0. So "used" (Envoy's `usedonly`)
 * costs neither a flag nor a branch on the writing side.
 *
 * A cell's address is `chunk * CELLS_PER_CHUNK + offset`; runs of cells never cross a chunk.
 */
export const CELLS_PER_CHUNK = 8_192;

/** The writing side. */
export class CellSpace {
  readonly chunks: Float64Array[] = [];
  private next = CELLS_PER_CHUNK;
  private readonly free = new Map<number, number[]>();
  private readonly onChunk: (buffer: SharedArrayBuffer) => void;

  /** `onChunk` hears of every new chunk, before anything in it is used. */
  constructor(onChunk: (buffer: SharedArrayBuffer) => void) {
    this.onChunk = onChunk;
  }

  /** Returns the address of `count` unused cells (-0) in a row; count in [1, CELLS_PER_CHUNK]. */
  allocate(count: number): number {
    const reused = this.free.get(count)?.pop();
    if (reused !== undefined) {
      this.chunkOf(reused).fill(-0, offsetOf(reused), offsetOf(reused) + count);
      return reused;
    }
    if (this.next + count > CELLS_PER_CHUNK) this.addChunk();
    const address = (this.chunks.length - 1) * CELLS_PER_CHUNK + this.next;
    this.next += count;
    return address;
  }

  /** Gives cells back; the same count as allocated. */
  release(address: number, count: number): void {
    const list = this.free.get(count);
    if (list === undefined) this.free.set(count, [address]);
    else list.push(address);
  }

  chunkOf(address: number): Float64Array {
    return this.chunks[Math.floor(address / CELLS_PER_CHUNK)];
  }

  private addChunk(): void {
    const buffer = new SharedArrayBuffer(CELLS_PER_CHUNK * Float64Array.BYTES_PER_ELEMENT);
    this.chunks.push(new Float64Array(buffer).fill(-0));
    this.next = 0;
    this.onChunk(buffer);
  }
}

export function offsetOf(address: number): number {
  return address % CELLS_PER_CHUNK;
}

/** The reading side: the same chunks, by the same addresses. */
export class CellReader {
  private readonly chunks: Float64Array[] = [];

  addChunk(buffer: SharedArrayBuffer): void {
    this.chunks.push(new Float64Array(buffer));
  }

  read(address: number): number {
    return this.chunks[Math.floor(address / CELLS_PER_CHUNK)][address % CELLS_PER_CHUNK];
  }
}
