import type { Rng } from '../http1/generate.ts';

/** The input in pieces of chance. */
export function pieces(input: Buffer, rng: Rng): Buffer[] {
  const out: Buffer[] = [];
  for (let at = 0; at < input.length; ) {
    const size = rng.chance(0.5) ? 1 + rng.below(6) : 1 + rng.below(input.length);
    out.push(input.subarray(at, at + size));
    at += size;
  }
  return out;
}

const BYTES = ['{', '}', '[', ']', ',', ':', '"', "'", '\\', ' ', '\\u12', '\\ud83d', '\\udc00', '@', '\x01', '\xc3', '\xff', '5', '-', '.', 'e', '*', '/', '=', '%2f', '\x00'];

/** One to three changes; `last` lends pieces. */
export function mutated(input: Buffer, last: Buffer, rng: Rng): Buffer {
  let out = input;
  for (let changes = 1 + rng.below(3); changes > 0; changes--) out = once(out, last, rng);
  return out;
}

function once(input: Buffer, last: Buffer, rng: Rng): Buffer {
  const at = rng.below(input.length + 1);
  switch (rng.below(5)) {
    case 0:
      return input.subarray(0, at);
    case 1:
      return Buffer.concat([input.subarray(0, at), input.subarray(at + 1 + rng.below(4))]);
    case 2:
      return Buffer.concat([input.subarray(0, at), Buffer.from(rng.pick(BYTES), 'latin1'), input.subarray(at)]);
    case 3: {
      const from = rng.below(last.length + 1);
      return Buffer.concat([input.subarray(0, at), last.subarray(from, from + rng.below(60)), input.subarray(at)]);
    }
    default: {
      const out = Buffer.from(input);
      if (at < out.length) out[at] = rng.below(256);
      return out;
    }
  }
}

/**
 * The message may hold a FieldMask whose path is no path. Protobuf prints paths without escapes, so that what comes out need not be JSON.
 */
export function hasOddMask(message: Buffer): boolean {
  const text = message.toString('latin1');
  return /[\0-\x1f"\\]/.test(text) && (text.includes('\xda\x02') || text.includes('google.protobuf.FieldMask'));
}

/** `text`, a byte string, is JSON. */
export function assertJson(text: string, message: Buffer): void {
  try {
    JSON.parse(text);
  } catch (error) {
    if (!hasOddMask(message)) throw error;
  }
}
