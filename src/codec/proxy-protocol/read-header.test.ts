import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ProxyHeaderResult, ProxyHeaderRules } from './read-header.ts';
import { readProxyHeader, readTlvs } from './read-header.ts';
import { proxyHeaderV1, proxyHeaderV2 } from './write-header.ts';

const STRICT: ProxyHeaderRules = { allowV1: true, allowV2: true, optional: false };
const SIGNATURE = '0d0a0d0a000d0a515549540a';
const INET = '0102030405060708' + '03e8' + '0050';

function read(bytes: Buffer, rules: Partial<ProxyHeaderRules> = {}): ProxyHeaderResult {
  return readProxyHeader(bytes, { ...STRICT, ...rules });
}

/** The addresses as text, or the outcome with its version. */
function said(result: ProxyHeaderResult): string {
  if (result.outcome !== 'header') return 'version' in result ? `${result.outcome} ${result.version}` : result.outcome;
  const { source, destination } = result.header;
  return source === null || destination === null ? 'local' : `${source.ip} ${source.port} > ${destination.ip} ${destination.port}`;
}

const LINES: readonly (readonly [string, string])[] = [
  ['PROXY TCP4 1.2.3.4 5.6.7.8 1000 80\r\n', '1.2.3.4 1000 > 5.6.7.8 80'],
  ['PROXY TCP6 ::1 2001:DB8::2 1000 80\r\n', '::1 1000 > 2001:DB8::2 80'],
  ['PROXY TCP4 1.2.3.4 5.6.7.8 0001000 +80 \r\n', '1.2.3.4 1000 > 5.6.7.8 80'],
  ['PROXY UNKNOWN\r\n', 'local'],
  ['PROXY UNKNOWN and more\r\n', 'local'],
  ['PROXY TCP4 1.2.3.4 5.6.7.8 1000 80\xa0\r\n', 'invalid 1'],
  ['PROXY TCP4 1.2.3.4 5.6.7.8 65536 80\r\n', 'invalid 1'],
  ['PROXY TCP4 1.2.3.4 5.6.7.8 -1 80\r\n', 'invalid 1'],
  ['PROXY TCP4 ::1 ::2 1000 80\r\n', 'invalid 1'],
  ['PROXY TCP6 1.2.3.4 1.2.3.5 1000 80\r\n', 'invalid 1'],
  ['PROXY TCP6 fe80::1%eth0 ::2 1000 80\r\n', 'invalid 1'],
  ['PROXY  TCP4 1.2.3.4 5.6.7.8 1000 80\r\n', 'invalid 1'],
  ['proxy TCP4 1.2.3.4 5.6.7.8 1000 80\r\n', 'invalid 0'],
  ['PROXY\r\n', 'invalid 1'],
  ['GET /\r\n', 'invalid 1'],
  ['GET / HTTP/1.1\r\n', 'invalid 0'],
  ['\r\n', 'incomplete'],
  [`PROXY UNKNOWN ${'a'.repeat(92)}\r\n`, 'local'],
  [`PROXY UNKNOWN ${'a'.repeat(93)}\r\n`, 'invalid 1'],
  [`PROXY UNKNOWN ${'a'.repeat(95)}`, 'invalid 0'],
];

/** Hex behind the signature. */
const BINARY: readonly (readonly [string, string])[] = [
  [`2111000c${INET}`, '1.2.3.4 1000 > 5.6.7.8 80'],
  [`2112000c${INET}`, '1.2.3.4 1000 > 5.6.7.8 80'],
  [`21210024${'20010db8'.padEnd(32, '0')}${'2'.padStart(32, '0')}03e80050`, '2001:db8:0:0:0:0:0:0 1000 > 0:0:0:0:0:0:0:2 80'],
  ['20000000', 'local'],
  [`2011000c${INET}`, 'local'],
  ['20ff0001aa', 'local'],
  [`1111000c${INET}`, 'invalid 2'],
  [`2211000c${INET}`, 'invalid 2'],
  [`2110000c${INET}`, 'invalid 2'],
  [`2131000c${INET}`, 'invalid 2'],
  ['21000000', 'invalid 2'],
  ['2111000b', 'invalid 2'],
];

describe('reading a PROXY header', () => {
  it('version 1', () => {
    for (const [line, expected] of LINES) assert.equal(said(read(Buffer.from(line, 'latin1'))), expected, JSON.stringify(line));
  });

  it('version 2', () => {
    for (const [hex, expected] of BINARY) assert.equal(said(read(Buffer.from(SIGNATURE + hex, 'hex'))), expected, hex);
  });

  it('every truncation is incomplete, and more is left alone', () => {
    const address = (ip: string, port: number) => ({ kind: 'ip', text: '', ip, port, family: ip.includes(':') ? 6 : 4 }) as const;
    for (const header of [
      proxyHeaderV1(address('1.2.3.4', 1), address('5.6.7.8', 2)),
      proxyHeaderV2(address('1.2.3.4', 1), address('5.6.7.8', 2)),
      proxyHeaderV2(address('::1', 1), address('::2', 2)),
    ]) {
      for (let i = 1; i < header.length; i++) assert.equal(read(header.subarray(0, i)).outcome, 'incomplete', `${i} of ${header.length}`);
      const result = read(Buffer.concat([header, Buffer.from('GET / HTTP/1.1\r\n')]));
      assert.equal(result.outcome === 'header' && result.header.length, header.length);
    }
  });

  it('says how long version 2 is', () => {
    const result = read(Buffer.from(`${SIGNATURE}211103e8${INET}`, 'hex'));
    assert.deepEqual(result, { outcome: 'incomplete', need: 1_016 });
  });

  it('optional, and versions that are not allowed', () => {
    const v1 = Buffer.from('PROXY UNKNOWN\r\n');
    const v2 = Buffer.from(`${SIGNATURE}20000000`, 'hex');
    assert.equal(said(read(Buffer.from('G'), { optional: true })), 'absent');
    assert.equal(said(read(Buffer.from('P'), { optional: true })), 'incomplete');
    assert.equal(said(read(v1, { allowV1: false })), 'disallowed 1');
    assert.equal(said(read(v2, { allowV2: false })), 'disallowed 2');
    assert.equal(said(read(v1, { allowV1: false, optional: true })), 'absent');
    assert.equal(said(read(v2, { allowV2: false, optional: true })), 'absent');
  });

  it('TLVs', () => {
    const read2 = (hex: string): string | null => readTlvs(Buffer.from(hex, 'hex'))?.map(({ type, value }) => `${type}=${value.toString()}`).join(' ') ?? null;
    assert.equal(read2(''), '');
    assert.equal(read2('02000161' + '030000' + 'ff00026263'), '2=a 3= 255=bc');
    for (const hex of ['02', '0200', '02000161' + '03', '0200026']) assert.equal(read2(hex), null, hex);
  });
});
