import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CapsuleParser, MAX_CAPSULE_BYTES } from './capsule-parser.ts';
import { udpCapsule, udpPayload } from './udp-datagram.ts';
import { readVarint, varintEnd, varintLength, varintValue, writeVarint } from './varint.ts';

function parse(pieces: readonly Buffer[], accept = true): { events: string[]; parser: CapsuleParser } {
  const events: string[] = [];
  const parser = new CapsuleParser({
    onCapsule: (type, payload) => {
      events.push(`${type}:${payload.toString('latin1')}`);
      return accept;
    },
    onCapsuleError: (message) => events.push(`error ${message}`),
  });
  for (const piece of pieces) parser.feed(piece);
  return { events, parser };
}

describe('varint', () => {
  // RFC 9000 appendix A.1.
  const samples: readonly [string, number][] = [['9d7f3e7d', 494_878_333], ['7bbd', 15_293], ['25', 37]];
  for (const [hex, value] of samples) {
    it(`reads and writes ${value}`, () => {
      const bytes = Buffer.from(hex, 'hex');
      assert.equal(readVarint(bytes, 0), true);
      assert.deepEqual([varintValue, varintEnd], [value, bytes.length]);
      const written = Buffer.alloc(varintLength(value));
      assert.equal(writeVarint(written, value, 0), bytes.length);
      assert.equal(written.toString('hex'), hex);
    });
  }

  it('takes eight bytes for what is large', () => {
    const written = Buffer.alloc(8);
    writeVarint(written, 2 ** 40 + 7, 0);
    assert.equal(readVarint(written, 0), true);
    assert.equal(varintValue, 2 ** 40 + 7);
  });

  it('knows when bytes are missing', () => {
    const bytes = Buffer.from('9d7f3e7d', 'hex');
    for (let length = 0; length < bytes.length; length++) assert.equal(readVarint(bytes.subarray(0, length), 0), false);
  });
});

describe('capsules', () => {
  const bytes = Buffer.concat([udpCapsule(Buffer.from('one')), Buffer.from([0x21, 0x02, 0x68, 0x69]), udpCapsule(Buffer.alloc(0))]);

  it('are found however the stream is cut', () => {
    const expected = ['0:\0one', '33:hi', '0:\0'];
    for (let cut = 0; cut <= bytes.length; cut++) {
      assert.deepEqual(parse([bytes.subarray(0, cut), bytes.subarray(cut)]).events, expected);
    }
    assert.deepEqual(parse([...bytes].map((byte) => Buffer.from([byte]))).events, expected);
  });

  it('that are cut off at the end are an error', () => {
    const { events, parser } = parse([bytes.subarray(0, bytes.length - 1)]);
    parser.end();
    parser.end();
    assert.deepEqual(events.slice(2), ['error Incomplete capsule left at the end of the stream']);
    const whole = parse([bytes]);
    whole.parser.end();
    assert.equal(whole.events.length, 3);
  });

  it('that are too long are refused before they have come', () => {
    const head = Buffer.alloc(9);
    writeVarint(head, MAX_CAPSULE_BYTES, 1);
    assert.deepEqual(parse([head]).events, ['error Refusing to buffer too much capsule data']);
  });

  it('end with the first that the listener refuses', () => {
    assert.deepEqual(parse([bytes, bytes], false).events, ['0:\0one', 'error Visitor failed to process capsule']);
  });
});

describe('UDP in datagrams', () => {
  it('is packed and unpacked', () => {
    assert.equal(udpCapsule(Buffer.from('ab')).toString('hex'), '0003006162');
    assert.equal(udpPayload(Buffer.from([0, 0x61]))?.toString(), 'a');
    assert.equal(udpPayload(Buffer.from([2, 0x61])), null);
    assert.equal(udpPayload(Buffer.alloc(0)), undefined);
    assert.equal(udpPayload(Buffer.from([0x40])), undefined);
  });
});
