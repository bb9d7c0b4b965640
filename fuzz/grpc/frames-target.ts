import assert from 'node:assert/strict';
import {
  Base64Decoder, GRPC_DECODE_BAD_FLAGS, GRPC_DECODE_OK, GRPC_DECODE_TOO_LARGE, GrpcFrameCounter, GrpcFrameDecoder, GrpcWebTextEncoder, encodeGrpcFrame,
} from '../../src/codec/grpc/index.ts';
import { decodeGrpcMessage, encodeGrpcMessage } from '../../src/common/grpc/message.ts';
import type { Rng } from '../http1/generate.ts';
import type { FuzzTarget } from '../http2/run.ts';

const LIMIT = 1_000;

interface Parsed {
  readonly messages: readonly string[];
  readonly result: number;
  readonly partial: boolean;
}

/** The same over the whole bytes at once, as simply as it can be written. */
function reference(input: Buffer): Parsed {
  const messages: string[] = [];
  let at = 0;
  while (at < input.length) {
    const flags = input[at];
    if ((flags & 0xfe) !== 0) return { messages, result: GRPC_DECODE_BAD_FLAGS, partial: true };
    if (at + 5 > input.length) return { messages, result: GRPC_DECODE_OK, partial: true };
    const length = input.readUInt32BE(at + 1);
    if (length > LIMIT) return { messages, result: GRPC_DECODE_TOO_LARGE, partial: true };
    if (at + 5 + length > input.length) return { messages, result: GRPC_DECODE_OK, partial: true };
    messages.push(`${flags}:${input.toString('latin1', at + 5, at + 5 + length)}`);
    at += 5 + length;
  }
  return { messages, result: GRPC_DECODE_OK, partial: false };
}

/** The input in pieces of chance. */
function pieces(input: Buffer, rng: Rng): Buffer[] {
  const out: Buffer[] = [];
  for (let at = 0; at < input.length; ) {
    const size = rng.chance(0.5) ? 1 + rng.below(6) : 1 + rng.below(input.length);
    out.push(input.subarray(at, at + size));
    at += size;
  }
  return out;
}

function checkDecoder(input: Buffer, cut: readonly Buffer[]): void {
  const expected = reference(input);
  const messages: string[] = [];
  const decoder = new GrpcFrameDecoder(LIMIT);
  let result: number = GRPC_DECODE_OK;
  for (const piece of cut) {
    result = decoder.decode(piece, { onMessage: (flags, data) => void messages.push(`${flags}:${data.toString('latin1')}`) });
    assert.ok(decoder.pendingBytes <= LIMIT);
  }
  assert.deepEqual({ messages, result }, { messages: expected.messages, result: expected.result });
  if (result === GRPC_DECODE_OK) assert.equal(decoder.hasPartial, expected.partial);
}

/** Messages begun, whatever their flags and lengths. */
function checkCounter(input: Buffer, cut: readonly Buffer[]): void {
  let expected = 0;
  for (let at = 0; at < input.length; at += at + 5 > input.length ? 5 : 5 + input.readUInt32BE(at + 1)) expected++;
  const counter = new GrpcFrameCounter();
  let sum = 0;
  for (const piece of cut) sum += counter.inspect(piece);
  assert.deepEqual([counter.count, sum], [expected, expected]);
}

/** What the text encoder writes is the bytes again. */
function checkText(input: Buffer, cut: readonly Buffer[]): void {
  const encoder = new GrpcWebTextEncoder();
  const text = Buffer.concat([...cut.map((piece) => encoder.encode(piece)), encoder.encodeLast(Buffer.from('end'))]);
  const decoded = new Base64Decoder().decode(text);
  assert.deepEqual(decoded, Buffer.concat([input, Buffer.from('end')]));
}

const GROUP = /^(?:[A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)$/;

/** Any bytes as base64: group by group, each canonical. */
function checkBase64(input: Buffer, cut: readonly Buffer[]): void {
  const groups = input.toString('latin1').match(/[^]{4}/g) ?? [];
  const bad = groups.findIndex((group) => !GROUP.test(group) || Buffer.from(group, 'base64').toString('base64') !== group);
  const decoder = new Base64Decoder();
  const parts: Buffer[] = [];
  for (const piece of cut) {
    const part = decoder.decode(piece);
    if (part === null) {
      assert.ok(bad >= 0);
      return;
    }
    parts.push(part);
  }
  assert.equal(bad, -1);
  assert.deepEqual(Buffer.concat(parts), Buffer.concat(groups.map((group) => Buffer.from(group, 'base64'))));
  assert.equal(decoder.heldCount, input.length % 4);
}

function checkMessage(input: Buffer): void {
  const text = input.toString('latin1');
  const encoded = encodeGrpcMessage(text);
  assert.match(encoded, /^[\x20-\x7d]*$/);
  // Envoy does not see an escape that ends the text; one more character makes it one.
  assert.equal(decodeGrpcMessage(`${encoded} `), `${text} `);
}

function generateFrames(rng: Rng): Buffer {
  const frames: Buffer[] = [];
  for (let i = rng.below(5); i >= 0; i--) {
    const payload = Buffer.alloc(rng.chance(0.1) ? rng.below(1_100) : rng.below(12), rng.below(256));
    const frame = encodeGrpcFrame(payload, rng.chance(0.9) ? rng.below(2) : rng.below(256));
    if (rng.chance(0.1)) frame.writeUInt32BE(rng.chance(0.5) ? rng.below(20) : Math.floor(rng.next() * 0x1_0000_0000), 1);
    frames.push(frame);
  }
  const all = Buffer.concat(frames);
  return rng.chance(0.3) ? all.subarray(0, rng.below(all.length + 1)) : all;
}

const BASE64 = 'ABCDwxyz0189+/====-_ \n';

function generateText(rng: Rng): Buffer {
  if (rng.chance(0.5)) return Buffer.from(generateFrames(rng).toString('base64'));
  return Buffer.from(Array.from({ length: rng.below(24) }, () => BASE64.charCodeAt(rng.below(BASE64.length))));
}

export const framesTarget: FuzzTarget = {
  // The corpus stands in this folder.
  name: '../../grpc/corpus/frames',

  generate(rng) {
    const input = rng.chance(0.6) ? generateFrames(rng) : generateText(rng);
    const copy = Buffer.from(input);
    if (copy.length > 0 && rng.chance(0.3)) copy[rng.below(copy.length)] = rng.below(256);
    return copy;
  },

  check(input, rng) {
    const cut = pieces(input, rng);
    checkDecoder(input, cut);
    checkCounter(input, cut);
    checkText(input, cut);
    checkBase64(input, cut);
    checkMessage(input);
  },
};
