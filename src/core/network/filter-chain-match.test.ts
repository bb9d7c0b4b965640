import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FilterChainMatch } from '#api/envoy/config/listener/v3/listener_components_pb.js';
import { loadResource } from '../../config/index.ts';
import { expectMessage } from '../../contract/message.ts';
import { canonicalIp, ipAddress, pipeAddress } from './address.ts';
import { CidrRange, ipBytes } from './cidr.ts';
import { FilterChainMatcher } from './filter-chain-match.ts';
import type { ConnectionFacts } from './filter-chain-match.ts';

const TYPE = 'envoy.config.listener.v3.FilterChainMatch';

function match(yaml: string): FilterChainMatch {
  const loaded = loadResource({ typeName: TYPE, text: yaml, file: 'match.yaml' });
  assert.ok(loaded.ok, JSON.stringify(loaded));
  return expectMessage<FilterChainMatch>(loaded.message, TYPE);
}

/** Chains named by their place, from their matches; `default` as the fallback. */
function matcher(...matches: readonly (string | null)[]): FilterChainMatcher<string> {
  const chains = matches.map((each, i) => ({ match: each === null ? undefined : match(each), chain: String(i) }));
  return new FilterChainMatcher(chains, 'default', () => {
    throw new Error('overlap');
  });
}

const cases: readonly { readonly name: string; readonly chains: readonly (string | null)[]; readonly finds: Readonly<Record<string, string>> }[] = [
  { name: 'a chain without match takes everything', chains: [null], finds: { '10.0.0.1:80 < 1.2.3.4:5': '0' } },
  {
    name: 'a known destination port does not fall back to chains without one',
    chains: ['{destination_port: 80, prefix_ranges: [{address_prefix: 10.1.0.0, prefix_len: 16}]}', null],
    finds: { '10.1.0.1:80 < 1.2.3.4:5': '0', '10.2.0.1:80 < 1.2.3.4:5': 'default', '10.2.0.1:81 < 1.2.3.4:5': '1' },
  },
  {
    name: 'the longest destination prefix',
    chains: [
      '{prefix_ranges: [{address_prefix: 10.0.0.0, prefix_len: 8}]}',
      '{prefix_ranges: [{address_prefix: 10.1.0.0, prefix_len: 16}]}',
      "{prefix_ranges: [{address_prefix: '2001:db8::', prefix_len: 32}]}",
      null,
    ],
    finds: { '10.2.3.4:1 < 1.1.1.1:1': '0', '10.1.3.4:1 < 1.1.1.1:1': '1', '[2001:db8::1]:1 < [::2]:1': '2', '11.0.0.1:1 < 1.1.1.1:1': '3' },
  },
  {
    name: 'raw_buffer before none, tls never on plain connections',
    chains: ['{transport_protocol: raw_buffer}', '{transport_protocol: tls}', null],
    finds: { '10.0.0.1:80 < 1.2.3.4:5': '0' },
  },
  {
    name: 'no way back: the narrower destination wins though its source does not fit',
    chains: ['{prefix_ranges: [{address_prefix: 10.1.0.0, prefix_len: 16}], source_ports: [7]}', '{source_ports: [8]}'],
    finds: { '10.1.0.1:80 < 1.2.3.4:8': 'default', '10.2.0.1:80 < 1.2.3.4:8': '1' },
  },
  {
    name: 'source type',
    chains: ['{source_type: SAME_IP_OR_LOOPBACK}', '{source_type: EXTERNAL}'],
    finds: { '10.0.0.1:80 < 127.0.0.1:5': '0', '10.0.0.1:80 < 10.0.0.1:5': '0', '10.0.0.1:80 < 10.0.0.2:5': '1', '/p < ': '0' },
  },
  {
    name: 'source prefix, then source port',
    chains: [
      '{source_prefix_ranges: [{address_prefix: 10.0.0.0, prefix_len: 24}], source_ports: [1000, 2000]}',
      '{source_prefix_ranges: [{address_prefix: 10.0.0.0, prefix_len: 24}]}',
      '{source_prefix_ranges: [{address_prefix: 10.0.0.0, prefix_len: 8}]}',
    ],
    finds: { '1.1.1.1:1 < 10.0.0.9:2000': '0', '1.1.1.1:1 < 10.0.0.9:3': '1', '1.1.1.1:1 < 10.0.1.9:3': '2', '1.1.1.1:1 < 11.0.1.9:3': 'default' },
  },
  {
    name: 'direct source before source type',
    chains: ['{direct_source_prefix_ranges: [{address_prefix: 10.0.0.0, prefix_len: 8}], source_type: EXTERNAL}', '{source_type: ANY}'],
    finds: { '1.1.1.1:1 < 10.0.0.9:5': '0', '10.0.0.9:1 < 10.0.0.9:5': 'default', '1.1.1.1:1 < 11.0.0.9:5': '1' },
  },
];

function address(text: string): ReturnType<typeof ipAddress> {
  if (!text.includes(':')) return pipeAddress(text);
  const colon = text.lastIndexOf(':');
  return ipAddress(text.slice(0, colon).replace(/[[\]]/g, ''), Number(text.slice(colon + 1)));
}

/** A plain connection. */
function facts(local: string, remote: string): ConnectionFacts {
  const remoteAddress = address(remote);
  return {
    localAddress: address(local), remoteAddress, directRemoteAddress: remoteAddress, serverName: '', transportProtocol: 'raw_buffer', applicationProtocols: [],
  };
}

for (const each of cases) {
  test(`filter chain match: ${each.name}`, () => {
    const chosen = matcher(...each.chains);
    for (const [ends, expected] of Object.entries(each.finds)) {
      const [local, remote] = ends.split(' < ');
      assert.equal(chosen.find(facts(local, remote)), expected, ends);
    }
  });
}

test('filter chain match: the same combination twice', () => {
  assert.throws(() => matcher('{source_ports: [1, 2]}', '{source_ports: [2, 3]}'), /overlap/);
  assert.throws(() => matcher(null, '{destination_port: 0}'), /./);
});

test('filter chain match: partial wildcards are refused', () => {
  for (const name of ['*', '*a.example', 'w*.example', 'a.*']) {
    assert.throws(() => matcher(`{server_names: ['${name}']}`), /partial wildcards are not supported in "server_names"/);
  }
});

const EVERY = [
  "{server_names: ['A.example', '*.x.example'], transport_protocol: tls}",
  "{server_names: ['*.example'], application_protocols: [h2]}",
  "{server_names: ['*.example']}",
  '{transport_protocol: raw_buffer}',
  '{application_protocols: [a, b]}',
  '{application_protocols: [c]}',
];

/** Server name, transport protocol, application protocols, expected chain. */
const SEEN: readonly (readonly [string, string, readonly string[], string])[] = [
  ['a.example', 'tls', [], '0'],
  ['a.example', 'raw_buffer', [], 'default'],
  ['b.x.example', 'tls', ['h2'], '0'],
  ['x.example', 'tls', ['http/1.1'], '2'],
  ['x.example', 'tls', ['http/1.1', 'h2'], '1'],
  ['.example', 'tls', [], '2'],
  ['b.example.', 'tls', [], 'default'],
  ['other', 'raw_buffer', ['a'], '3'],
  ['', 'tls', ['c', 'a'], '5'],
  ['', 'tls', ['x', 'b', 'c'], '4'],
  ['', 'tls', ['x'], 'default'],
];

test('filter chain match: server names, then transport protocol, then application protocols', () => {
  const chosen = matcher(...EVERY);
  for (const [serverName, transportProtocol, applicationProtocols, expected] of SEEN) {
    const ends = facts('10.0.0.1:1', '10.0.0.2:1');
    assert.equal(chosen.find({ ...ends, serverName, transportProtocol, applicationProtocols }), expected, `${serverName} ${transportProtocol}`);
  }
});

test('filter chain match: the direct source is not the restored one', () => {
  const chosen = matcher('{direct_source_prefix_ranges: [{address_prefix: 10.0.0.0, prefix_len: 8}]}', '{source_ports: [5]}');
  const ends = facts('1.1.1.1:1', '10.0.0.9:5');
  assert.equal(chosen.find(ends), '0');
  assert.equal(chosen.find({ ...ends, directRemoteAddress: ipAddress('11.0.0.9', 5) }), '1');
});

test('CIDR ranges', () => {
  assert.equal(new CidrRange('10.1.2.3', 8).contains(ipBytes('10.255.0.1')), true);
  assert.equal(new CidrRange('10.1.2.3', 31).contains(ipBytes('10.1.2.4')), false);
  assert.equal(new CidrRange('0.0.0.0', 0).contains(ipBytes('::1')), false);
  assert.equal(new CidrRange('2001:db8::', 33).contains(ipBytes('2001:db8:7fff::1')), true);
  assert.equal(new CidrRange('2001:db8::', 33).contains(ipBytes('2001:db8:8000::1')), false);
  assert.deepEqual([...ipBytes('::ffff:1.2.3.4')].slice(10), [255, 255, 1, 2, 3, 4]);
});

test('addresses in their canonical form', () => {
  assert.equal(canonicalIp('2001:DB8:0:0:0:0:0:1'), '2001:db8::1');
  assert.equal(canonicalIp('::ffff:1.2.3.4'), '::ffff:1.2.3.4');
  assert.equal(canonicalIp('example.com'), null);
  assert.equal(ipAddress('::1', 80).text, '[::1]:80');
});
