import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GRPC_MAX_MESSAGE_BYTES, encodeGrpcFrame, grpcFrameHeader } from './frame.ts';
import { GrpcFrameCounter } from './frame-counter.ts';
import { GRPC_DECODE_BAD_FLAGS, GRPC_DECODE_OK, GRPC_DECODE_TOO_LARGE, GrpcFrameDecoder } from './frame-decoder.ts';
import type { GrpcMessageSink } from './frame-decoder.ts';

/** Keeps copies of what comes. */
class Messages implements GrpcMessageSink {
  readonly seen: [number, string][] = [];

  onMessage(flags: number, data: Buffer): void {
    this.seen.push([flags, data.toString('latin1')]);
  }
}

const STREAM = Buffer.concat([
  encodeGrpcFrame(Buffer.from('one')), encodeGrpcFrame(Buffer.alloc(0)), encodeGrpcFrame(Buffer.from('three'), 1),
  encodeGrpcFrame(Buffer.alloc(3_000, 0x61)),
]);
const MESSAGES: [number, string][] = [[0, 'one'], [0, ''], [1, 'three'], [0, 'a'.repeat(3_000)]];

test('a header is flags and a length, big-endian', () => {
  assert.deepEqual([...grpcFrameHeader(0x01020304, 1)], [1, 1, 2, 3, 4]);
  assert.deepEqual([...grpcFrameHeader(GRPC_MAX_MESSAGE_BYTES, 0)], [0, 255, 255, 255, 255]);
  assert.deepEqual([...encodeGrpcFrame(Buffer.from('ab'))], [0, 0, 0, 0, 2, 0x61, 0x62]);
});

test('messages come out alike however the bytes are cut', () => {
  for (const step of [1, 2, 3, 4, 5, 6, 7, 11, 100, 1_024, STREAM.length]) {
    const sink = new Messages();
    const decoder = new GrpcFrameDecoder(10_000);
    const counter = new GrpcFrameCounter();
    for (let at = 0; at < STREAM.length; at += step) {
      assert.equal(decoder.decode(STREAM.subarray(at, at + step), sink), GRPC_DECODE_OK);
      counter.inspect(STREAM.subarray(at, at + step));
    }
    assert.deepEqual(sink.seen, MESSAGES, `pieces of ${step}`);
    assert.equal(decoder.hasPartial, false);
    assert.equal(decoder.pendingBytes, 0);
    assert.equal(counter.count, 4);
  }
});

test('every truncation leaves a part', () => {
  const frame = encodeGrpcFrame(Buffer.from('hello'));
  for (let length = 0; length < frame.length; length++) {
    const sink = new Messages();
    const decoder = new GrpcFrameDecoder(10_000);
    decoder.decode(frame.subarray(0, length), sink);
    assert.equal(decoder.hasPartial, length > 0, `${length} bytes`);
    assert.equal(decoder.pendingBytes, Math.max(0, length - 5));
    assert.equal(decoder.missingBytes, length < 5 ? 0 : 10 - length);
    assert.equal(decoder.messageBytes, length < 5 ? 0 : 5);
    assert.deepEqual(sink.seen, []);
  }
});

test('a message that lies whole in the bytes is not copied', () => {
  const frame = encodeGrpcFrame(Buffer.from('hello'));
  let same = false;
  new GrpcFrameDecoder(5).decode(frame, { onMessage: (_flags, data) => { same = data.buffer === frame.buffer; } });
  assert.ok(same);
});

test('the limit holds before anything is kept, and errors are final', () => {
  const sink = new Messages();
  const exact = new GrpcFrameDecoder(5);
  assert.equal(exact.decode(encodeGrpcFrame(Buffer.from('12345')), sink), GRPC_DECODE_OK);
  assert.equal(exact.decode(grpcFrameHeader(6, 0), sink), GRPC_DECODE_TOO_LARGE);
  assert.equal(exact.decode(encodeGrpcFrame(Buffer.from('x')), sink), GRPC_DECODE_TOO_LARGE);
  assert.equal(exact.pendingBytes, 0);
  assert.deepEqual(sink.seen, [[0, '12345']]);
});

test('a length of four gigabytes takes no memory by itself', () => {
  const decoder = new GrpcFrameDecoder(Infinity);
  decoder.decode(grpcFrameHeader(GRPC_MAX_MESSAGE_BYTES, 0), new Messages());
  decoder.decode(Buffer.from('x'), new Messages());
  assert.equal(decoder.missingBytes, GRPC_MAX_MESSAGE_BYTES - 1);
  assert.equal(decoder.pendingBytes, 1);
});

test('flags that are not gRPC are refused at the first byte, unless they are asked for', () => {
  const sink = new Messages();
  for (const flags of [0x02, 0x04, 0x80, 0xff]) {
    assert.equal(new GrpcFrameDecoder(5).decode(Buffer.from([flags]), sink), GRPC_DECODE_BAD_FLAGS);
  }
  assert.equal(new GrpcFrameDecoder(5, 0x81).decode(encodeGrpcFrame(Buffer.from('t'), 0x80), sink), GRPC_DECODE_OK);
  assert.deepEqual(sink.seen, [[0x80, 't']]);
});

test('after close nothing comes', () => {
  const seen: string[] = [];
  const decoder = new GrpcFrameDecoder(10_000);
  const sink: GrpcMessageSink = {
    onMessage: (_flags, data) => {
      seen.push(data.toString());
      decoder.close();
    },
  };
  decoder.decode(STREAM, sink);
  decoder.decode(STREAM, sink);
  assert.deepEqual(seen, ['one']);
});

test('the counter counts a message at its first byte', () => {
  const counter = new GrpcFrameCounter();
  assert.equal(counter.inspect(STREAM.subarray(0, 8)), 1);
  assert.equal(counter.inspect(STREAM.subarray(8, 9)), 1);
  assert.equal(counter.inspect(STREAM.subarray(9, 9)), 0);
  assert.equal(counter.inspect(STREAM.subarray(9)), 2);
  assert.equal(counter.count, 4);
});
