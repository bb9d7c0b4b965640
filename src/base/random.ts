import { crypto } from './crypto.ts';
import { latin1 } from './latin1.ts';

/** Random numbers for one thread; tests pass a seeded one. */
export interface Random {
  /** Uniform unsigned 32-bit integer. */
  uint32(): number;
  /** Uniform in [0, 1), 53 bits. */
  float(): number;
  /** Uniform integer in [0, bound); bound in [1, 2^32]. */
  below(bound: number): number;
  /** Random UUID version 4, lower case (RFC 9562 section 5.4). */
  uuid(): string;
}

/** Two digits of every byte, and where in a UUID the two of each of its bytes are. */
const DIGITS: Uint8Array = Uint8Array.from({ length: 512 }, (_, i) => ((i >>> 1) >>> ((i & 1) === 0 ? 4 : 0) & 0x0f).toString(16).charCodeAt(0));
const DIGITS_AT: Uint8Array = Uint8Array.of(0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34);
const UUID_LENGTH = 36;
/** Where UUIDs are put together: as a sum of strings each would leave twenty behind, in every request. */
const uuidText: Buffer = Buffer.alloc(UUID_LENGTH, '-');

/** Formats 16 bytes at `at` as a version 4 UUID. */
export function formatUuidV4(bytes: Uint8Array, at: number): string {
  for (let i = 0; i < 16; i++) putByte(bytes[at + i], DIGITS_AT[i]);
  putByte((bytes[at + 6] & 0x0f) | 0x40, DIGITS_AT[6]);
  putByte((bytes[at + 8] & 0x3f) | 0x80, DIGITS_AT[8]);
  return latin1(uuidText, 0, UUID_LENGTH);
}

function putByte(byte: number, to: number): void {
  uuidText[to] = DIGITS[byte * 2];
  uuidText[to + 1] = DIGITS[byte * 2 + 1];
}

/** Cryptographically strong numbers, taken from the system in blocks so that one costs some nanoseconds. */
export class SystemRandom implements Random {
  private readonly block = new Uint8Array(4_096);
  private readonly words = new Uint32Array(this.block.buffer);
  private next = 4_096;

  uint32(): number {
    return this.words[this.take(4) >>> 2];
  }

  float(): number {
    return ((this.uint32() >>> 5) * 67_108_864 + (this.uint32() >>> 6)) / 9_007_199_254_740_992;
  }

  below(bound: number): number {
    return Math.floor(this.float() * bound);
  }

  uuid(): string {
    return formatUuidV4(this.block, this.take(16));
  }

  /** Returns the offset of `size` fresh bytes, 4-aligned. */
  private take(size: number): number {
    if (this.next + size > this.block.length) {
      crypto().randomFillSync(this.block);
      this.next = 0;
    }
    const at = this.next;
    this.next += size;
    return at;
  }
}

/** Deterministic numbers (splitmix32) for tests and chi-square checks. Not for secrets. */
export class SeededRandom implements Random {
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  uint32(): number {
    this.state = (this.state + 0x9e37_79b9) >>> 0;
    let z = this.state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0_aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a_2d97);
    return (z ^ (z >>> 15)) >>> 0;
  }

  float(): number {
    return ((this.uint32() >>> 5) * 67_108_864 + (this.uint32() >>> 6)) / 9_007_199_254_740_992;
  }

  below(bound: number): number {
    return Math.floor(this.float() * bound);
  }

  uuid(): string {
    const bytes = new Uint8Array(16);
    for (let i = 0; i < 16; i++) bytes[i] = this.uint32() & 0xff;
    return formatUuidV4(bytes, 0);
  }
}
