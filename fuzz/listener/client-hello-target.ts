/**
 * What must hold for any bytes before a ClientHello's end: nothing throws; once it is read or refused, more bytes change nothing; the filter ends
 * for it as the parser does, and its fingerprints have their shape.
 */
import assert from 'node:assert/strict';
import { HELLO_INCOMPLETE, HELLO_INVALID, parseClientHello } from '../../src/codec/client-hello/client-hello.ts';
import { fakeContext } from '../../src/common/testing/fake-context.ts';
import { FakeListenerSocket } from '../../src/common/testing/fake-listener-socket.ts';
import { tlsInspectorSettings } from '../../src/extensions/filters/listener/tls_inspector/config.ts';
import { TlsInspectorFilter } from '../../src/extensions/filters/listener/tls_inspector/filter.ts';
import { TlsInspectorStats } from '../../src/extensions/filters/listener/tls_inspector/stats.ts';
import type { Rng } from '../http1/generate.ts';
import type { FuzzTarget } from '../http2/run.ts';
import { mutated } from './generate.ts';

const EXTENSIONS = [
  '0000000800060000' + '03612e62', '2a2a0000', '000a000600041a1a001d', '000b00020100', '000d0006000404030804', '001000050003026832', '002b00050403040303',
].join('');
const BODY = `0303${'11'.repeat(32)}00000a0a0a13011302c02f002f0100${(EXTENSIONS.length / 2).toString(16).padStart(4, '0')}${EXTENSIONS}`;
const MESSAGE = `0100${(BODY.length / 2).toString(16).padStart(4, '0')}${BODY}`;
const SEEDS: readonly Buffer[] = [
  Buffer.from(`160301${(MESSAGE.length / 2).toString(16).padStart(4, '0')}${MESSAGE}`, 'hex'),
  Buffer.from(`1603010010${MESSAGE.slice(0, 32)}160301${(MESSAGE.length / 2 - 16).toString(16).padStart(4, '0')}${MESSAGE.slice(32)}`, 'hex'),
];
const context = fakeContext();
const stats = new TlsInspectorStats(context.rootScope);
const settings = {
  ...tlsInspectorSettings({
    $typeName: 'envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector', closeConnectionOnClientHelloParsingErrors: false,
  }),
  ja3: true,
  ja4: true,
};

export const clientHelloTarget: FuzzTarget = {
  name: '../../listener/corpus/client-hello',
  generate: (rng: Rng, last: Buffer): Buffer => mutated(rng, rng.chance(0.2) && last.length > 0 ? last : rng.pick(SEEDS)),
  check: (input: Buffer, rng: Rng): void => {
    const hello = parseClientHello(input);
    const more = parseClientHello(Buffer.concat([input, Buffer.from([rng.below(256)])]));
    if (hello !== HELLO_INCOMPLETE) assert.deepEqual(more, hello, 'more bytes change the ClientHello');
    const socket = new FakeListenerSocket(new TlsInspectorFilter(settings, stats), context.dispatcher);
    const outcome = socket.receive(input);
    const { ja3Hash, ja4Hash, requestedServerName } = socket.streamInfo;
    if (typeof hello !== 'object') {
      assert.equal(ja3Hash + ja4Hash + requestedServerName + socket.transportProtocol, '');
      if (hello === HELLO_INVALID && outcome === 'waits') assert.ok(input.length < 7 || input[0] === 21 || input.readUInt16BE(3) === 0);
      return;
    }
    assert.notEqual(outcome, 'waits');
    assert.match(ja3Hash, /^[0-9a-f]{32}$/);
    assert.match(ja4Hash, /^t[01][0-3][di][0-9]{4}[0-9A-Za-z]{2}_[0-9a-f]{12}_[0-9a-f]{12}$/);
    assert.equal(requestedServerName, hello.serverName);
  },
};
