import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { INTEGER_TOO_LARGE, INTEGER_TRUNCATED, integerEnd, MAX_INTEGER_BYTES, readInteger, writeInteger } from './integer.ts';

describe('HPACK integers', () => {
  it('examples of RFC 7541 C.1', () => {
    const bytes = new Uint8Array(8);
    assert.equal(writeInteger(bytes, 0, 0, 0x1f, 10), 1);
    assert.equal(bytes[0], 10);
    assert.equal(writeInteger(bytes, 0, 0, 0x1f, 1337), 3);
    assert.deepEqual([...bytes.subarray(0, 3)], [0x1f, 0x9a, 0x0a]);
    assert.equal(readInteger(bytes, 1, 3, 0x1f), 1337);
    assert.equal(integerEnd(), 3);
    assert.equal(writeInteger(bytes, 0, 0, 0xff, 42), 1);
    assert.equal(bytes[0], 42);
  });

  it('comes back as it went, and every truncation is seen', () => {
    const bytes = new Uint8Array(1 + MAX_INTEGER_BYTES);
    for (const prefix of [0x0f, 0x1f, 0x3f, 0x7f]) {
      for (const value of [prefix, prefix + 1, prefix + 127, prefix + 128, 16_383, 16_384, 1 << 20, 0x0fff_ffff, 0x7fff_ffff]) {
        const end = writeInteger(bytes, 1, 0x80, prefix, value);
        assert.ok(end <= 1 + MAX_INTEGER_BYTES);
        assert.equal(readInteger(bytes, 2, end, prefix), value);
        assert.equal(integerEnd(), end);
        for (let cut = 2; cut < end; cut++) assert.equal(readInteger(bytes, 2, cut, prefix), INTEGER_TRUNCATED);
      }
    }
  });

  it('refuses what does not fit into 32 bits or is too long', () => {
    const read = (...bytes: number[]): number => readInteger(Uint8Array.from(bytes), 0, bytes.length, 0x7f);
    assert.equal(read(0x80, 0xff, 0xff, 0xff, 0x0f), 0xffff_ffff, 'the largest');
    assert.equal(read(0x81, 0xff, 0xff, 0xff, 0x0f), INTEGER_TOO_LARGE);
    assert.equal(read(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01), INTEGER_TOO_LARGE);
    assert.equal(read(0x80, 0x80, 0x80, 0x80, 0x00), 0x7f, 'five groups');
    assert.equal(read(0x80, 0x80, 0x80, 0x80, 0x80, 0x00), INTEGER_TOO_LARGE, 'six');
  });
});
