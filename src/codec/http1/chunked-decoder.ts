/**
 * Chunked transfer coding (RFC 9112 section 7.1), as lenient as Envoy's parser. Gives pieces of body as places in the input; the
 * caller owns the bytes.
 */

/** What `next` found. */
export const CHUNK_MORE = 0;
/** Body at [dataStart, dataEnd). */
export const CHUNK_DATA = 1;
/** The final chunk has begun: the body is complete. */
export const CHUNK_BODY_END = 2;
/** The message is complete; trailers, if any, are in `trailerBytes`. */
export const CHUNK_END = 3;
export const CHUNK_ERROR = 4;
export const CHUNK_TRAILERS_TOO_LONG = 5;
export type ChunkEvent = 0 | 1 | 2 | 3 | 4 | 5;

const STATE_LENGTH = 0;
const STATE_EXTENSION = 1;
const STATE_DATA = 2;
const STATE_TERM = 3;
const STATE_LAST_TERM = 4;
const STATE_TRAILERS = 5;
const STATE_DONE = 6;

/**
 * Bytes of one chunk's line (digits and extension), and of what stands between a chunk and the end of its line. Envoy has no such
 * limit (CVE-2024-22019 in Node): nobody but an attacker comes near.
 */
export const MAX_CHUNK_LINE_BYTES: number = 16 * 1024;
const MAX_CHUNK_DIGITS = 16;

const CR = 13;
const LF = 10;

/** For each byte its value as a hexadecimal digit, 16 for what may end the digits, 17 for others. */
const HEX: Uint8Array = buildHexTable();

function buildHexTable(): Uint8Array {
  const table = new Uint8Array(256).fill(17);
  for (let i = 0; i < 10; i++) table[0x30 + i] = i;
  for (let i = 0; i < 6; i++) table[0x41 + i] = table[0x61 + i] = 10 + i;
  for (const c of [0x09, LF, CR, 0x20, 0x3b]) table[c] = 16;
  return table;
}

export class ChunkedDecoder {
  /** Where `next` stopped reading. */
  position: number;
  dataStart: number;
  dataEnd: number;
  /** Field lines after the final chunk with their empty line, or null. Valid at CHUNK_END. */
  trailerBytes: Buffer | null;
  /** What was wrong, at CHUNK_ERROR. */
  errorText: string;
  private state: number;
  private remaining: number;
  private digits: number;
  private lineBytes: number;
  private afterCr: boolean;
  /** Last CR and LF bytes seen, as Balsa keeps them: the low bytes are the newest. */
  private terminator: number;
  private trailers: Buffer | null;
  private trailerLength: number;
  private readonly maxTrailerBytes: number;

  constructor(maxTrailerBytes: number) {
    this.position = 0;
    this.dataStart = 0;
    this.dataEnd = 0;
    this.trailerBytes = null;
    this.errorText = '';
    this.state = STATE_LENGTH;
    this.remaining = 0;
    this.digits = 0;
    this.lineBytes = 0;
    this.afterCr = false;
    this.terminator = 0;
    this.trailers = null;
    this.trailerLength = 0;
    this.maxTrailerBytes = maxTrailerBytes;
  }

  /** Ready for the next message. */
  begin(): void {
    this.trailerBytes = null;
    this.state = STATE_LENGTH;
    this.remaining = 0;
    this.digits = 0;
    this.lineBytes = 0;
    this.afterCr = false;
    this.terminator = 0;
    this.trailers = null;
    this.trailerLength = 0;
  }

  /** Reads from `data[pos, end)` up to the next event; go on from `position`. */
  next(data: Buffer, pos: number, end: number): ChunkEvent {
    this.position = pos;
    while (this.position < end) {
      const event = this.step(data, end);
      if (event !== CHUNK_MORE) return event;
    }
    return CHUNK_MORE;
  }

  private step(data: Buffer, end: number): ChunkEvent {
    switch (this.state) {
      case STATE_LENGTH:
        return this.readLength(data, end);
      case STATE_EXTENSION:
        return this.readExtension(data, end);
      case STATE_DATA:
        return this.readData(end);
      case STATE_TERM:
        return this.readTerm(data, end);
      case STATE_LAST_TERM:
        return this.readLastTerm(data, end);
      case STATE_TRAILERS:
        return this.readTrailers(data, end);
      default:
        return this.fail('HPE_INVALID_CHUNK_STATE');
    }
  }

  private fail(text: string): ChunkEvent {
    this.errorText = text;
    return CHUNK_ERROR;
  }

  private readLength(data: Buffer, end: number): ChunkEvent {
    let at = this.position;
    for (; at < end; at++) {
      const value = HEX[data[at]];
      if (value < 16) {
        if (this.remaining > 0 && ++this.digits >= MAX_CHUNK_DIGITS) return this.fail('CHUNK_LENGTH_OVERFLOW');
        if (++this.lineBytes > MAX_CHUNK_LINE_BYTES) return this.fail('HPE_INVALID_CHUNK_SIZE');
        this.remaining = this.remaining * 16 + value;
        continue;
      }
      if (value === 17 || this.lineBytes === 0) return this.fail('HPE_INVALID_CHUNK_SIZE');
      this.state = STATE_EXTENSION;
      this.afterCr = false;
      this.position = at;
      return this.remaining === 0 ? CHUNK_BODY_END : CHUNK_MORE;
    }
    this.position = at;
    return CHUNK_MORE;
  }

  private readExtension(data: Buffer, end: number): ChunkEvent {
    for (let at = this.position; at < end; at++) {
      const c = data[at];
      if (this.afterCr !== (c === LF)) return this.fail('INVALID_CHUNK_EXTENSION');
      if (++this.lineBytes > MAX_CHUNK_LINE_BYTES) return this.fail('INVALID_CHUNK_EXTENSION');
      this.afterCr = c === CR;
      if (c !== LF) continue;
      this.position = at + 1;
      this.digits = 0;
      this.lineBytes = 0;
      if (this.remaining > 0) {
        this.state = STATE_DATA;
        return CHUNK_MORE;
      }
      this.state = STATE_LAST_TERM;
      this.terminator = LF;
      return CHUNK_MORE;
    }
    this.position = end;
    return CHUNK_MORE;
  }

  private readData(end: number): ChunkEvent {
    const length = Math.min(this.remaining, end - this.position);
    this.dataStart = this.position;
    this.dataEnd = this.position += length;
    this.remaining -= length;
    if (this.remaining === 0) this.state = STATE_TERM;
    return CHUNK_DATA;
  }

  /** Behind a chunk: everything up to LF is passed over, as Envoy does. What goes on to the other side is framed anew. */
  private readTerm(data: Buffer, end: number): ChunkEvent {
    for (let at = this.position; at < end; at++) {
      if (data[at] === LF) {
        this.position = at + 1;
        this.lineBytes = 0;
        this.state = STATE_LENGTH;
        return CHUNK_MORE;
      }
      if (++this.lineBytes > MAX_CHUNK_LINE_BYTES) return this.fail('STRAY_DATA_AFTER_CHUNK');
    }
    this.position = end;
    return CHUNK_MORE;
  }

  /** Whether the CR or LF `c` ends the head or trailers: LF CR LF or LF LF. */
  private endsFields(c: number): boolean {
    this.terminator = c === LF || c === CR ? ((this.terminator << 8) | c) & 0xffffff : 0;
    return this.terminator === 0x0a0d0a || (this.terminator & 0xffff) === 0x0a0a;
  }

  private readLastTerm(data: Buffer, end: number): ChunkEvent {
    while (this.position < end) {
      const c = data[this.position];
      if (this.endsFields(c)) {
        this.position++;
        this.state = STATE_DONE;
        return CHUNK_END;
      }
      if (this.terminator === 0) {
        this.state = STATE_TRAILERS;
        return CHUNK_MORE;
      }
      if (++this.lineBytes > MAX_CHUNK_LINE_BYTES) return this.fail('INVALID_CHUNK_FRAMING');
      this.position++;
    }
    return CHUNK_MORE;
  }

  private readTrailers(data: Buffer, end: number): ChunkEvent {
    const start = this.position;
    for (let at = start; at < end; at++) {
      if (this.trailerLength + at - start >= this.maxTrailerBytes) return CHUNK_TRAILERS_TOO_LONG;
      if (!this.endsFields(data[at])) continue;
      this.keepTrailers(data, start, at + 1);
      this.position = at + 1;
      this.state = STATE_DONE;
      this.trailerBytes = this.trailers === null ? null : this.trailers.subarray(0, this.trailerLength);
      return CHUNK_END;
    }
    this.keepTrailers(data, start, end);
    this.position = end;
    return CHUNK_MORE;
  }

  private keepTrailers(data: Buffer, start: number, end: number): void {
    const needed = this.trailerLength + end - start;
    if (this.trailers === null || this.trailers.length < needed) {
      const larger = Buffer.allocUnsafe(Math.min(Math.max(needed, 2 * this.trailerLength, 256), this.maxTrailerBytes));
      this.trailers?.copy(larger, 0, 0, this.trailerLength);
      this.trailers = larger;
    }
    data.copy(this.trailers, this.trailerLength, start, end);
    this.trailerLength = needed;
  }
}
