/**
 * Inputs of the HPACK fuzzers: what one connection's decoder goes through, as bytes, so that it can be mutated and kept. A step is
 * one byte of kind, two of length or number, and the block: kind even = a header block, odd = a table size that was acknowledged.
 */

export interface Step {
  /** A header block, or null for a table size. */
  readonly block: Buffer | null;
  readonly tableSize: number;
}

const MAX_STEPS = 64;

/** Any bytes are a program: the last block ends where they end. */
export function parseProgram(input: Buffer): Step[] {
  const steps: Step[] = [];
  for (let at = 0; at + 3 <= input.length && steps.length < MAX_STEPS; ) {
    const number = input.readUInt16BE(at + 1);
    if ((input[at] & 1) === 1) {
      steps.push({ block: null, tableSize: number });
      at += 3;
    } else {
      const end = Math.min(at + 3 + number, input.length);
      steps.push({ block: input.subarray(at + 3, end), tableSize: 0 });
      at = end;
    }
  }
  return steps;
}

export function blockStep(block: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([0, block.length >> 8, block.length & 0xff]), block]);
}

export function sizeStep(size: number): Buffer {
  return Buffer.from([1, size >> 8, size & 0xff]);
}
