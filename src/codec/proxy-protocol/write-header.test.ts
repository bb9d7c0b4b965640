import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Address } from '../../contract/address.ts';
import { fittingTlvs, proxyHeaderV1, proxyHeaderV2, proxyLocalHeaderV2 } from './write-header.ts';

function address(ip: string, port: number): Address {
  const family = ip.includes(':') ? 6 : 4;
  return { kind: 'ip', text: `${ip}:${port}`, ip, port, family };
}

describe('PROXY protocol header', () => {
  it('in version 1', () => {
    assert.equal(proxyHeaderV1(address('1.2.3.4', 1000), address('5.6.7.8', 80)).toString(), 'PROXY TCP4 1.2.3.4 5.6.7.8 1000 80\r\n');
    assert.equal(proxyHeaderV1(address('::1', 1000), address('fe80::2', 80)).toString(), 'PROXY TCP6 ::1 fe80::2 1000 80\r\n');
  });

  it('in version 2 over IPv4', () => {
    const header = proxyHeaderV2(address('1.2.3.4', 1000), address('5.6.7.8', 80));
    assert.equal(header.toString('hex'), '0d0a0d0a000d0a515549540a' + '2111000c' + '01020304' + '05060708' + '03e8' + '0050');
  });

  it('in version 2 over IPv6, however the address is written', () => {
    const rest = '2121' + '0024';
    const cases: readonly [string, string][] = [
      ['::', '0'.repeat(32)],
      ['::1', '0'.repeat(31) + '1'],
      ['2001:db8::a:b', '20010db8' + '0'.repeat(16) + '000a000b'],
      ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
      ['fe80::1%eth0', 'fe80' + '0'.repeat(27) + '1'],
      ['::ffff:1.2.3.4', '0'.repeat(20) + 'ffff01020304'],
    ];
    for (const [ip, hex] of cases) {
      const header = proxyHeaderV2(address(ip, 1), address('::2', 2)).toString('hex');
      assert.equal(header, '0d0a0d0a000d0a515549540a' + rest + hex + '0'.repeat(31) + '2' + '0001' + '0002', ip);
    }
  });

  it('in version 2 with TLVs, also an empty one', () => {
    const tlvs = [{ type: 0xe1, value: Buffer.from('ab') }, { type: 2, value: new Uint8Array(0) }];
    const header = proxyHeaderV2(address('1.2.3.4', 1000), address('5.6.7.8', 80), tlvs);
    assert.equal(header.toString('hex'), '0d0a0d0a000d0a515549540a' + '21110014' + '01020304' + '05060708' + '03e8' + '0050' + 'e100026162' + '020000');
  });

  it('LOCAL', () => assert.equal(proxyLocalHeaderV2().toString('hex'), '0d0a0d0a000d0a515549540a' + '20000000'));

  it('TLVs that fit: the length is one of 16 bits, the first of a type counts', () => {
    const tlv = (type: number, length: number): { type: number; value: Uint8Array } => ({ type, value: new Uint8Array(length) });
    const sizes = (family: 4 | 6, ...tlvs: { type: number; value: Uint8Array }[]): number[] => fittingTlvs(tlvs, family).map(({ type }) => type);
    const room = 65_535 - 12 - 3;
    assert.deepEqual(sizes(4, tlv(1, room)), [1]);
    assert.deepEqual(sizes(4, tlv(1, room + 1), tlv(2, 5)), [2]);
    assert.deepEqual(sizes(4, tlv(1, room - 3), tlv(2, 0), tlv(3, 0)), [1, 2]);
    assert.deepEqual(sizes(6, tlv(1, room)), []);
    assert.deepEqual(sizes(6, tlv(1, room - 24)), [1]);
    assert.deepEqual(sizes(4, tlv(1, 1), tlv(1, 2), tlv(2, 1)), [1, 2]);
    const longest = proxyHeaderV2(address('1.2.3.4', 1), address('5.6.7.8', 2), [tlv(1, room)]);
    assert.equal(longest.readUInt16BE(14), 65_535);
    assert.equal(longest.length, 16 + 65_535);
  });
});
