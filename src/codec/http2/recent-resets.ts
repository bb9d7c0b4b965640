/**
 * Streams that this side has reset lately: what their peer sent before it knew is no error (RFC 9113 section 5.1), unlike what comes for
 * streams that ended in agreement. Bodies of a declared length are still counted: a request that was answered before it was read is no less
 * malformed. Bounded: when it overflows, all streams up to the forgotten one are treated kindly.
 */
export class RecentResets {
  /** Rings, made with the first entry. */
  private ids: Int32Array;
  private bytesLeft: Float64Array;
  private next: number;
  private kindUpTo: number;

  constructor() {
    this.ids = NO_IDS;
    this.bytesLeft = NO_LENGTHS;
    this.next = 0;
    this.kindUpTo = 0;
  }

  /** `bytesLeft`: of the body that the peer has declared; -1 = it has not, or nobody cares any more. */
  add(streamId: number, bytesLeft: number): void {
    if (this.ids === NO_IDS) {
      this.ids = new Int32Array(CAPACITY);
      this.bytesLeft = new Float64Array(CAPACITY);
    }
    const forgotten = this.ids[this.next];
    if (forgotten > this.kindUpTo) this.kindUpTo = forgotten;
    this.ids[this.next] = streamId;
    this.bytesLeft[this.next] = bytesLeft;
    this.next = (this.next + 1) & (CAPACITY - 1);
  }

  /** The peer has reset it too: nothing more may come. */
  remove(streamId: number): void {
    const at = this.ids.indexOf(streamId);
    if (at >= 0) this.ids[at] = 0;
  }

  has(streamId: number): boolean {
    return streamId <= this.kindUpTo || this.ids.includes(streamId);
  }

  /** Body that came for one of them. False, once: it does not fit what was declared. */
  countBody(streamId: number, length: number, endStream: boolean): boolean {
    const at = this.ids.indexOf(streamId);
    if (at < 0 || this.bytesLeft[at] < 0) return true;
    const left = this.bytesLeft[at] - length;
    const fits = endStream ? left === 0 : left >= 0;
    this.bytesLeft[at] = fits && !endStream ? left : -1;
    return fits;
  }
}

const CAPACITY = 64;
const NO_IDS = new Int32Array(0);
const NO_LENGTHS = new Float64Array(0);
