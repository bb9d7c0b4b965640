import { HPACK_OK, HpackDecoder, HpackEncoder, OutBuffer } from './hpack/index.ts';
import type { HeaderSink } from './hpack/index.ts';

/** Name and value pairs beside a message (Envoy's METADATA frames). */
export type MetadataMap = ReadonlyMap<string, string>;

/** Gathers the METADATA frames of one message. Bounded by `max_metadata_size` over the life of the stream. */
export class MetadataDecoder implements HeaderSink {
  private readonly maxBytes: number;
  private pieces: Buffer[];
  private totalBytes: number;
  private map: Map<string, string>;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
    this.pieces = [];
    this.totalBytes = 0;
    this.map = new Map();
  }

  /** Keeps a frame's payload. False = too much. */
  add(payload: Buffer): boolean {
    this.totalBytes += payload.length;
    if (this.totalBytes > this.maxBytes) return false;
    this.pieces.push(Buffer.from(payload));
    return true;
  }

  /** The last frame is here. Null when what came is no header block. */
  finish(): MetadataMap | null {
    const block = Buffer.concat(this.pieces);
    this.pieces = [];
    this.map = new Map();
    const decoder = new HpackDecoder(TABLE_SIZE, this.maxBytes);
    return decoder.decode(block, 0, block.length, this) === HPACK_OK ? this.map : null;
  }

  onHeader(name: string, value: string): boolean {
    if (!this.map.has(name)) this.map.set(name, value);
    return true;
  }
}

const TABLE_SIZE = 4096;

/** The payload of a METADATA message: a header block that uses no table. */
export function encodeMetadata(map: MetadataMap): Uint8Array {
  const out = new OutBuffer(256);
  const encoder = new HpackEncoder(TABLE_SIZE, true);
  for (const [name, value] of map) encoder.encode(name, value, out, true);
  return out.bytes.subarray(0, out.position);
}
