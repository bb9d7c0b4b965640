import type { Connection } from '../../../../contract/network.ts';

/**
 * What a client sends before there is an upstream (`max_early_data_bytes`). From the limit on the client is paused; what was under way by then
 * is kept too, so at most the limit and one read.
 */
export class EarlyData {
  ended: boolean;
  private readonly limit: number;
  private pieces: Buffer[];
  private size: number;
  private paused: boolean;

  constructor(limit: number) {
    this.ended = false;
    this.limit = limit;
    this.pieces = [];
    this.size = 0;
    this.paused = false;
  }

  /** Keeps a copy. */
  add(data: Buffer, endStream: boolean, from: Connection): void {
    if (data.length > 0) this.pieces.push(Buffer.from(data));
    this.size += data.length;
    if (endStream) this.ended = true;
    if (this.size < this.limit || this.paused) return;
    this.paused = true;
    from.readDisable(true);
  }

  get isEmpty(): boolean {
    return this.size === 0 && !this.ended;
  }

  /** Everything, once. */
  take(): Buffer {
    const all = this.pieces.length === 1 ? this.pieces[0] : Buffer.concat(this.pieces);
    this.pieces = [];
    this.size = 0;
    return all;
  }

  /** The client goes on. */
  release(from: Connection): void {
    if (!this.paused) return;
    this.paused = false;
    from.readDisable(false);
  }
}
