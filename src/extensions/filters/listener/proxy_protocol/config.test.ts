import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProxyProtocol } from '#api/envoy/extensions/filters/listener/proxy_protocol/v3/proxy_protocol_pb.js';
import { fromYaml } from '../../../../common/testing/messages.ts';
import { PROXY_PROTOCOL, proxyProtocolSettings } from './config.ts';

function settings(yaml: string): ReturnType<typeof proxyProtocolSettings> {
  return proxyProtocolSettings(fromYaml<ProxyProtocol>(PROXY_PROTOCOL, yaml));
}

test('defaults, and values of ones own', () => {
  assert.deepEqual(settings('{}'), {
    optional: false, allowV1: true, allowV2: true, statPrefix: '', rules: new Map(), toFilterState: false, passed: new Set(),
  });
  const own = settings(`{allow_requests_without_proxy_protocol: true, disallowed_versions: [V1], stat_prefix: s, tlv_location: FILTER_STATE,
    rules: [{tlv_type: 2, on_tlv_present: {key: a}}, {tlv_type: 3, on_tlv_present: {metadata_namespace: own, key: b, value_string_encoding: BASE64}}],
    pass_through_tlvs: {match_type: INCLUDE, tlv_type: [7]}}`);
  assert.deepEqual([own.optional, own.allowV1, own.allowV2, own.statPrefix, own.toFilterState, own.passed], [true, false, true, 's', true, new Set([7])]);
  assert.deepEqual([...own.rules], [
    [2, { namespace: 'envoy.filters.listener.proxy_protocol', key: 'a', base64: false }],
    [3, { namespace: 'own', key: 'b', base64: true }],
  ]);
  assert.equal(settings('{pass_through_tlvs: {match_type: INCLUDE_ALL}}').passed, null);
});

test('bad YAML: why and where', () => {
  const refused = (yaml: string, text: string): void => {
    assert.throws(() => settings(yaml), (error) => error instanceof Error && error.message === text, yaml);
  };
  refused('disallowed_versions: [V1, V2]', 'Proxy Protocol filter is misconfigured: all proxy protocol versions are disallowed.');
  refused('rules: [{tlv_type: 256}]', 'rules[0].tlv_type: value must be less than 256');
  refused('rules: [{on_tlv_present: {}}]', 'rules[0].on_tlv_present.key: value length must be at least 1 characters');
});
