/** Bytes of whole HTTP/2 connections, by a grammar that likes odd corners. */
import { HpackEncoder, OutBuffer } from '../../src/codec/http2/hpack/index.ts';
import { frameBytes } from '../../test/harness/http2-frames.ts';
import type { Rng } from '../http1/generate.ts';
import { NAMES, VALUES } from './generate.ts';

type Pair = readonly [string, string];

const END_STREAM = 1;
const END_HEADERS = 4;
const PADDED = 8;
const PRIORITY = 0x20;
const NUMBERS = [0, 1, 2, 16_384, 65_535, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

/** One side of a connection: its ids, its compression. */
export class FrameGrammar {
  private readonly rng: Rng;
  private readonly encoder: HpackEncoder;
  private readonly isClient: boolean;
  private nextId: number;

  /** A server's grammar answers streams 1, 3, 5, which its test opens. */
  constructor(rng: Rng, isClient: boolean) {
    this.rng = rng;
    this.encoder = new HpackEncoder(rng.pick([0, 200, 4096]), rng.chance(0.7));
    this.isClient = isClient;
    this.nextId = 1;
  }

  private block(fields: readonly Pair[]): Buffer {
    if (fields.length === 0) return Buffer.alloc(0);
    const out = new OutBuffer(4096);
    for (const [name, value] of fields) this.encoder.encode(name, value, out);
    return Buffer.from(out.bytes.subarray(0, out.position));
  }

  private fields(): Pair[] {
    const { rng } = this;
    const fields: Pair[] = [];
    for (let n = rng.below(4); n > 0; n--) fields.push(rng.chance(0.1) ? [rng.pick(NAMES), rng.pick(VALUES)] : [rng.pick(['x-a', 'x-b', 'accept', 'cookie', 'via']), rng.pick(['', 'a', 'b=c', 'y'.repeat(60)])]);
    return fields;
  }

  private head(): Pair[] {
    const { rng } = this;
    const fields: Pair[] = this.isClient
      ? [[':method', rng.pick(['GET', 'POST', 'HEAD', 'OPTIONS', 'CONNECT'])], [':scheme', 'http'], [':path', rng.pick(['/', '/a', '*', 'x'])], [':authority', rng.pick(['a', 'b:80'])]]
      : [[':status', rng.pick(['200', '200', '200', '204', '304', '103', '100', '500', '99', '101'])]];
    if (rng.chance(0.03)) fields.splice(rng.below(fields.length), 1);
    if (rng.chance(0.15)) fields.push(['content-length', rng.pick(['0', '5', '10', '10', 'x'])]);
    fields.push(...this.fields());
    if (rng.chance(0.02)) fields.reverse();
    return fields;
  }

  private id(): number {
    const { rng } = this;
    if (rng.chance(0.02)) return rng.pick([0, 2, 99, 0x7fff_ffff]);
    const last = this.isClient ? Math.max(1, this.nextId - 2) : 5;
    return rng.chance(0.7) ? last : 1 + 2 * rng.below((last + 1) / 2);
  }

  /** HEADERS, sometimes with padding, priority and CONTINUATION. */
  private headers(id: number, fields: readonly Pair[], end: boolean): Buffer {
    const { rng } = this;
    const block = this.block(fields);
    let flags = end ? END_STREAM : 0;
    const cut = rng.chance(0.15) ? rng.below(block.length + 1) : block.length;
    let payload = block.subarray(0, cut);
    if (rng.chance(0.1)) {
      flags |= PRIORITY;
      payload = Buffer.concat([uint32(rng.chance(0.05) ? id : 0), Buffer.from([rng.below(256)]), payload]);
    }
    if (rng.chance(0.1)) {
      flags |= PADDED;
      const padding = rng.below(20);
      payload = Buffer.concat([Buffer.from([rng.chance(0.05) ? 255 : padding]), payload, Buffer.alloc(padding)]);
    }
    if (cut === block.length) return frameBytes(1, flags | END_HEADERS, id, payload);
    return Buffer.concat([frameBytes(1, flags, id, payload), frameBytes(9, rng.chance(0.95) ? END_HEADERS : 0, id, block.subarray(cut))]);
  }

  private data(id: number): Buffer {
    const { rng } = this;
    const body = Buffer.alloc(rng.pick([0, 1, 5, 5, 10, 100, 5_000, 16_384]), 'x');
    const end = rng.chance(0.4) ? END_STREAM : 0;
    if (rng.chance(0.85)) return frameBytes(0, end, id, body);
    const padding = rng.below(30);
    return frameBytes(0, end | PADDED, id, Buffer.concat([Buffer.from([rng.chance(0.05) ? 250 : padding]), body.subarray(0, 16_000), Buffer.alloc(padding)]));
  }

  private settings(): Buffer {
    const { rng } = this;
    const parts: Buffer[] = [];
    for (let n = rng.below(3); n > 0; n--) parts.push(Buffer.from([0, rng.pick([1, 3, 4, 5, 6, 8, 9, 77])]), uint32(rng.chance(0.9) ? rng.pick([1, 100, 16_384, 65_535]) : rng.pick(NUMBERS)));
    return frameBytes(4, 0, 0, Buffer.concat(parts));
  }

  frame(): Buffer {
    const { rng } = this;
    const kind = rng.below(20);
    if (kind < 7) {
      if (!this.isClient) return this.headers(this.id(), rng.chance(0.8) ? this.head() : this.fields(), rng.chance(0.4));
      this.nextId += 2;
      return this.headers(this.nextId - 2, this.head(), rng.chance(0.6));
    }
    if (kind < 11) return this.data(this.id());
    if (kind === 11) return this.headers(this.id(), this.fields(), rng.chance(0.9));
    if (kind === 12) return frameBytes(3, 0, this.id(), uint32(rng.pick([0, 1, 7, 8, 11, 99])));
    if (kind === 13) return this.settings();
    if (kind === 14) return rng.chance(0.9) ? frameBytes(8, 0, rng.chance(0.5) ? 0 : this.id(), uint32(rng.chance(0.9) ? 1 + rng.below(100_000) : rng.pick(NUMBERS))) : frameBytes(4, 1, 0, Buffer.alloc(0));
    if (kind === 15) return frameBytes(6, rng.chance(0.2) ? 1 : 0, 0, Buffer.alloc(8, 'p'));
    if (kind === 16) return frameBytes(2, 0, this.id(), Buffer.concat([uint32(rng.chance(0.1) ? this.id() : 0), Buffer.from([1])]));
    if (kind === 17) return rng.chance(0.2) ? frameBytes(7, 0, 0, Buffer.concat([uint32(rng.pick([0, 1, 5, 0x7fff_ffff])), uint32(rng.pick([0, 2, 11]))])) : Buffer.alloc(0);
    if (kind === 18) return frameBytes(rng.pick([10, 12, 0x4d, 0xee]), rng.below(256), this.id(), Buffer.alloc(rng.below(30), 'u'));
    return rng.chance(0.3) ? frameBytes(rng.below(10), rng.below(256), this.id(), Buffer.alloc(rng.below(12), rng.below(256))) : this.data(this.id());
  }
}

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/** A connection of frames behind preface (clients) and SETTINGS. */
export function generateConnection(rng: Rng, isClient: boolean): Buffer {
  const grammar = new FrameGrammar(rng, isClient);
  const parts = [isClient ? PREFACE : Buffer.alloc(0), frameBytes(4, 0, 0, Buffer.alloc(0)), rng.chance(0.9) ? frameBytes(4, 1, 0, Buffer.alloc(0)) : Buffer.alloc(0)];
  for (let n = rng.below(20); n > 0; n--) parts.push(grammar.frame());
  return Buffer.concat(parts);
}
