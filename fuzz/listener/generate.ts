/** Inputs for the fuzzers of listener filters: a seed that is right, with bytes changed, cut, doubled and put between. */
import type { Rng } from '../http1/generate.ts';

export function mutated(rng: Rng, seed: Buffer): Buffer {
  let bytes = Buffer.from(seed);
  for (let i = rng.below(4); i > 0 && bytes.length > 0; i--) {
    const at = rng.below(bytes.length);
    switch (rng.below(5)) {
      case 0: bytes[at] = rng.below(256); break;
      case 1: bytes[at] ^= 1 << rng.below(8); break;
      case 2: bytes = bytes.subarray(0, at); break;
      case 3: bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + rng.below(4))]); break;
      default: bytes = Buffer.concat([bytes.subarray(0, at), Buffer.of(rng.below(256), rng.below(256)), bytes.subarray(at)]);
    }
  }
  return bytes;
}
