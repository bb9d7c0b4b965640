import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeededRandom } from '../../base/random.ts';
import { Base64Decoder, Base64Encoder } from './base64.ts';
import { encodeGrpcFrame } from './frame.ts';
import { GrpcWebTextEncoder } from './web-text-encoder.ts';

/** Decodes in pieces of `step`; null as soon as a piece is refused. */
function decode(text: string, step = text.length): string | null {
  const decoder = new Base64Decoder();
  let out = '';
  for (let at = 0; at < text.length; at += step) {
    const part = decoder.decode(Buffer.from(text.slice(at, at + step), 'latin1'));
    if (part === null) return null;
    out += part.toString('latin1');
  }
  return decoder.heldCount > 0 ? null : out;
}

test('text of any length and cut comes back', () => {
  const random = new SeededRandom(7);
  for (let length = 0; length < 70; length++) {
    const bytes = Buffer.from(Array.from({ length }, () => random.uint32() & 0xff));
    for (const step of [1, 2, 3, 5, 64]) assert.equal(decode(bytes.toString('base64'), step), bytes.toString('latin1'));
    const encoder = new Base64Encoder();
    let text = '';
    for (let at = 0; at < length; at += 2) text += encoder.encode(bytes.subarray(at, at + 2), at + 2 >= length).toString();
    assert.equal(text, bytes.toString('base64'));
  }
});

test('padded parts one after another', () => {
  assert.equal(decode('YQ==YWI=YWJj'), 'aababc');
  assert.equal(decode('YQ==YWI=YWJj', 3), 'aababc');
});

test('what is no base64 is refused', () => {
  for (const text of ['Y===', '====', 'Y Q=', 'YQ=a', 'YR==', 'YWJ=', '=YQ=', 'YQ\n=', 'Y-_=', '\xff\xff\xff\xff', 'YWJjY']) {
    assert.equal(decode(text), null, JSON.stringify(text));
  }
});

test('frames as text: each one padded by itself, whatever the cuts', () => {
  const frames = ['', 'a', 'ab', 'abc', 'x'.repeat(1_000)].map((each) => encodeGrpcFrame(Buffer.from(each)));
  const stream = Buffer.concat(frames);
  const expected = frames.map((each) => each.toString('base64')).join('');
  for (const step of [1, 2, 3, 4, 5, 6, 7, 13, 500, stream.length]) {
    const encoder = new GrpcWebTextEncoder();
    let text = '';
    for (let at = 0; at < stream.length; at += step) text += encoder.encode(stream.subarray(at, at + step)).toString();
    assert.equal(text, expected, `pieces of ${step}`);
    assert.equal(encoder.encodeLast(Buffer.from('t')).toString(), 'dA==');
  }
});

test('a cut frame ends before the last one begins', () => {
  const encoder = new GrpcWebTextEncoder();
  const text = encoder.encode(encodeGrpcFrame(Buffer.from('abcd')).subarray(0, 7)).toString() + encoder.encodeLast(Buffer.from('t')).toString();
  assert.equal(decode(text), '\0\0\0\0\x04abt');
});
