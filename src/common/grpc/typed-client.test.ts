import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { DiscoveryRequest, DiscoveryResponse } from '#api/envoy/service/discovery/v3/discovery_pb.js';
import { api } from '../../config/index.ts';
import { expectMessage } from '../../contract/message.ts';
import { FakeGrpcClient } from '../testing/fake-grpc-client.ts';
import { TypedGrpcClient } from './typed-client.ts';

const REQUEST = 'envoy.service.discovery.v3.DiscoveryRequest';
const RESPONSE = 'envoy.service.discovery.v3.DiscoveryResponse';
const request = (nonce: string): DiscoveryRequest => expectMessage<DiscoveryRequest>(create(api().message(REQUEST), { responseNonce: nonce }), REQUEST);
const answer = toBinary(api().message(RESPONSE), create(api().message(RESPONSE), { versionInfo: '7' }));

function clients(): { fake: FakeGrpcClient; typed: TypedGrpcClient<DiscoveryRequest, DiscoveryResponse>; events: string[] } {
  const fake = new FakeGrpcClient();
  const method = { service: 'envoy.service.discovery.v3.AggregatedDiscoveryService', method: 'StreamAggregatedResources', request: REQUEST, response: RESPONSE } as const;
  return { fake, typed: new TypedGrpcClient(fake, method), events: [] };
}

test('a unary call: message there, message back; bytes that are none are INTERNAL', () => {
  const { fake, typed, events } = clients();
  const callbacks = { onSuccess: (response: DiscoveryResponse) => events.push(response.versionInfo), onFailure: (status: number) => events.push(`failed ${status}`) };
  typed.send(request('n'), callbacks);
  assert.equal(fake.last.path, 'envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources');
  assert.deepEqual(fromBinary(api().message(REQUEST), fake.last.sent[0]), request('n'));
  fake.last.respond(answer);
  typed.send(request('n'), callbacks);
  fake.last.respond(Uint8Array.of(0xff));
  typed.send(request('n'), callbacks);
  fake.last.fail(14);
  assert.deepEqual(events, ['7', 'failed 13', 'failed 14']);
});

test('a stream: messages both ways; a broken one is refused', () => {
  const { fake, typed, events } = clients();
  const stream = typed.start({
    onReceiveInitialMetadata: () => events.push('initial'), onMessage: (response) => events.push(response.versionInfo),
    onReceiveTrailingMetadata: () => events.push('trailing'), onRemoteClose: (status) => events.push(`closed ${status}`),
  });
  stream?.sendMessage(request('a'), false);
  stream?.sendMessage(request('b'), true);
  assert.deepEqual([fake.last.sent.length, fake.last.closed], [2, true]);
  assert.equal(fake.last.receive(answer), true);
  assert.equal(fake.last.receive(Uint8Array.of(0xff)), false);
  fake.last.end(13);
  assert.deepEqual(events, ['7', 'trailing', 'closed 13']);
});
