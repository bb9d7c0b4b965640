import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RBAC } from '#api/envoy/config/rbac/v3/rbac_pb.js';
import { ConfigError } from '../../contract/errors.ts';
import type { CertificateInfo, SslConnectionInfo } from '../../contract/network.ts';
import { IpObject, TextObject } from '../filter-state/objects.ts';
import { fakeContext } from '../testing/fake-context.ts';
import { fromYaml } from '../testing/messages.ts';
import { ipAddress, testRequest, testStreamInfo } from '../testing/stream.ts';
import { RbacEngine, rbacDetails } from './engine.ts';
import type { RbacSubject } from './subject.ts';

const OPTIONS = { checkHeaderRule: () => undefined };

function engine(yaml: string, shadow = false): RbacEngine {
  return new RbacEngine(fromYaml<RBAC>('envoy.config.rbac.v3.RBAC', yaml), shadow, OPTIONS, fakeContext().messages);
}

/** A connection from 10.0.0.1 (its direct peer 192.168.0.9) to 127.0.0.1:80 with SNI. */
function subject(options: Partial<RbacSubject> = {}): RbacSubject {
  const info = testStreamInfo();
  info.downstreamDirectRemoteAddress = ipAddress('192.168.0.9', 9);
  info.requestedServerName = 'db.example.com';
  info.dynamicMetadata = new Map([['ns', { user: 'x' }]]);
  info.filterState = new Map<string, unknown>([['plain', 'abc'], ['text', new TextObject('abc')], ['ip', new IpObject('1.2.3.4', '1.2.3.4:0')]]);
  return { ssl: null, connectionInfo: info, info, headers: null, ...options };
}

function tls(certificate: Partial<CertificateInfo> | null, peerValidated = true): SslConnectionInfo {
  const known: Partial<SslConnectionInfo> = {
    peerPresented: certificate !== null,
    peerValidated: certificate !== null && peerValidated,
    peerChain: certificate === null ? [] : [{ uriSans: [], dnsSans: [], subject: '', ...certificate } as CertificateInfo],
  };
  return known as SslConnectionInfo;
}

function permits(rule: string, who = subject()): boolean {
  return engine(`{policies: {p: {permissions: [${rule}], principals: [{any: true}]}}}`).match(who) === 'p';
}

function identifies(id: string, who = subject()): boolean {
  return engine(`{policies: {p: {permissions: [{any: true}], principals: [${id}]}}}`).match(who) === 'p';
}

for (const [rule, wanted] of [
  ['{any: true}', true],
  ['{not_rule: {any: true}}', false],
  ['{and_rules: {rules: [{destination_port: 80}, {destination_port: 81}]}}', false],
  ['{or_rules: {rules: [{destination_port: 80}, {destination_port: 81}]}}', true],
  ['{destination_ip: {address_prefix: 127.0.0.0, prefix_len: 8}}', true],
  ['{destination_ip: {address_prefix: 10.0.0.0, prefix_len: 8}}', false],
  ['{destination_port: 80}', true],
  ['{destination_port: 0}', false],
  ['{destination_port_range: {start: 80, end: 81}}', true],
  ['{destination_port_range: {start: 79, end: 80}}', false],
  ['{requested_server_name: {suffix: .example.com}}', true],
  ['{requested_server_name: {exact: other}}', false],
  ['{metadata: {filter: ns, path: [{key: user}], value: {string_match: {exact: x}}}}', true],
  ['{sourced_metadata: {metadata_matcher: {filter: ns, path: [{key: user}], value: {string_match: {exact: x}}}}}', true],
  ['{sourced_metadata: {metadata_source: ROUTE, metadata_matcher: {filter: ns, path: [{key: user}], value: {string_match: {exact: x}}}}}', false],
  ['{sourced_metadata: {metadata_source: ROUTE, metadata_matcher: {filter: ns, path: [{key: user}], value: {string_match: {exact: x}}, invert: true}}}', false],
  ['{url_path: {path: {prefix: /}}}', false],
  ['{header: {name: x-a, present_match: true, invert_match: true}}', false],
] as const) {
  test(`permission ${rule}`, () => assert.equal(permits(rule), wanted));
}

for (const [id, wanted] of [
  ['{any: true}', true],
  ['{not_id: {any: true}}', false],
  ['{and_ids: {ids: [{any: true}, {source_ip: {address_prefix: 10.0.0.1, prefix_len: 32}}]}}', true],
  ['{or_ids: {ids: [{source_ip: {address_prefix: 11.0.0.1, prefix_len: 32}}]}}', false],
  ['{source_ip: {address_prefix: 10.0.0.0, prefix_len: 31}}', true],
  ['{remote_ip: {address_prefix: 10.0.0.0, prefix_len: 31}}', true],
  ['{remote_ip: {address_prefix: 192.168.0.0, prefix_len: 16}}', false],
  ['{direct_remote_ip: {address_prefix: 192.168.0.0, prefix_len: 16}}', true],
  ['{direct_remote_ip: {address_prefix: 10.0.0.0, prefix_len: 8}}', false],
  ['{source_ip: {address_prefix: "::", prefix_len: 0}}', false],
  ['{metadata: {filter: ns, path: [{key: user}], value: {string_match: {exact: z}}, invert: true}}', true],
  ['{filter_state: {key: plain, string_match: {exact: abc}}}', true],
  ['{filter_state: {key: text, string_match: {prefix: ab}}}', true],
  ['{filter_state: {key: absent, string_match: {prefix: a}}}', false],
  ['{filter_state: {key: ip, address_match: {ranges: [{address_prefix: 1.2.0.0, prefix_len: 16}]}}}', true],
  ['{filter_state: {key: plain, address_match: {ranges: [{address_prefix: 1.2.0.0, prefix_len: 16}]}}}', false],
  ['{authenticated: {}}', false],
  ['{url_path: {path: {prefix: /}}}', false],
] as const) {
  test(`principal ${id}`, () => assert.equal(identifies(id), wanted));
}

test('authenticated: every TLS connection; by name URIs, DNS names and the subject, each of them', () => {
  const named = (pattern: string): string => `{authenticated: {principal_name: ${pattern}}}`;
  const full = subject({ ssl: tls({ uriSans: ['spiffe://a/1', 'spiffe://a/2'], dnsSans: ['a.b'], subject: 'CN=client' }) });
  assert.equal(identifies('{authenticated: {}}', full), true);
  assert.equal(identifies('{authenticated: {}}', subject({ ssl: tls(null) })), true);
  for (const name of ['spiffe://a/1', 'spiffe://a/2', 'a.b', 'CN=client']) assert.equal(identifies(named(`{exact: "${name}"}`), full), true, name);
  assert.equal(identifies(named('{exact: "spiffe://a/3"}'), full), false);
  assert.equal(identifies(named('{exact: "CN=client"}'), subject()), false);
  assert.equal(identifies(named('{prefix: "CN"}'), subject({ ssl: tls(null) })), false);
});

test('mtls_authenticated: a validated certificate', () => {
  const id = '{custom: {name: x, typed_config: {"@type": type.googleapis.com/envoy.extensions.rbac.principals.mtls_authenticated.v3.Config, any_validated_client_certificate: true}}}';
  assert.equal(identifies(id, subject({ ssl: tls({}) })), true);
  assert.equal(identifies(id, subject({ ssl: tls({}, false) })), false);
  assert.equal(identifies(id, subject({ ssl: tls(null) })), false);
  assert.equal(identifies(id), false);
});

test('rules by the request: headers and the path without its query', () => {
  const request = subject({ headers: testRequest('/admin?x', ['x-a', '1']) });
  assert.equal(permits('{header: {name: x-a, string_match: {exact: "1"}}}', request), true);
  assert.equal(permits('{url_path: {path: {exact: /admin}}}', request), true);
  assert.equal(identifies('{url_path: {path: {exact: /admin}}}', request), true);
  assert.equal(identifies('{header: {name: x-b, present_match: true}}', request), false);
});

test('a pipe has no address and no port', () => {
  const who = subject();
  who.info.downstreamLocalAddress = { kind: 'pipe', text: '/s', ip: '/s', port: 0, family: 0 };
  assert.equal(permits('{destination_ip: {address_prefix: 0.0.0.0, prefix_len: 0}}', who), false);
  assert.equal(permits('{destination_port: 0}', who), false);
});

test('of all permissions and principals one each must match; policies come in the order of their names', () => {
  const rules = engine(`{policies: {
    b: {permissions: [{any: true}], principals: [{any: true}]},
    a: {permissions: [{destination_port: 1}, {destination_port: 80}], principals: [{source_ip: {address_prefix: 10.0.0.1, prefix_len: 32}}]},
    A: {permissions: [{destination_port: 1}], principals: [{any: true}]}}}`);
  assert.equal(rules.match(subject()), 'a');
  const other = subject();
  other.info.downstreamRemoteAddress = ipAddress('10.0.0.2', 1);
  assert.equal(rules.match(other), 'b');
});

test('actions', () => {
  const { info } = subject();
  info.dynamicMetadata = null;
  const verdicts = (action: string, shadow = false): boolean[] => [true, false].map((matched) => engine(`{action: ${action}, policies: {}}`, shadow).allows(matched, info));
  assert.deepEqual(verdicts('ALLOW'), [true, false]);
  assert.deepEqual(verdicts('DENY'), [false, true]);
  assert.deepEqual(verdicts('LOG', true), [true, true]);
  assert.equal(info.dynamicMetadata, null);
  assert.deepEqual(verdicts('LOG'), [true, true]);
  assert.deepEqual(info.dynamicMetadata, new Map([['envoy.common', { access_log_hint: false }]]));
});

test('details', () => {
  assert.equal(rbacDetails(null), 'rbac_access_denied_matched_policy[none]');
  assert.equal(rbacDetails('my policy\t1'), 'rbac_access_denied_matched_policy[my_policy_1]');
});

for (const [policy, path, why] of [
  ['{permissions: [{destination_port_range: {start: 5, end: 5}}], principals: [{any: true}]}', 'policies.p.permissions[0].destination_port_range.start', 'range start 5 cannot be greater or equal than range end 5'],
  ['{permissions: [{destination_port_range: {start: -1, end: 5}}], principals: [{any: true}]}', 'policies.p.permissions[0].destination_port_range.start', 'range start -1 is out of bounds'],
  ['{permissions: [{not_rule: {destination_ip: {address_prefix: foo}}}], principals: [{any: true}]}', 'policies.p.permissions[0].not_rule.destination_ip.address_prefix', 'Failed to create CIDR range: malformed IP address: foo'],
  ['{permissions: [{any: true}], principals: [{and_ids: {ids: [{source_ip: {address_prefix: foo}}]}}]}', 'policies.p.principals[0].and_ids.ids[0].source_ip.address_prefix', 'Failed to create CIDR range: malformed IP address: foo'],
  ['{permissions: [{any: true}], principals: [{any: true}], condition: {id: 1}}', 'policies.p.condition', 'known to Envoy, not in nuncio yet: envoy.config.rbac.v3.Policy.condition'],
  ['{permissions: [{matcher: {name: m, typed_config: {"@type": type.googleapis.com/envoy.extensions.rbac.matchers.upstream_ip_port.v3.UpstreamIpPortMatcher, upstream_port_range: {start: 1, end: 2}}}}], principals: [{any: true}]}', 'policies.p.permissions[0].matcher', "known to Envoy, not in nuncio yet: RBAC matcher extension 'm'"],
] as const) {
  test(`refused: ${path}: ${why}`, () => {
    assert.throws(() => engine(`{policies: {p: ${policy}}}`), (error: unknown) => {
      assert.ok(error instanceof ConfigError, String(error));
      assert.deepEqual([error.path, error.why], [path, why]);
      return true;
    });
  });
}
