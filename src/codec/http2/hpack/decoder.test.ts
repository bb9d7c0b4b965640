import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HEADER_NAMES } from '../../../base/header-names.ts';
import type { HeaderSink } from './decoder.ts';
import { HpackDecoder } from './decoder.ts';
import { HPACK_HUFFMAN_ERROR, HPACK_INTEGER_ERROR, HPACK_INVALID_INDEX, HPACK_INVALID_NAME_INDEX, HPACK_MISSING_SIZE_UPDATE, HPACK_OK, HPACK_RESULT_TEXT, HPACK_SIZE_UPDATE_ABOVE_LOW_WATER_MARK, HPACK_SIZE_UPDATE_ABOVE_SETTING, HPACK_SIZE_UPDATE_NOT_ALLOWED, HPACK_STRING_TOO_LONG, HPACK_TRUNCATED } from './errors.ts';
import { FIELD_ID_MASK, FIELD_PADDED_VALUE, FIELD_PATH } from './field-tag.ts';

class Fields implements HeaderSink {
  readonly list: string[] = [];
  readonly tags: number[] = [];
  /** How many fields are wanted. */
  wanted = Infinity;

  onHeader(name: string, value: string, tag: number): boolean {
    this.list.push(`${name}: ${value}`);
    this.tags.push(tag);
    return this.list.length < this.wanted;
  }
}

function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(' ', ''), 'hex');
}

function decode(decoder: HpackDecoder, text: string): string[] {
  const fields = new Fields();
  const block = hex(text);
  assert.equal(HPACK_RESULT_TEXT[decoder.decode(block, 0, block.length, fields)], 'ok');
  return fields.list;
}

function resultOf(text: string, decoder = new HpackDecoder(4096)): number {
  const block = hex(text);
  return decoder.decode(block, 0, block.length, new Fields());
}

const REQUEST_1 = [':method: GET', ':scheme: http', ':path: /', ':authority: www.example.com'];
const DATE = 'Mon, 21 Oct 2013 20:13:2';

describe('HPACK decoder', () => {
  it('RFC 7541 C.2: single fields', () => {
    const decoder = new HpackDecoder(4096);
    assert.deepEqual(decode(decoder, '400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572'), ['custom-key: custom-header']);
    assert.equal(decoder.tableSize, 55);
    assert.deepEqual(decode(new HpackDecoder(4096), '040c 2f73 616d 706c 652f 7061 7468'), [':path: /sample/path']);
    assert.deepEqual(decode(new HpackDecoder(4096), '1008 7061 7373 776f 7264 0673 6563 7265 74'), ['password: secret']);
    assert.deepEqual(decode(new HpackDecoder(4096), '82'), [':method: GET']);
  });

  for (const [name, blocks] of [
    ['C.3: without Huffman code', ['8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d', '8286 84be 5808 6e6f 2d63 6163 6865', '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65']],
    ['C.4: with Huffman code', ['8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff', '8286 84be 5886 a8eb 1064 9cbf', '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf']],
  ] as const) {
    it(`RFC 7541 ${name}`, () => {
      const decoder = new HpackDecoder(4096);
      assert.deepEqual(decode(decoder, blocks[0]), REQUEST_1);
      assert.equal(decoder.tableSize, 57);
      assert.deepEqual(decode(decoder, blocks[1]), [...REQUEST_1, 'cache-control: no-cache']);
      assert.equal(decoder.tableSize, 110);
      assert.deepEqual(decode(decoder, blocks[2]), [':method: GET', ':scheme: https', ':path: /index.html', ':authority: www.example.com', 'custom-key: custom-value']);
      assert.equal(decoder.tableSize, 164);
    });
  }

  it('RFC 7541 C.6: eviction in a table of 256 bytes', () => {
    const decoder = new HpackDecoder(256);
    const first = '4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3';
    assert.deepEqual(decode(decoder, first), [':status: 302', 'cache-control: private', `date: ${DATE}1 GMT`, 'location: https://www.example.com']);
    assert.equal(decoder.tableSize, 222);
    assert.deepEqual(decode(decoder, '4883 640e ffc1 c0bf'), [':status: 307', 'cache-control: private', `date: ${DATE}1 GMT`, 'location: https://www.example.com']);
    assert.equal(decoder.tableSize, 222);
    const third = '88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07';
    assert.deepEqual(decode(decoder, third), [
      ':status: 200',
      'cache-control: private',
      `date: ${DATE}2 GMT`,
      'location: https://www.example.com',
      'content-encoding: gzip',
      'set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1',
    ]);
    assert.equal(decoder.tableSize, 215);
  });

  it('every truncation of a block is an error or a shorter list', () => {
    const block = hex('8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff 7f 00 0161 0162 ff 00');
    const boundaries = new Set([0, 1, 2, 3, 17]);
    for (let end = 0; end <= 17; end++) {
      const result = new HpackDecoder(4096).decode(block, 0, end, new Fields());
      assert.equal(result, boundaries.has(end) ? HPACK_OK : HPACK_TRUNCATED, `cut at ${end}`);
    }
  });

  it('indices: 0, behind the end, in both forms', () => {
    assert.equal(resultOf('80'), HPACK_INVALID_INDEX);
    assert.equal(resultOf('be'), HPACK_INVALID_INDEX, 'an empty table');
    assert.equal(resultOf('4001 6101 62 be'), HPACK_OK);
    assert.equal(resultOf('4001 6101 62 bf'), HPACK_INVALID_INDEX);
    assert.equal(resultOf('ff 00'), HPACK_INVALID_INDEX);
    assert.equal(resultOf('ff 80 80 80 80 08'), HPACK_INVALID_INDEX);
    assert.equal(resultOf('7e 01 61'), HPACK_INVALID_NAME_INDEX);
    assert.equal(resultOf('0f 2f 01 61'), HPACK_INVALID_NAME_INDEX);
    assert.equal(resultOf('1f 2f 01 61'), HPACK_INVALID_NAME_INDEX);
  });

  it('integers out of range', () => {
    assert.equal(resultOf('ff ffff ffff ffff ffff 7f'), HPACK_INTEGER_ERROR);
    assert.equal(resultOf('00 7f ffff ffff ffff ffff 01'), HPACK_INTEGER_ERROR);
    assert.equal(resultOf('00 7f ff'), HPACK_TRUNCATED);
    assert.equal(resultOf('ff'), HPACK_TRUNCATED);
  });

  it('string literals: length limit, Huffman errors', () => {
    assert.equal(resultOf('00 02 6162 02 6162', new HpackDecoder(4096, 2)), HPACK_OK);
    assert.equal(resultOf('00 03 616263 02 6162', new HpackDecoder(4096, 2)), HPACK_STRING_TOO_LONG);
    assert.equal(resultOf('00 02 6162 7f ff', new HpackDecoder(4096, 2)), HPACK_TRUNCATED);
    assert.equal(resultOf('00 02 6162 7f 00', new HpackDecoder(4096, 2)), HPACK_STRING_TOO_LONG);
    assert.equal(resultOf('00 01 61 81 ff'), HPACK_HUFFMAN_ERROR);
    assert.equal(resultOf('00 84 ffff fffc 01 61'), HPACK_HUFFMAN_ERROR);
  });

  it('table size updates: at the beginning, not above the setting', () => {
    assert.equal(resultOf('20 3fe1 1f 82'), HPACK_OK);
    assert.equal(resultOf('20 20 20 82'), HPACK_OK);
    assert.equal(resultOf('82 20'), HPACK_SIZE_UPDATE_NOT_ALLOWED);
    assert.equal(resultOf('0001 6101 62 20'), HPACK_SIZE_UPDATE_NOT_ALLOWED);
    assert.equal(resultOf('3fe2 1f'), HPACK_SIZE_UPDATE_ABOVE_SETTING);
  });

  it('an update empties the table', () => {
    const decoder = new HpackDecoder(4096);
    decode(decoder, '4001 6101 62');
    assert.equal(decoder.tableSize, 34);
    decode(decoder, '20');
    assert.equal(decoder.tableSize, 0);
    decode(decoder, '4001 6101 62');
    assert.equal(decoder.tableSize, 0, 'nothing fits');
    decode(decoder, '3fe1 1f');
    decode(decoder, '4001 6101 62 be');
  });

  it('smaller settings demand an update that is small enough', () => {
    const start = (): HpackDecoder => {
      const decoder = new HpackDecoder(4096);
      decode(decoder, '4001 6101 62');
      decoder.setMaxTableSize(30);
      decoder.setMaxTableSize(100);
      return decoder;
    };
    assert.equal(resultOf('be', start()), HPACK_MISSING_SIZE_UPDATE);
    assert.equal(resultOf('', start()), HPACK_MISSING_SIZE_UPDATE);
    assert.equal(resultOf('3f 00 82', start()), HPACK_SIZE_UPDATE_ABOVE_LOW_WATER_MARK);
    assert.equal(resultOf('3e 3f46 82', start()), HPACK_SIZE_UPDATE_ABOVE_SETTING);
    const decoder = start();
    assert.deepEqual(decode(decoder, '3e 3f45 82'), [':method: GET']);
    assert.deepEqual(decode(decoder, '82'), [':method: GET'], 'once is enough');
  });

  it('an entry larger than the table empties it', () => {
    const decoder = new HpackDecoder(64);
    decode(decoder, '4001 6101 62');
    assert.deepEqual(decode(decoder, `4001 61 20 ${'62'.repeat(32)}`), [`a: ${'b'.repeat(32)}`]);
    assert.equal(decoder.tableSize, 0);
  });

  it('names of entries that are evicted by their own insertion', () => {
    const decoder = new HpackDecoder(70);
    decode(decoder, '4003 616263 05 6465 6667 68');
    assert.deepEqual(decode(decoder, `7e 06 696a 6b6c 6d6e be`), ['abc: ijklmn', 'abc: ijklmn']);
  });

  it('a sink that has enough: the table stays right', () => {
    const decoder = new HpackDecoder(4096);
    const fields = new Fields();
    fields.wanted = 1;
    const block = hex('82 84 4001 6101 62 0001 7801 79 be ff00');
    assert.equal(decoder.decode(block, 0, block.length - 2, fields), HPACK_OK);
    assert.deepEqual(fields.list, [':method: GET']);
    assert.deepEqual(decode(decoder, 'be'), ['a: b']);
    assert.equal(decoder.decode(hex('82 0001 7881 ff'), 0, 6, fields), HPACK_HUFFMAN_ERROR, 'what is not delivered is checked');
  });

  it('tags tell names and faults, also of entries that come again', () => {
    const decoder = new HpackDecoder(4096);
    const fields = new Fields();
    const block = hex('84 4401 20 be 7e 01 62 be 4006 616363657074 01 78');
    assert.equal(decoder.decode(block, 0, block.length, fields), HPACK_OK);
    assert.deepEqual(fields.list, [':path: /', ':path:  ', ':path:  ', ':path: b', ':path: b', 'accept: x']);
    assert.deepEqual(fields.tags.slice(0, 5), [FIELD_PATH, FIELD_PATH | FIELD_PADDED_VALUE, FIELD_PATH | FIELD_PADDED_VALUE, FIELD_PATH, FIELD_PATH]);
    assert.equal(HEADER_NAMES[fields.tags[5] & FIELD_ID_MASK], 'accept');
  });

  it('a large table: its ring grows', () => {
    const decoder = new HpackDecoder(65_536);
    const inserts: string[] = [];
    for (let i = 0; i < 1500; i++) inserts.push(`40 02 ${(0x6161 + (i % 20)).toString(16)} 02 ${(0x3030 + (i % 8)).toString(16)}`);
    decode(decoder, inserts.join(''));
    assert.equal(decoder.tableSize, 1500 * 36);
    const [last] = decode(decoder, 'ff 9a0b');
    assert.equal(last, 'aa: 00', 'index 62 + 1499');
  });
});
