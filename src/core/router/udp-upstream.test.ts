import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, beforeEach, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { SeededRandom } from '../../base/random.ts';
import { systemClock } from '../../base/clock.ts';
import { udpCapsule } from '../../codec/capsule/udp-datagram.ts';
import { RESET_CONNECT_ERROR, RESET_PROTOCOL_ERROR } from '../../contract/codec.ts';
import type { RequestEncoder, ResponseDecoder, StreamCallbacks } from '../../contract/codec.ts';
import { HeaderMap } from '../../contract/header-map.ts';
import type { Host } from '../../contract/upstream.ts';
import { ThreadDispatcher } from '../dispatcher/dispatcher.ts';
import { ipAddress } from '../network/address.ts';
import { UdpUpstream, UdpUpstreamPool } from './udp-upstream.ts';

let server: Socket;
let seen: string[];
let heard: (() => void) | null;
let encoder: RequestEncoder;

beforeEach(async () => {
  seen = [];
  heard = null;
  server = createSocket('udp4');
  server.bind(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(async () => {
  encoder.stream.resetStream(0);
  server.close();
  await once(server, 'close');
});

function note(event: string): void {
  seen.push(event);
  heard?.();
}

async function until(count: number): Promise<void> {
  while (seen.length < count) {
    await new Promise<void>((resolve) => {
      heard = resolve;
    });
  }
}

/** A request to the server's socket; what becomes of it is noted. */
function open(endStream = false): void {
  const dispatcher = new ThreadDispatcher({ name: 'test', clock: systemClock, random: new SeededRandom(1), waker: null, scheduler: { soon: () => {} } });
  const address = ipAddress('127.0.0.1', server.address().port);
  const decoder: ResponseDecoder = {
    decode1xxHeaders: () => {},
    decodeHeaders: (headers) => note(headers.entries().map((each) => each.join('=')).join(' ')),
    decodeData: (data) => note(`data ${data.toString('hex')}`),
    decodeTrailers: () => {},
  };
  const callbacks: StreamCallbacks = {
    onResetStream: (reason, failure) => note(`reset ${reason} ${failure}`),
    onAboveWriteBufferHighWatermark: () => {},
    onBelowWriteBufferLowWatermark: () => {},
  };
  // Only its address is looked at.
  const host = { address } as unknown as Host;
  new UdpUpstreamPool(host, dispatcher).newStream(decoder, {
    onPoolReady: (stream) => {
      encoder = stream;
    },
    onPoolFailure: () => assert.fail(),
  });
  encoder.stream.addCallbacks(callbacks);
  encoder.encodeHeaders(new HeaderMap(), endStream);
}

test('capsules become datagrams, and datagrams capsules', async () => {
  server.on('message', (packet, peer) => server.send(`${packet.toString()}!`, peer.port, peer.address));
  open();
  const bytes = Buffer.concat([udpCapsule(Buffer.from('one')), Buffer.from([0x21, 0x01, 0x00]), udpCapsule(Buffer.from('two'))]);
  encoder.encodeData(bytes.subarray(0, 4), false);
  encoder.encodeData(bytes.subarray(4), false);
  await until(3);
  assert.deepEqual(seen, [':status=200 capsule-protocol=?1', `data ${udpCapsule(Buffer.from('one!')).toString('hex')}`, `data ${udpCapsule(Buffer.from('two!')).toString('hex')}`]);
});

test('a request without a body is refused', () => {
  open(true);
  assert.deepEqual(seen, [`reset ${RESET_CONNECT_ERROR} `]);
});

test('a capsule that is cut off resets the stream', () => {
  open();
  encoder.encodeData(udpCapsule(Buffer.from('one')).subarray(0, 3), true);
  assert.deepEqual(seen.slice(1), [`reset ${RESET_PROTOCOL_ERROR} Incomplete capsule left at the end of the stream`]);
});

test('datagrams are dropped while the client does not read, and when they are too long', async () => {
  server.on('message', (packet, peer) => server.send(packet.toString() === 'long' ? Buffer.alloc(1_501) : packet, peer.port, peer.address));
  open();
  assert.ok(encoder instanceof UdpUpstream);
  encoder.readDisable(true);
  encoder.encodeData(udpCapsule(Buffer.from('lost')), false);
  while (encoder.droppedDatagrams < 1) await turn();
  encoder.readDisable(false);
  encoder.encodeData(Buffer.concat([udpCapsule(Buffer.from('long')), udpCapsule(Buffer.from('here'))]), false);
  await until(2);
  assert.deepEqual(seen.slice(1), [`data ${udpCapsule(Buffer.from('here')).toString('hex')}`]);
  assert.equal(encoder.droppedDatagrams, 2);
});
