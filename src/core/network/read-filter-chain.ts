import type { Connection, ReadFilter, ReadFilterCallbacks } from '../../contract/network.ts';
import { STATE_OPEN } from '../../contract/network.ts';
import { NETWORK_STOP_ITERATION } from '../../contract/status.ts';

/**
 * The read filters of one connection, first to last. A filter is greeted (onNewConnection) right before it sees its first byte or, if
 * nothing stops before it, at the start; so a filter that stops keeps the ones behind it from starting (Envoy's FilterManagerImpl).
 */
export class ReadFilterChain {
  private readonly connection: Connection;
  private readonly entries: Entry[];

  constructor(connection: Connection) {
    this.connection = connection;
    this.entries = [];
  }

  add(filter: ReadFilter): void {
    const entry = new Entry(this.connection, this, filter, this.entries.length);
    this.entries.push(entry);
    filter.initializeReadFilterCallbacks(entry);
  }

  get size(): number {
    return this.entries.length;
  }

  /** Passes bytes (or, with none and no end, just the greeting) to the filters from index `from` on. */
  run(from: number, data: Buffer, endStream: boolean): void {
    const { entries, connection } = this;
    for (let i = from; i < entries.length; i++) {
      const entry = entries[i];
      if (!entry.greeted) {
        entry.greeted = true;
        if (entry.filter.onNewConnection() === NETWORK_STOP_ITERATION || connection.state !== STATE_OPEN) return;
      }
      if (data.length === 0 && !endStream) continue;
      if (entry.filter.onData(data, endStream) === NETWORK_STOP_ITERATION || connection.state !== STATE_OPEN) return;
    }
  }
}

class Entry implements ReadFilterCallbacks {
  readonly connection: Connection;
  readonly filter: ReadFilter;
  greeted: boolean;
  private readonly chain: ReadFilterChain;
  private readonly index: number;

  constructor(connection: Connection, chain: ReadFilterChain, filter: ReadFilter, index: number) {
    this.connection = connection;
    this.filter = filter;
    this.greeted = false;
    this.chain = chain;
    this.index = index;
  }

  continueReading(): void {
    if (this.connection.state === STATE_OPEN) this.chain.run(this.index + 1, NO_BYTES, false);
  }

  injectReadDataToFilterChain(data: Uint8Array, endStream: boolean): void {
    if (this.connection.state === STATE_OPEN) this.chain.run(this.index + 1, asBuffer(data), endStream);
  }
}

export const NO_BYTES = Buffer.alloc(0);

function asBuffer(data: Uint8Array): Buffer {
  return Buffer.isBuffer(data) ? data : Buffer.from(data.buffer, data.byteOffset, data.length);
}
