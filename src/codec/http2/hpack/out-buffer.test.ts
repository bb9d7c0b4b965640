import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OutBuffer } from './out-buffer.ts';

describe('output buffer', () => {
  it('grows, and keeps what was written', () => {
    const out = new OutBuffer(8);
    for (let i = 0; i < 100; i++) {
      out.ensure(1);
      out.bytes[out.position++] = i;
    }
    assert.deepEqual([...out.bytes.subarray(0, 100)], Array.from({ length: 100 }, (_, i) => i));
    out.ensure(5_000);
    assert.ok(out.bytes.length - out.position >= 5_000);
    assert.equal(out.bytes[99], 99);
  });

  it('stays as it is while there is room', () => {
    const out = new OutBuffer(8);
    const { bytes } = out;
    out.ensure(8);
    assert.equal(out.bytes, bytes);
    out.position = 8;
    out.ensure(0);
    assert.equal(out.bytes, bytes);
  });

  it('gives back what an exceptionally large message took', () => {
    const out = new OutBuffer(8);
    out.ensure(20);
    const small = out.bytes;
    out.reset();
    assert.equal(out.bytes, small, 'not for a little');
    out.ensure(1_000);
    out.position = 1_000;
    out.reset();
    assert.equal(out.position, 0);
    assert.equal(out.bytes.length, 8);
  });
});
