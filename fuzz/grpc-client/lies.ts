/** What a lying server sends: gRPC responses with everything wrong now and then. */
import { SeededRandom } from '../../src/base/random.ts';

export class Dice {
  private readonly random: SeededRandom;

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
  }

  /** 0 to n - 1. */
  below(n: number): number {
    return this.random.uint32() % n;
  }

  chance(share: number): boolean {
    return this.random.float() < share;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)];
  }

  bytes(most: number): Buffer {
    return Buffer.from(Array.from({ length: this.below(most + 1) }, () => this.below(256)));
  }
}

/** Frames of messages: right, flagged, too long, cut, or noise. */
export function frames(dice: Dice): Buffer {
  const parts: Buffer[] = [];
  for (let left = dice.below(5); left > 0; left--) {
    const message = dice.chance(0.5) ? Buffer.from([8, dice.below(4)]) : dice.bytes(40);
    const head = Buffer.alloc(5);
    head[0] = dice.chance(0.85) ? 0 : dice.pick([1, 2, 0x80, 0xff]);
    head.writeUInt32BE(dice.chance(0.9) ? message.length : dice.pick([0, 1, 65_537, 0x7fffffff, 0xffffffff]), 1);
    parts.push(head, message);
  }
  const all = Buffer.concat(parts);
  if (dice.chance(0.1)) return dice.bytes(30);
  return dice.chance(0.15) ? all.subarray(0, dice.below(all.length + 1)) : all;
}

export function statusCode(dice: Dice): string {
  return dice.chance(0.7) ? '200' : dice.pick(['100', '204', '301', '400', '401', '404', '429', '503', '599']);
}

/** Header fields of a response head, or of trailers. */
export function fields(dice: Dice, trailers: boolean): [string, string][] {
  const made: [string, string][] = [];
  if (!trailers && dice.chance(0.9)) made.push(['content-type', dice.pick(['application/grpc', 'application/grpc+proto', 'text/html', 'application/grpc-web', ''])]);
  if (dice.chance(trailers ? 0.9 : 0.2)) made.push(['grpc-status', dice.pick(['0', '0', '0', '5', '14', '16', '17', '99', '-1', 'x', '', '00', '4294967296'])]);
  if (dice.chance(0.3)) made.push(['grpc-message', dice.pick(['no', '%', '%41%', 'a b', ''])]);
  if (dice.chance(0.1)) made.push(['grpc-encoding', 'gzip']);
  if (dice.chance(0.1)) made.push(['x-bin', dice.pick(['AA==', '!!', ''])]);
  return made;
}

/** Cut at random places. */
export function pieces(dice: Dice, bytes: Buffer): Buffer[] {
  const cut: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = dice.chance(0.3) ? at + 1 + dice.below(8) : bytes.length;
    cut.push(bytes.subarray(at, end));
    at = end;
  }
  return cut;
}
