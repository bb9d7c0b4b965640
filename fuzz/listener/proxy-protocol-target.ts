/**
 * What must hold for any bytes before a PROXY header's end: nothing throws; more bytes change neither a header nor a refusal of version 2; a
 * header never takes more than there is; addresses that it names can be written again and read the same.
 */
import assert from 'node:assert/strict';
import { proxyHeaderV2 } from '../../src/codec/proxy-protocol/write-header.ts';
import type { ProxyHeaderRules } from '../../src/codec/proxy-protocol/read-header.ts';
import { readProxyHeader, readTlvs } from '../../src/codec/proxy-protocol/read-header.ts';
import { canonicalIp, ipAddress } from '../../src/common/network/ip-address.ts';
import type { Rng } from '../http1/generate.ts';
import type { FuzzTarget } from '../http2/run.ts';
import { mutated } from './generate.ts';

const SEEDS: readonly Buffer[] = [
  Buffer.from('PROXY TCP4 1.2.3.4 5.6.7.8 1000 80\r\nGET'),
  Buffer.from('PROXY TCP6 ::1 2001:db8::2 1000 80\r\nGET'),
  Buffer.from('PROXY UNKNOWN\r\nGET'),
  Buffer.from('0d0a0d0a000d0a515549540a2111001a010203040506070803e80050020003616263' + '0900056464646464', 'hex'),
  Buffer.from(`0d0a0d0a000d0a515549540a21210028${'20010db8'.padEnd(32, '0')}${'2'.padStart(32, '0')}03e8005002000161`, 'hex'),
  Buffer.from('0d0a0d0a000d0a515549540a20000003616263', 'hex'),
];
const RULES: readonly ProxyHeaderRules[] = [true, false].flatMap((optional) => [
  { allowV1: true, allowV2: true, optional }, { allowV1: false, allowV2: true, optional }, { allowV1: true, allowV2: false, optional },
]);

function checkOne(input: Buffer, rules: ProxyHeaderRules, more: Buffer): void {
  const result = readProxyHeader(input, rules);
  if (result.outcome === 'incomplete') {
    assert.ok(result.need === 0 || result.need > input.length, 'it needs what is there');
    return;
  }
  if (result.outcome !== 'header') return;
  const { header } = result;
  assert.ok(header.length <= input.length);
  assert.deepEqual(readProxyHeader(Buffer.concat([input, more]), rules), result, 'more bytes change the header');
  const tlvs = readTlvs(header.tlvs);
  if (tlvs !== null) assert.equal(tlvs.reduce((sum, { value }) => sum + 3 + value.length, 0), header.tlvs.length);
  if (header.source === null || header.destination === null) return;
  const [source, destination] = [header.source, header.destination].map(({ ip, port }) => ipAddress(canonicalIp(ip) ?? assert.fail(ip), port));
  const again = readProxyHeader(proxyHeaderV2(source, destination), { allowV1: true, allowV2: true, optional: false });
  assert.ok(again.outcome === 'header' && again.header.source !== null);
  assert.deepEqual([canonicalIp(again.header.source.ip), again.header.source.port], [source.ip, source.port]);
}

export const proxyProtocolTarget: FuzzTarget = {
  name: '../../listener/corpus/proxy-protocol',
  generate: (rng: Rng, last: Buffer): Buffer => mutated(rng, rng.chance(0.2) && last.length > 0 ? last : rng.pick(SEEDS)),
  check: (input: Buffer, rng: Rng): void => {
    for (const rules of RULES) checkOne(input, rules, Buffer.from([rng.below(256), rng.below(256)]));
  },
};
