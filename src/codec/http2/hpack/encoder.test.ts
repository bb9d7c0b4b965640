import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HpackDecoder } from './decoder.ts';
import { HpackEncoder } from './encoder.ts';
import { HPACK_OK } from './errors.ts';
import { OutBuffer } from './out-buffer.ts';

type Field = readonly [string, string];

/** An encoder and the decoder at its other end. */
class Pair {
  readonly encoder: HpackEncoder;
  readonly decoder: HpackDecoder;
  readonly out = new OutBuffer(64);

  constructor(maxTableSize = 4096, huffman = true) {
    this.encoder = new HpackEncoder(maxTableSize, huffman);
    this.decoder = new HpackDecoder(4096);
  }

  /** Sends fields through both; returns the block. */
  send(fields: readonly Field[], neverIndex = false): Buffer {
    this.out.reset();
    for (const [name, value] of fields) this.encoder.encode(name, value, this.out, neverIndex);
    const block = Buffer.from(this.out.bytes.subarray(0, this.out.position));
    const got: Field[] = [];
    const result = this.decoder.decode(block, 0, block.length, { onHeader: (name, value) => got.push([name, value]) > 0 });
    assert.equal(result, HPACK_OK);
    assert.deepEqual(got, fields);
    assert.equal(this.decoder.tableSize, this.encoder.tableSize, 'the tables agree');
    return block;
  }
}

const REQUEST: readonly Field[] = [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':path', '/'],
  [':authority', 'www.example.com'],
  ['user-agent', 'curl/8.5.0'],
  ['x-custom', 'Value with spaces'],
];

describe('HPACK encoder', () => {
  it('writes RFC 7541 C.4.1, C.4.2', () => {
    const pair = new Pair();
    const first: Field[] = [[':method', 'GET'], [':scheme', 'http'], [':path', '/'], [':authority', 'www.example.com']];
    assert.equal(pair.send(first).toString('hex'), '828684418cf1e3c2e5f23a6ba0ab90f4ff');
    assert.equal(pair.send([...first, ['cache-control', 'no-cache']]).toString('hex'), '828684be5886a8eb10649cbf');
  });

  it('writes RFC 7541 C.3.1 without Huffman code', () => {
    const block = new Pair(4096, false).send([[':method', 'GET'], [':scheme', 'http'], [':path', '/'], [':authority', 'www.example.com']]);
    assert.equal(block.toString('hex'), '828684410f7777772e6578616d706c652e636f6d');
  });

  it('a message that repeats is one byte a field', () => {
    const pair = new Pair();
    pair.send(REQUEST);
    for (let i = 0; i < 3; i++) assert.equal(pair.send(REQUEST).length, REQUEST.length);
    assert.equal(pair.send([...REQUEST].reverse()).length, REQUEST.length, 'in whatever order');
  });

  it('several values of a name have places of their own', () => {
    const pair = new Pair();
    const cookies: Field[] = ['session', 'consent', 'theme'].map((crumb) => ['cookie', `${crumb}=0123456789abcdef`]);
    pair.send(cookies);
    assert.equal(pair.send(cookies).length, 3);
    assert.equal(pair.send([...cookies].reverse()).length, 3);
  });

  it('a path gets a place when it comes a second time', () => {
    const pair = new Pair();
    assert.equal(pair.send([[':path', '/package.Service/Method']])[0] & 0xf0, 0, 'a literal');
    assert.equal(pair.send([[':path', '/package.Service/Method']])[0] & 0xc0, 0x40, 'inserted');
    assert.equal(pair.send([[':path', '/package.Service/Method']]).length, 1);
  });

  it('two paths in turn', () => {
    const pair = new Pair();
    for (let i = 0; i < 2; i++) for (const path of ['/one', '/two']) pair.send([[':path', path]]);
    for (const path of ['/one', '/two']) assert.equal(pair.send([[':path', path]]).length, 1);
  });

  it('a name whose values never repeat stops filling the table', () => {
    const pair = new Pair();
    pair.send(REQUEST);
    for (let i = 0; i < 1000; i++) pair.send([['x-session-token', `value-${i * 7919}`]]);
    assert.equal(pair.send(REQUEST).length, REQUEST.length, 'the others are still there');
    assert.ok(pair.encoder.tableSize < 1500);
  });

  it('an entry of more than three quarters of the table is none', () => {
    const pair = new Pair();
    pair.send(REQUEST);
    const size = pair.encoder.tableSize;
    pair.send([['x-large', 'x'.repeat(3100)]]);
    assert.equal(pair.encoder.tableSize, size);
    pair.send([['x-large', 'x'.repeat(10_000)]]);
    assert.equal(pair.send(REQUEST).length, REQUEST.length);
  });

  it('never indexed: the literal says so, and no table has it', () => {
    const pair = new Pair();
    for (let i = 0; i < 2; i++) assert.equal(pair.send([['etag', 'secret']], true)[0], 0x1f);
    assert.equal(pair.encoder.tableSize, 0);
    assert.equal(pair.send([['x-secret', 'secret']], true)[0], 0x10);
  });

  it('credentials and short cookies are never indexed by themselves', () => {
    const pair = new Pair();
    for (let i = 0; i < 2; i++) {
      for (const [name, value] of [['authorization', 'Basic dXNlcjpwYXNzd29yZA=='], ['proxy-authorization', 'Bearer x'], ['cookie', 'pin=1234']] as const) {
        assert.equal(pair.send([[name, value]])[0], 0x1f, name);
      }
    }
    assert.equal(pair.encoder.tableSize, 0);
    assert.equal(pair.send([['cookie', 'session=0123456789abcdef']])[0], 0x60);
  });

  it('announces smaller tables, the smallest first', () => {
    const pair = new Pair();
    pair.send(REQUEST);
    pair.encoder.setMaxTableSize(0);
    pair.encoder.setMaxTableSize(1000);
    pair.decoder.setMaxTableSize(0);
    pair.decoder.setMaxTableSize(1000);
    const block = pair.send(REQUEST);
    assert.equal(block.subarray(0, 4).toString('hex'), '203fc907');
    assert.equal(pair.send(REQUEST).length, REQUEST.length);
    pair.encoder.setMaxTableSize(1000);
    assert.equal(pair.send(REQUEST).length, REQUEST.length, 'nothing new');
    pair.encoder.setMaxTableSize(60);
    pair.decoder.setMaxTableSize(60);
    assert.equal(pair.send([[':method', 'GET']]).toString('hex'), '3f1d82');
  });

  it('uses no more than its own limit', () => {
    const pair = new Pair(100);
    assert.equal(pair.send([[':method', 'GET']]).toString('hex'), '3f4582', 'announced first');
    pair.encoder.setMaxTableSize(65_536);
    pair.decoder.setMaxTableSize(65_536);
    for (let i = 0; i < 5; i++) pair.send(REQUEST);
    assert.ok(pair.encoder.tableSize <= 100);
    const none = new Pair(0);
    for (let i = 0; i < 5; i++) none.send(REQUEST);
    assert.equal(none.encoder.tableSize, 0);
  });

  it('grows with a larger table of the peer', () => {
    const pair = new Pair(1 << 20);
    pair.encoder.setMaxTableSize(65_536);
    pair.decoder.setMaxTableSize(65_536);
    const many: Field[] = Array.from({ length: 1000 }, (_, i) => [`x-name-${i}`, `value ${i}`]);
    pair.send(many);
    assert.ok(pair.send(many).length <= 3 * many.length);
  });

  it('values from large parents do not keep them alive', () => {
    const pair = new Pair();
    const parent = 'GET / HTTP/1.1 '.repeat(10);
    for (let i = 0; i < 3; i++) pair.send([['x-slice', parent.substring(3, 60)]]);
    assert.equal(pair.send([['x-slice', parent.substring(3, 60)]]).length, 1);
  });

  it('random traffic: what is decoded is what was encoded, the tables agree', () => {
    let seed = 7541;
    const random = (below: number): number => ((seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) >>> 8) % below;
    const names = [':path', ':status', 'cookie', 'date', 'x-request-id', 'via', 'x-a', 'x-b', 'etag', ...Array.from({ length: 400 }, (_, i) => `n${i}`)];
    for (const [limit, huffman] of [[4096, true], [4096, false], [300, true], [0, true], [20_000, true]] as const) {
      const pair = new Pair(limit, huffman);
      pair.encoder.setMaxTableSize(20_000);
      pair.decoder.setMaxTableSize(20_000);
      for (let block = 0; block < 300; block++) {
        if (random(40) === 0) {
          const size = random(5000);
          pair.encoder.setMaxTableSize(size);
          pair.decoder.setMaxTableSize(size);
        }
        const fields: Field[] = Array.from({ length: random(12) + 1 }, () => {
          const name = random(3) === 0 ? names[random(names.length)] : names[random(9)];
          const value = Array.from({ length: random(4) === 0 ? random(200) : random(3) }, () => String.fromCharCode(random(5) === 0 ? random(256) : 97 + random(4))).join('');
          return [name, value];
        });
        pair.send(fields, random(30) === 0);
      }
    }
  });
});
