import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CODE_BITS, CODES, EOS, SYMBOL_COUNT } from './huffman-code.ts';
import { decodeHuffman, HUFFMAN_INVALID, huffmanRoom } from './huffman-decode.ts';
import { HUFFMAN_SLACK, HUFFMAN_TOO_LONG, huffmanLength, writeHuffman } from './huffman-encode.ts';

function encode(text: string): Buffer {
  const length = huffmanLength(text);
  const bytes = Buffer.alloc(length + HUFFMAN_SLACK + 1, 0xaa);
  if (length > 0) assert.equal(writeHuffman(bytes, 0, length - 1, text), HUFFMAN_TOO_LONG);
  assert.equal(bytes[length + HUFFMAN_SLACK], 0xaa, 'nothing behind the slack');
  bytes.fill(0xaa);
  const end = writeHuffman(bytes, 0, length, text);
  assert.equal(end, length);
  assert.equal(bytes[end], 0xaa, 'nothing behind the end');
  return bytes.subarray(0, end);
}

function decode(data: Buffer, start = 0, end = data.length): string | null {
  const target = Buffer.alloc(huffmanRoom(end - start));
  const length = decodeHuffman(data, start, end, target);
  assert.ok(length <= target.length);
  return length === HUFFMAN_INVALID ? null : target.latin1Slice(0, length);
}

/** Bits as text, filled up with ones or with `padding`. */
function bits(text: string, padding = '1'): Buffer {
  const full = text.padEnd(Math.ceil(text.length / 8) * 8, padding);
  return Buffer.from((full.match(/.{8}/g) ?? []).map((each) => Number.parseInt(each, 2)));
}

const codeOf = (symbol: number): string => CODES[symbol].toString(2).padStart(CODE_BITS[symbol], '0');
const ALL_BYTES = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).join('');

describe('HPACK Huffman code', () => {
  it('is a complete prefix code, with the codes of RFC 7541 appendix B', () => {
    let sum = 0;
    for (let symbol = 0; symbol < SYMBOL_COUNT; symbol++) sum += 2 ** -CODE_BITS[symbol];
    assert.equal(sum, 1);
    assert.equal(codeOf(EOS), '1'.repeat(30));
    assert.equal(codeOf(0), '1111111111000');
    assert.equal(codeOf(0x20), '010100');
    assert.equal(codeOf(0x30), '00000');
    assert.equal(codeOf(0x7a), '1111011');
    assert.equal(CODES[249], 0xffffffe);
    assert.equal(CODES[22], 0x3ffffffe);
  });

  it('examples of RFC 7541 C.4 and C.6', () => {
    for (const [text, hex] of [
      ['www.example.com', 'f1e3c2e5f23a6ba0ab90f4ff'],
      ['no-cache', 'a8eb10649cbf'],
      ['custom-key', '25a849e95ba97d7f'],
      ['custom-value', '25a849e95bb8e8b4bf'],
      ['302', '6402'],
      ['private', 'aec3771a4b'],
      ['Mon, 21 Oct 2013 20:13:21 GMT', 'd07abe941054d444a8200595040b8166e082a62d1bff'],
      ['https://www.example.com', '9d29ad171863c78f0b97c8e9ae82ae43d3'],
      ['foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1', '94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007'],
    ] as const) {
      assert.equal(encode(text).toString('hex'), hex);
      assert.equal(decode(Buffer.from(hex, 'hex')), text);
    }
  });

  it('every byte, alone and between others, comes back', () => {
    for (const char of ALL_BYTES) {
      for (const before of ['', '0', 'e', '!', 'X', '\u00ff']) {
        for (const behind of ['', '0', 'zz', '\u0016']) {
          const text = before + char + behind;
          assert.equal(decode(encode(text)), text);
        }
      }
    }
    assert.equal(decode(encode(ALL_BYTES + ALL_BYTES)), ALL_BYTES + ALL_BYTES);
    assert.equal(decode(encode('')), '');
  });

  it('every pair of bytes', () => {
    let text = '';
    for (const a of ALL_BYTES) for (const b of ALL_BYTES) text += a + b;
    assert.equal(decode(encode(text)), text);
  });

  it('looks at nothing outside of its range', () => {
    const data = encode('custom-value');
    const wide = Buffer.concat([Buffer.from([0, 0xff]), data, Buffer.from([0x00, 0xff])]);
    assert.equal(decode(wide, 2, 2 + data.length), 'custom-value');
  });

  it('padding: up to seven ones', () => {
    assert.equal(decode(bits(codeOf(0x61))), 'a');
    for (let ones = 8; ones < 40; ones += 8) assert.equal(decode(Buffer.concat([encode('0o'.repeat(4)), Buffer.alloc(ones / 8, 0xff)])), null, `${ones} ones`);
    assert.equal(decode(Buffer.from([0xff])), null, 'a byte of padding alone');
    assert.equal(decode(bits(codeOf(0x61), '0')), null, 'zeros');
    for (const rest of ['011', '101', '110']) assert.equal(decode(bits(codeOf(0x61) + rest)), null, 'the beginning of a code');
  });

  it('EOS is no symbol, at whatever place', () => {
    for (const before of ['', '0', '00', '000', 'aaaaaaaa', '&', '\\']) {
      const coded = [...before].map((char) => codeOf(char.charCodeAt(0))).join('');
      assert.equal(decode(bits(coded + codeOf(EOS))), null);
      assert.equal(decode(bits(coded + codeOf(EOS) + codeOf(0x30))), null);
    }
  });

  it('agrees with a decoder that goes bit by bit, for random bytes', () => {
    const byCode = new Map<string, number>();
    for (let symbol = 0; symbol < SYMBOL_COUNT; symbol++) byCode.set(codeOf(symbol), symbol);
    let seed = 20261121;
    const random = (): number => (seed = (Math.imul(seed, 1103515245) + 12345) >>> 0) >>> 8;
    for (let run = 0; run < 3000; run++) {
      const data = Buffer.from(Array.from({ length: random() % 12 }, () => (random() % 3 === 0 ? 0xff : random() & 0xff)));
      assert.equal(decode(data), slowDecode(data, byCode), data.toString('hex'));
    }
  });
});

function slowDecode(data: Buffer, byCode: Map<string, number>): string | null {
  let out = '';
  let code = '';
  for (const byte of data) {
    for (const bit of byte.toString(2).padStart(8, '0')) {
      code += bit;
      const symbol = byCode.get(code);
      if (symbol === undefined) continue;
      if (symbol === EOS) return null;
      out += String.fromCharCode(symbol);
      code = '';
    }
  }
  return code.length < 8 && !code.includes('0') ? out : null;
}
