/**
 * Base64 of grpc-web-text (RFC 4648 section 4, with padding), in pieces: both directions keep at most three bytes between calls. The text
 * may be several padded parts one after another, since gRPC-web peers encode each message, and trailers, by itself.
 */

const PAD = 0x3d;
const INVALID = 0xff;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

const VALUES = new Uint8Array(256).fill(INVALID);
for (let i = 0; i < 64; i++) VALUES[ALPHABET.charCodeAt(i)] = i;

/** Text to bytes. */
export class Base64Decoder {
  private readonly held: Uint8Array;
  /** Characters of an unfinished group of four that have been taken, 0 to 3 between calls. */
  heldCount: number;

  constructor() {
    this.held = new Uint8Array(4);
    this.heldCount = 0;
  }

  /**
   * The bytes of all groups of four that are whole now (a buffer of its own, maybe empty), or null when one is no base64: another character,
   * padding in the wrong place, or bits set that the padding cuts off.
   */
  decode(text: Uint8Array): Buffer | null {
    const out = Buffer.allocUnsafe(Math.floor((this.heldCount + text.length) / 4) * 3);
    let length = 0;
    for (let at = 0; at < text.length; at++) {
      this.held[this.heldCount++] = text[at];
      if (this.heldCount < 4) continue;
      this.heldCount = 0;
      const taken = this.group(out, length);
      if (taken === 0) return null;
      length += taken;
    }
    return out.subarray(0, length);
  }

  /** Decodes the held group into `out`; returns how many bytes it was, 0 when it is none. */
  private group(out: Buffer, at: number): number {
    const held = this.held;
    const a = VALUES[held[0]];
    const b = VALUES[held[1]];
    if (a === INVALID || b === INVALID) return 0;
    out[at] = (a << 2) | (b >> 4);
    if (held[2] === PAD) return held[3] === PAD && (b & 0x0f) === 0 ? 1 : 0;
    const c = VALUES[held[2]];
    if (c === INVALID) return 0;
    out[at + 1] = ((b & 0x0f) << 4) | (c >> 2);
    if (held[3] === PAD) return (c & 0x03) === 0 ? 2 : 0;
    const d = VALUES[held[3]];
    if (d === INVALID) return 0;
    out[at + 2] = ((c & 0x03) << 6) | d;
    return 3;
  }
}

const NOTHING = Buffer.alloc(0);

/** Bytes to text. */
export class Base64Encoder {
  /** One or two bytes that wait for the third of their group. */
  private held: Buffer;

  constructor() {
    this.held = NOTHING;
  }

  /** The text of all groups of three that are whole now; with `end` of the rest too, padded, and a new part begins. */
  encode(data: Buffer, end: boolean): Buffer {
    const bytes = this.held.length === 0 ? data : Buffer.concat([this.held, data]);
    const whole = end ? bytes.length : bytes.length - (bytes.length % 3);
    this.held = whole === bytes.length ? NOTHING : Buffer.from(bytes.subarray(whole));
    return Buffer.from(bytes.toString('base64', 0, whole), 'latin1');
  }
}
