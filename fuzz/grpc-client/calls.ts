/** Calls of the proxy's own client, answered by lies over HTTP/1 in memory (the client does not care what carries a response). */
import assert from 'node:assert/strict';
import type { GrpcService } from '#api/envoy/config/core/v3/grpc_service_pb.js';
import { readGrpcService } from '../../src/common/grpc-service.ts';
import { fromYaml } from '../../src/common/testing/messages.ts';
import type { GrpcRequest, GrpcStream } from '../../src/contract/grpc-client.ts';
import { EnvoyGrpcClient } from '../../src/core/grpc/envoy-client.ts';
import { TestProxy } from '../../src/core/http/testing/proxy.ts';
import { Dice, fields, frames, pieces, statusCode } from './lies.ts';

const SERVICE =
  '{envoy_grpc: {cluster_name: origin, max_receive_message_length: 65536}, retry_policy: {retry_on: "unavailable,reset,5xx", num_retries: 2, retry_back_off: {base_interval: 0.01s, max_interval: 0.05s}}}';
/** In order: what may still come after it. */
const ORDER = ['initial', 'message', 'trailing', 'closed'];

/** Holds the caller's callbacks to their contract. */
class Caller {
  private at = 0;
  private readonly unary: boolean;
  private readonly dice: Dice;
  over = false;
  stream: GrpcStream | null = null;
  call: GrpcRequest | null = null;

  constructor(unary: boolean, dice: Dice) {
    this.unary = unary;
    this.dice = dice;
  }

  private hear(event: string): void {
    assert.equal(this.over, false, `${event} after the end`);
    const place = ORDER.indexOf(event);
    assert.ok(place >= this.at, `${event} after ${ORDER[this.at]}`);
    this.at = place;
    if (event === 'closed') this.over = true;
    else this.act();
  }

  /** A caller may do anything from within a callback. */
  act(): void {
    const { stream, dice } = this;
    if (stream === null || this.over || !dice.chance(0.3)) return;
    switch (dice.below(6)) {
      case 0:
        this.over = true;
        stream.resetStream();
        break;
      case 1: stream.sendMessage(dice.bytes(50), dice.chance(0.2)); break;
      case 2: stream.closeStream(); break;
      case 3: stream.readDisable(true); break;
      case 4: stream.readDisable(false); break;
      default:
        this.over = true;
        stream.waitForRemoteCloseAndDelete(20);
    }
  }

  onSuccess(): void {
    assert.ok(this.unary);
    this.hear('closed');
  }

  onFailure(status: number): void {
    assert.ok(this.unary && Number.isInteger(status) && status !== 0);
    this.hear('closed');
  }

  onReceiveInitialMetadata(): void {
    this.hear('initial');
  }

  onMessage(message: Buffer): boolean {
    assert.ok(message.length <= 65_536);
    this.hear('message');
    return this.dice.chance(0.95);
  }

  onReceiveTrailingMetadata(): void {
    this.hear('trailing');
  }

  onRemoteClose(status: number): void {
    assert.ok(Number.isInteger(status));
    this.hear('closed');
  }
}

function response(dice: Dice): Buffer {
  const status = statusCode(dice);
  const head = `HTTP/1.1 ${status} x\r\n${fields(dice, false).map(([name, value]) => `${name}: ${value}\r\n`).join('')}`;
  const body = frames(dice);
  if (dice.chance(0.15)) return Buffer.from(`${head}content-length: 0\r\n\r\n`, 'latin1');
  if (dice.chance(0.15)) return Buffer.concat([Buffer.from(`${head}content-length: ${body.length}\r\n\r\n`, 'latin1'), body]);
  const chunks = pieces(dice, body).map((each) => Buffer.concat([Buffer.from(`${each.length.toString(16)}\r\n`, 'latin1'), each, Buffer.from('\r\n')]));
  const trailers = fields(dice, true).map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return Buffer.concat([Buffer.from(`${head}transfer-encoding: chunked\r\n\r\n`, 'latin1'), ...chunks, Buffer.from(`0\r\n${dice.chance(0.9) ? trailers : ''}\r\n`, 'latin1')]);
}

/** One session of several calls. Throws when something that must hold does not. */
export function playCalls(seed: number): void {
  const dice = new Dice(seed);
  const proxy = new TestProxy();
  const config = readGrpcService(fromYaml<GrpcService>('envoy.config.core.v3.GrpcService', SERVICE));
  assert.ok(config.target.kind === 'envoy');
  const client = new EnvoyGrpcClient(config, config.target, proxy.asyncClients, proxy.dispatcher);
  const callers: Caller[] = [];
  for (let i = 1 + dice.below(3); i > 0; i--) {
    const unary = dice.chance(0.4);
    const caller = new Caller(unary, dice);
    const options = dice.chance(0.3) ? { timeout: 1 + dice.below(100) } : {};
    if (unary) caller.call = client.send('s', 'm', dice.bytes(100), caller, options);
    else {
      caller.stream = client.start('s', 'm', caller, options);
      caller.stream?.sendMessage(dice.bytes(100), dice.chance(0.5));
    }
    callers.push(caller);
  }
  // Retries make new upstreams while this runs.
  for (let at = 0; at < proxy.origin.upstreams.length && at < 20; at++) {
    const upstream = proxy.origin.upstreams[at];
    for (const piece of pieces(dice, response(dice))) {
      if (upstream.reset) break;
      upstream.respond(piece.toString('latin1'));
      if (dice.chance(0.05)) upstream.close();
      for (const caller of callers) caller.act();
    }
    if (dice.chance(0.3)) upstream.close();
    proxy.advance(dice.below(100));
  }
  for (const caller of callers) if (!caller.over) {
    caller.over = true;
    caller.stream?.resetStream();
    caller.call?.cancel();
  }
  proxy.advance(60_000);
  proxy.asyncClients.closeAll();
  assert.equal(proxy.asyncClients.activeStreams, 0);
  assert.equal(proxy.origin.retries.count, 0, 'a retry keeps its place in the breaker');
  proxy.advance(60_000);
  assert.equal(proxy.dispatcher.armedTimers, 0, 'a timer is left');
}
