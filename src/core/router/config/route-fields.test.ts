import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Message } from '@bufbuild/protobuf';
import type { RouteConfiguration } from '#api/envoy/config/route/v3/route_pb.js';
import { fakeContext } from '../../../common/testing/fake-context.ts';
import { ignoredFields } from '../../../common/testing/field-walk.ts';
import type { JsonSample } from '../../../common/testing/field-walk.ts';
import type { FactoryLookup } from '../../../contract/extension.ts';
import { expectMessage } from '../../../contract/message.ts';
import { buildRouteConfig } from './build-route-config.ts';

const NAME = 'envoy.config.route.v3.RouteConfiguration';
const R = 'envoy.config.route.v3.';

/** What validation asks for, by type; and values of single fields. */
const SAMPLES: Readonly<Record<string, JsonSample>> = {
  [`${NAME}.most_specific_header_mutations_wins`]: { value: true },
  [`${R}VirtualHost`]: { name: 'v', domains: ['a'] },
  [`${R}Route`]: { match: { prefix: '/' }, route: { cluster: 'c' } },
  [`${R}RouteMatch`]: { prefix: '/' },
  [`${R}RouteMatch.path_separated_prefix`]: { value: '/a' },
  [`${R}RouteAction`]: { cluster: 'c' },
  [`${R}RouteAction.RequestMirrorPolicy`]: { cluster: 'c' },
  [`${R}RouteAction.RequestMirrorPolicy.cluster_header`]: { value: 'x' },
  [`${R}RouteAction.HashPolicy`]: { header: { header_name: 'x' } },
  [`${R}RouteAction.HashPolicy.Header`]: { header_name: 'x' },
  [`${R}RouteAction.HashPolicy.Cookie`]: { name: 'x' },
  [`${R}RouteAction.HashPolicy.CookieAttribute`]: { name: 'x' },
  [`${R}RouteAction.HashPolicy.QueryParameter`]: { name: 'x' },
  [`${R}RouteAction.HashPolicy.FilterState`]: { key: 'x' },
  [`${R}RouteAction.UpgradeConfig`]: { upgrade_type: 'connect' },
  [`${R}WeightedCluster`]: { clusters: [{ name: 'c', weight: 1 }] },
  [`${R}WeightedCluster.ClusterWeight`]: { name: 'c', weight: 1 },
  [`${R}ClusterSpecifierPlugin`]: { extension: { name: 'x', typed_config: { '@type': 'type.googleapis.com/google.protobuf.StringValue', value: 'x' } } },
  [`${R}RetryPolicy.RetryBackOff`]: { base_interval: '7s' },
  [`${R}RetryPolicy.RateLimitedRetryBackOff`]: { reset_headers: [{ name: 'x' }] },
  [`${R}RetryPolicy.RetryPriority`]: { name: 'x' },
  [`${R}RetryPolicy.RetryHostPredicate`]: { name: 'x' },
  [`${R}RetryPolicy.ResetHeader`]: { name: 'x' },
  [`${R}HedgePolicy.initial_requests`]: { value: 2 },
  [`${R}DirectResponseAction`]: { status: 200 },
  [`${R}DirectResponseAction.status`]: { value: 201 },
  [`${R}HeaderMatcher`]: { name: 'x' },
  [`${R}QueryParameterMatcher`]: { name: 'x' },
  [`${R}CookieMatcher`]: { name: 'x', string_match: { exact: 'x' } },
  [`${R}VirtualCluster`]: { name: 'x', headers: [{ name: 'x' }] },
  [`${R}RateLimit`]: { actions: [{ remote_address: {} }] },
  [`${R}Decorator`]: { operation: 'x' },
  [`${R}Vhds`]: { config_source: { ads: {} } },
  'envoy.config.core.v3.HeaderValueOption': { header: { key: 'x', value: 'v' } },
  'envoy.config.core.v3.HeaderValue': { key: 'x', value: 'v' },
  'envoy.config.core.v3.HeaderValue.raw_value': { value: 'YQ==' },
  'envoy.config.core.v3.TypedExtensionConfig': { name: 'x', typed_config: { '@type': 'type.googleapis.com/google.protobuf.StringValue', value: 'x' } },
  'envoy.config.core.v3.RuntimeFractionalPercent': { default_value: { numerator: 1 } },
  'envoy.config.core.v3.SubstitutionFormatString': { text_format: 'x' },
  'envoy.config.core.v3.DataSource': { inline_string: 'x' },
  'envoy.config.core.v3.DataSource.environment_variable': { value: 'HOME' },
  'envoy.config.core.v3.DataSource.filename': { value: '/dev/null' },
  'envoy.config.core.v3.WatchedDirectory': { path: '/tmp' },
  'envoy.config.common.mutation_rules.v3.HeaderMutation': { remove: 'x' },
  'envoy.config.common.mutation_rules.v3.HeaderMutation.RemoveOnMatch': { key_matcher: { exact: 'x' } },
  'envoy.type.matcher.v3.StringMatcher': { exact: 'x' },
  'envoy.type.matcher.v3.RegexMatcher': { regex: 'x' },
  'envoy.type.matcher.v3.RegexMatchAndSubstitute': { pattern: { regex: 'x' } },
  'envoy.type.matcher.v3.MetadataMatcher': { filter: 'f', path: [{ key: 'k' }], value: { present_match: true } },
  'envoy.type.matcher.v3.MetadataMatcher.PathSegment': { key: 'k' },
  'envoy.type.matcher.v3.ValueMatcher': { present_match: true },
  'envoy.type.matcher.v3.ListMatcher': { one_of: { present_match: true } },
  'envoy.type.matcher.v3.OrMatcher': { value_matchers: [{ present_match: true }, { present_match: true }] },
  'envoy.type.matcher.v3.OrMatcher.value_matchers': { value: [{ present_match: true }, { present_match: true }] },
  'envoy.type.matcher.v3.DoubleMatcher': { exact: 1 },
  'envoy.type.matcher.v3.FilterStateMatcher': { key: 'x', string_match: { exact: 'x' } },
  'envoy.type.v3.Int64Range': { start: 1, end: 2 },
  'xds.core.v3.TypedExtensionConfig': { name: 'x', typed_config: { '@type': 'type.googleapis.com/google.protobuf.StringValue', value: 'x' } },
  'xds.type.matcher.v3.Matcher': { on_no_match: { action: { name: 'x', typed_config: { '@type': 'type.googleapis.com/google.protobuf.StringValue', value: 'x' } } } },
};

/** Fields that change nothing here. */
const ALLOWED: Readonly<Record<string, string>> = {
  [`${NAME}.metadata`]: 'nothing that reads it is here yet; it changes no answer',
  [`${R}RouteMatch.connect_matcher`]: 'its message is empty: that it is chosen is all',
  'envoy.config.core.v3.ProxyProtocolConfig.pass_through_tlvs': 'of connect_config: Envoy does not look at it there either',
  'envoy.config.core.v3.ProxyProtocolConfig.added_tlvs': 'of connect_config: Envoy does not look at it there either',
  [`${R}WeightedCluster.total_weight`]: 'deprecated; Envoy does not look at it either',
  [`${R}RouteAction.HashPolicy.Cookie.path`]: 'of the cookie that ttl makes, and ttl is refused',
  [`${R}RouteAction.HashPolicy.Cookie.attributes`]: 'of the cookie that ttl makes, and ttl is refused',
  'envoy.config.core.v3.SubstitutionFormatString.json_format_options': 'properties are always sorted, as in Envoy',
  'envoy.type.matcher.v3.ValueMatcher.null_match': 'its message is empty',
};

/** Takes every per-route configuration and gives nothing for it. */
const REGISTRY: FactoryLookup = {
  httpFilter: () => assert.fail(), networkFilter: () => assert.fail(), accessLog: () => assert.fail(), find: () => assert.fail(),
  downstreamTransportSocket: () => assert.fail(), upstreamTransportSocket: () => assert.fail(),
  perRouteHttpFilter: () => null,
};

function build(message: Message): void {
  buildRouteConfig(expectMessage<RouteConfiguration>(message, NAME), fakeContext(REGISTRY), { validateClusters: false, eager: true });
}

test('no field of a route table is accepted and ignored', () => {
  assert.deepEqual(ignoredFields({ typeName: NAME, build, samples: SAMPLES, allowed: ALLOWED }), []);
});
