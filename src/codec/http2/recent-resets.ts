/**
 * Streams that this side has reset lately: what their peer sent before it knew is no error (RFC 9113 section 5.1), unlike what comes for
 * streams that ended in agreement. Bounded: when it overflows, all streams up to the forgotten one are treated kindly.
 */
export class RecentResets {
  /** A ring, made with the first entry. */
  private ids: Int32Array;
  private next: number;
  private kindUpTo: number;

  constructor() {
    this.ids = NONE;
    this.next = 0;
    this.kindUpTo = 0;
  }

  add(streamId: number): void {
    if (this.ids === NONE) this.ids = new Int32Array(CAPACITY);
    const forgotten = this.ids[this.next];
    if (forgotten > this.kindUpTo) this.kindUpTo = forgotten;
    this.ids[this.next] = streamId;
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
}

const CAPACITY = 64;
const NONE = new Int32Array(0);
