import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import type { ProxyProtocol } from '#api/envoy/extensions/filters/listener/proxy_protocol/v3/proxy_protocol_pb.js';
import { fakeContext } from '../../../../common/testing/fake-context.ts';
import type { FakeContext } from '../../../../common/testing/fake-context.ts';
import { FakeListenerSocket } from '../../../../common/testing/fake-listener-socket.ts';
import { fromYaml } from '../../../../common/testing/messages.ts';
import { proxyProtocolState } from '../../../../common/network/proxy-protocol-state.ts';
import { PROXY_PROTOCOL } from './config.ts';
import { proxyProtocolFilter } from './index.ts';
import { TlvFilterState } from './tlv-values.ts';

let context: FakeContext;
beforeEach(() => {
  context = fakeContext();
});

function accept(yaml = '{}'): FakeListenerSocket {
  return new FakeListenerSocket(proxyProtocolFilter.create(fromYaml<ProxyProtocol>(PROXY_PROTOCOL, yaml), context)(), context.dispatcher);
}

/** Version 2 from 1.2.3.4:1000 to 5.6.7.8:80, with these TLVs (hex). */
function v2(tlvs = '', source = '01020304'): Buffer {
  const length = (12 + tlvs.length / 2).toString(16).padStart(4, '0');
  return Buffer.from(`0d0a0d0a000d0a515549540a2111${length}${source}0506070803e80050${tlvs}`, 'hex');
}

function counted(): string[] {
  return [...context.rootScope.all.values()].filter((stat) => stat.value !== 0).map((stat) => stat.name).sort();
}

test('addresses of the header, restored; the direct ones stay; the header is gone', () => {
  const socket = accept();
  const header = Buffer.from('PROXY TCP6 2001:DB8:0::1 ::2 1000 80\r\n');
  assert.equal(socket.receive(Buffer.concat([header, Buffer.from('GET')])), 'continues');
  const { streamInfo } = socket;
  assert.deepEqual(
    [streamInfo.downstreamRemoteAddress.text, streamInfo.downstreamLocalAddress.text, streamInfo.downstreamDirectRemoteAddress.text, streamInfo.downstreamDirectLocalAddress.text],
    ['[2001:db8::1]:1000', '[::2]:80', '192.0.2.9:1000', '192.0.2.1:80'],
  );
  assert.equal(socket.drained, header.length);
  assert.deepEqual(counted(), ['proxy_proto.versions.v1.found']);
  assert.equal(proxyProtocolState(streamInfo)?.source.text, '[2001:db8::1]:1000');
});

test('a local connection keeps its own addresses', () => {
  const socket = accept();
  assert.equal(socket.receive(Buffer.from('0d0a0d0a000d0a515549540a20000000', 'hex')), 'continues');
  assert.equal(socket.streamInfo.downstreamRemoteAddress.text, '192.0.2.9:1000');
  assert.equal(proxyProtocolState(socket.streamInfo)?.source.text, '192.0.2.9:1000');
});

test('addresses that no TCP connection has', () => {
  for (const ip of ['00000000', 'ffffffff', 'e0000001', 'efffffff']) assert.equal(accept().receive(v2('', ip)), 'closes', ip);
  assert.equal(accept().receive(v2('', 'f0000001')), 'continues');
  assert.equal(accept().receive(Buffer.from('PROXY TCP6 ff02::1 ::2 1 2\r\n')), 'closes');
  assert.equal(context.rootScope.value('downstream_cx_proxy_proto_error'), 5);
  assert.equal(context.rootScope.value('proxy_proto.versions.v2.error'), 4);
});

const RULES = 'rules: [{tlv_type: 2, on_tlv_present: {key: a}}, {tlv_type: 3, on_tlv_present: {metadata_namespace: own, key: b, value_string_encoding: BASE64}}]';

test('TLVs in metadata, the first of each key; bad UTF-8 is marked', () => {
  const socket = accept(`{${RULES}}`);
  assert.equal(socket.receive(v2('02000461ffe282' + '020001' + '62' + '03000200ff' + '09000163')), 'continues');
  assert.deepEqual(Object.fromEntries(socket.streamInfo.dynamicMetadata ?? []), {
    'envoy.filters.listener.proxy_protocol': { a: 'a!!!' }, own: { b: 'AP8=' },
  });
});

test('TLVs in filter state', () => {
  const socket = accept(`{${RULES}, tlv_location: FILTER_STATE}`);
  socket.receive(v2('02000161' + '020003e282ac'));
  const state = socket.streamInfo.filterState?.get('envoy.network.proxy_protocol.tlv');
  assert.ok(state instanceof TlvFilterState);
  assert.deepEqual(state.filterStateJson(), { a: '€' });
  assert.equal(state.filterStateField('a'), '\xe2\x82\xac');
  assert.equal(state.filterStateField('b'), null);
  assert.equal(socket.streamInfo.dynamicMetadata, null);
});

test('TLVs that are passed on', () => {
  const kept = (yaml: string): number[] | undefined => {
    const socket = accept(yaml);
    socket.receive(v2('02000161' + '03000162'));
    return proxyProtocolState(socket.streamInfo)?.tlvs.map(({ type }) => type);
  };
  assert.deepEqual(kept('{}'), []);
  assert.deepEqual(kept('{pass_through_tlvs: {match_type: INCLUDE_ALL}}'), [2, 3]);
  assert.deepEqual(kept('{pass_through_tlvs: {match_type: INCLUDE, tlv_type: [3]}}'), [3]);
});

test('long extensions are waited for', () => {
  const socket = accept();
  const header = v2(`0903e8${'61'.repeat(1_000)}`);
  assert.equal(socket.receive(header.subarray(0, 300)), 'waits');
  assert.equal(socket.wants, header.length);
  assert.equal(socket.receive(header), 'continues');
});

test('broken, missing, disallowed', () => {
  assert.equal(accept().receive(v2('02000261')), 'closes');
  assert.equal(accept('{stat_prefix: s}').receive(Buffer.from('GET / HTTP/1.1\r\n')), 'closes');
  assert.equal(accept('{allow_requests_without_proxy_protocol: true}').receive(Buffer.from('GET')), 'continues');
  assert.equal(accept('{disallowed_versions: [V2]}').receive(v2()), 'closes');
  assert.deepEqual(counted(), [
    'downstream_cx_proxy_proto_error', 'proxy_proto.not_found_allowed', 'proxy_proto.s.not_found_disallowed', 'proxy_proto.versions.v2.disallowed',
    'proxy_proto.versions.v2.error', 'proxy_proto.versions.v2.found',
  ]);
});
