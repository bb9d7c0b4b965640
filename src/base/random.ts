import { crypto } from './crypto.ts';

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

const HEX: readonly string[] = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'));

/** Formats 16 bytes at `at` as a version 4 UUID. */
export function formatUuidV4(bytes: Uint8Array, at: number): string {
  const h = HEX;
  const b6 = (bytes[at + 6] & 0x0f) | 0x40;
  const b8 = (bytes[at + 8] & 0x3f) | 0x80;
  return (
    h[bytes[at]] + h[bytes[at + 1]] + h[bytes[at + 2]] + h[bytes[at + 3]] + '-' + h[bytes[at + 4]] + h[bytes[at + 5]] + '-' +
    h[b6] + h[bytes[at + 7]] + '-' + h[b8] + h[bytes[at + 9]] + '-' + h[bytes[at + 10]] + h[bytes[at + 11]] +
    h[bytes[at + 12]] + h[bytes[at + 13]] + h[bytes[at + 14]] + h[bytes[at + 15]]
  );
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
