import { MAX_WINDOW } from './frame.ts';

/**
 * What the peer may send to one stream or to the connection (RFC 9113 section 6.9), and when it gets more: as soon as half of the window has
 * been received and consumed, as Envoy's library does.
 */
export class ReceiveWindow {
  /** The size that both sides know of. */
  size: number;
  /** Bytes received and not given back. */
  received: number;
  /** Bytes of those that nobody holds any more. */
  private consumed: number;

  constructor(size: number) {
    this.size = size;
    this.received = 0;
    this.consumed = 0;
  }

  /** Counts bytes that came. False = more than the peer was allowed: FLOW_CONTROL_ERROR. */
  receive(length: number): boolean {
    if (this.received > this.size - length) return false;
    this.received += length;
    return true;
  }

  /** Counts bytes that are consumed; returns the increment for a WINDOW_UPDATE that is due now, or 0. */
  consume(length: number): number {
    this.consumed += length;
    const credit = Math.min(this.consumed, this.received);
    if (credit === 0 || credit < this.size >> 1) return 0;
    this.received -= credit;
    this.consumed -= credit;
    return credit;
  }

  /** Our initial size was acknowledged. False = a window would leave its range. */
  resize(change: number): boolean {
    const size = this.size + change;
    if (size > MAX_WINDOW) return false;
    this.size = size;
    return true;
  }
}
