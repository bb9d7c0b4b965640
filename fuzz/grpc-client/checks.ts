/** gRPC health checks, answered by lies frame by frame over HTTP/2. */
import assert from 'node:assert/strict';
import { HOST_ACTIVE_HC_TIMEOUT, HOST_FAILED_ACTIVE_HC } from '../../src/contract/upstream.ts';
import { CheckedCluster } from '../../src/core/health/testing.ts';
import { Dice, fields, frames, pieces, statusCode } from './lies.ts';

const HTTP2 = ', typed_extension_protocol_options: {envoy.extensions.upstreams.http.v3.HttpProtocolOptions: {"@type": ' +
  'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions, explicit_http_config: {http2_protocol_options: {}}}}';

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

function block(all: readonly (readonly [string, string])[]): Buffer {
  return Buffer.from(all.map(([name, value]) => `\0${String.fromCharCode(name.length)}${name}${String.fromCharCode(value.length)}${value}`).join(''), 'latin1');
}

function answer(dice: Dice, stream: number): Buffer {
  const parts = [frame(1, dice.chance(0.1) ? 5 : 4, stream, block([[':status', statusCode(dice)], ...fields(dice, false)]))];
  for (const piece of pieces(dice, frames(dice))) parts.push(frame(0, dice.chance(0.05) ? 1 : 0, stream, piece));
  if (dice.chance(0.1)) parts.push(frame(3, 0, stream, Buffer.from([0, 0, 0, dice.below(14)])));
  if (dice.chance(0.1)) parts.push(frame(7, 0, 0, Buffer.from([0, 0, 0, dice.below(9), 0, 0, 0, dice.below(3)])));
  if (dice.chance(0.05)) parts.push(dice.bytes(30));
  if (dice.chance(0.9)) parts.push(frame(1, 5, stream, block(fields(dice, true))));
  return Buffer.concat(parts);
}

/** Twenty checks of one host. */
export function playChecks(seed: number): void {
  const dice = new Dice(seed);
  const reuse = dice.chance(0.8);
  const cluster = new CheckedCluster(`grpc_health_check: {service_name: x}, reuse_connection: ${reuse}`, { extra: HTTP2 });
  try {
    const streams = new WeakMap<object, number>();
    for (let i = 0; i < 20; i++) {
      const { socket } = cluster;
      if (!streams.has(socket)) {
        streams.set(socket, 1);
        if (dice.chance(0.1)) socket.refused();
        else {
          socket.connected();
          socket.receive(frame(4, 0, 0, Buffer.alloc(0)).toString('latin1'));
        }
      }
      const stream = streams.get(socket) ?? 1;
      streams.set(socket, stream + 2);
      if (dice.chance(0.9)) for (const piece of pieces(dice, answer(dice, stream))) socket.receive(piece.toString('latin1'));
      if (dice.chance(0.1)) socket.end();
      cluster.thread.advance(dice.chance(0.5) ? 1_001 : 1);
      cluster.thread.advance(10_001);
      hold(cluster);
    }
  } finally {
    cluster.dispose();
  }
}

/** What is always true between checks. */
function hold(cluster: CheckedCluster): void {
  const [attempt, success, failure, network, passive, healthy] = cluster.counts;
  assert.ok(success + failure <= attempt && network + passive <= failure, `counts ${cluster.counts.join(' ')}`);
  assert.ok(attempt - success - failure <= 1, 'a check has no end');
  assert.equal(healthy, (cluster.flags & HOST_FAILED_ACTIVE_HC) === 0 ? 1 : 0);
  assert.ok((cluster.flags & HOST_ACTIVE_HC_TIMEOUT) === 0 || (cluster.flags & HOST_FAILED_ACTIVE_HC) !== 0);
  assert.ok(cluster.thread.dispatcher.armedTimers <= 2);
}
