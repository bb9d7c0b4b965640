/** Inputs for the HTTP/2 fuzzers: header blocks by a grammar that likes odd corners, then mutated. */
import { HpackEncoder, OutBuffer } from '../../src/codec/http2/hpack/index.ts';
import { writeHuffman, huffmanLength, HUFFMAN_SLACK } from '../../src/codec/http2/hpack/huffman-encode.ts';
import { writeInteger } from '../../src/codec/http2/hpack/integer.ts';
import type { Rng } from '../http1/generate.ts';
import { blockStep, sizeStep } from './program.ts';

export const NAMES = [':method', ':path', ':scheme', ':authority', ':status', ':protocol', 'cookie', 'via', 'x-a', 'x_b', 'content-length', 'te', 'Upper', '', ':', 'a b', 'x-long-name-of-some-kind', 'caf\xe9', 'accept', 'grpc-status'];
export const VALUES = ['', 'a', 'GET', '/', '/path?x=y', 'https', '200', 'www.example.com', ' padded ', 'a\tb', 'a\x00b', 'a\r\nb', 'caf\xe9\xff', '!!!!', '\\\\~^', 'x'.repeat(100), 'Z'.repeat(300), '0123456789abcdef-0123456789abcdef'];

function integer(rng: Rng, opcode: number, prefix: number, value: number): Buffer {
  const bytes = Buffer.alloc(16);
  let end = writeInteger(bytes, 0, opcode, prefix, value);
  // Padding with zero groups, and numbers that overflow.
  if (rng.chance(0.03) && end > 1) {
    for (let i = rng.below(rng.chance(0.3) ? 14 - end : 3); i > 0; i--) {
      bytes[end - 1] |= 0x80;
      bytes[end++] = rng.chance(0.8) ? 0 : rng.below(128);
    }
  }
  return bytes.subarray(0, end);
}

function string(rng: Rng, text: string): Buffer {
  if (rng.chance(0.5)) return Buffer.concat([integer(rng, 0, 0x7f, text.length), Buffer.from(text, 'latin1')]);
  const length = huffmanLength(text);
  const coded = Buffer.alloc(length + HUFFMAN_SLACK);
  writeHuffman(coded, 0, length, text);
  const bytes = coded.subarray(0, length);
  if (rng.chance(0.03) && length > 0) bytes[length - 1] ^= 1 << rng.below(8);
  if (rng.chance(0.03)) return Buffer.concat([integer(rng, 0x80, 0x7f, length + 1), bytes, Buffer.from([rng.chance(0.5) ? 0xff : rng.below(256)])]);
  return Buffer.concat([integer(rng, 0x80, 0x7f, length), bytes]);
}

function index(rng: Rng): number {
  if (rng.chance(0.5)) return 1 + rng.below(61);
  return rng.chance(0.9) ? 62 + rng.below(6) : rng.below(300);
}

function field(rng: Rng): Buffer {
  if (rng.chance(0.4)) return integer(rng, 0x80, 0x7f, index(rng));
  const [opcode, prefix] = rng.pick([[0x40, 0x3f], [0x40, 0x3f], [0, 0x0f], [0x10, 0x0f]] as const);
  const name = rng.chance(0.5) ? integer(rng, opcode, prefix, index(rng)) : Buffer.concat([Buffer.from([opcode]), string(rng, rng.pick(NAMES))]);
  return Buffer.concat([name, string(rng, rng.pick(VALUES))]);
}

const SIZES = [0, 0, 31, 32, 40, 100, 256, 4096, 4096, 4097, 65_535];

function block(rng: Rng): Buffer {
  const parts: Buffer[] = [];
  while (rng.chance(0.15)) parts.push(integer(rng, 0x20, 0x1f, rng.pick(SIZES)));
  for (let n = rng.below(8); n > 0; n--) parts.push(rng.chance(0.01) ? integer(rng, 0x20, 0x1f, rng.pick(SIZES)) : field(rng));
  return Buffer.concat(parts);
}

/** A block that our own encoder writes. */
function encodedBlock(rng: Rng, encoder: HpackEncoder): Buffer {
  const out = new OutBuffer(4096);
  for (let n = rng.below(12); n > 0; n--) encoder.encode(rng.pick(NAMES), rng.pick(VALUES), out, rng.chance(0.05));
  return Buffer.from(out.bytes.subarray(0, out.position));
}

export function generateProgram(rng: Rng): Buffer {
  const encoder = rng.chance(0.5) ? new HpackEncoder(rng.pick(SIZES), rng.chance(0.7)) : null;
  const steps: Buffer[] = [];
  for (let n = 1 + rng.below(6); n > 0; n--) {
    if (rng.chance(0.1)) {
      const size = rng.pick(SIZES);
      encoder?.setMaxTableSize(size);
      steps.push(sizeStep(size));
    }
    steps.push(blockStep(encoder === null || rng.chance(0.1) ? block(rng) : encodedBlock(rng, encoder)));
  }
  return Buffer.concat(steps);
}

/** Changes, repeats, removes and exchanges pieces of `input`. */
export function mutateBytes(rng: Rng, input: Buffer, other: Buffer): Buffer {
  let bytes = Buffer.from(input);
  for (let n = 1 + rng.below(4); n > 0 && bytes.length > 0; n--) {
    const at = rng.below(bytes.length);
    const length = 1 + rng.below(Math.min(16, bytes.length - at));
    const kind = rng.below(6);
    if (kind === 0) bytes[at] ^= 1 << rng.below(8);
    else if (kind === 1) bytes[at] = rng.pick([0, 0xff, 0x7f, 0x80, 0x3f, 0x40, 0x20, rng.below(256)]);
    else if (kind === 2) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
    else if (kind === 3) bytes = Buffer.concat([bytes.subarray(0, at + length), bytes.subarray(at)]);
    else if (kind === 4) bytes = bytes.subarray(0, at);
    else bytes = Buffer.concat([bytes.subarray(0, at), other.subarray(rng.below(other.length + 1)).subarray(0, 40), bytes.subarray(at)]);
  }
  return bytes;
}
