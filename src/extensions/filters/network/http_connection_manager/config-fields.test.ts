import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Any } from '@bufbuild/protobuf/wkt';
import { fakeContext } from '../../../../common/testing/fake-context.ts';
import { ignoredFields } from '../../../../common/testing/field-walk.ts';
import { ConfigError } from '../../../../contract/errors.ts';
import type { ExtensionFactory, HttpFilterFactory } from '../../../../contract/extension.ts';
import { StatsStore } from '../../../../core/stats/store.ts';
import { HTTP_CONNECTION_MANAGER, connectionManagerConfig } from './config.ts';

const ROUTER = { name: 'r', typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' } };
const CORE = 'envoy.config.core.v3.';
const EXTENSION = { name: 'x', typed_config: { '@type': 'type.googleapis.com/google.protobuf.StringValue', value: 'x' } };
const STDOUT = { name: 'x', typed_config: { '@type': 'type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog' } };

const router: HttpFilterFactory = {
  name: 'envoy.filters.http.router', category: 'envoy.filters.http', configTypes: [], status: 'works', terminal: true, create: () => () => {},
};
const plain: ExtensionFactory = { name: 'x', category: 'envoy.request_id', configTypes: [], status: 'works' };
const unknown = (_any: Any | undefined, name: string): never => {
  throw new ConfigError(`known to Envoy, not in nuncio yet: ${name}`);
};
const registry = { httpFilter: () => router, networkFilter: unknown, accessLog: unknown, find: () => plain, perRouteHttpFilter: () => null, downstreamTransportSocket: unknown, upstreamTransportSocket: unknown };

test('no field of the connection manager is accepted and ignored', () => {
  const faults = ignoredFields({
    typeName: HTTP_CONNECTION_MANAGER,
    build: (message) => {
      const root = new StatsStore(() => {}).root();
      connectionManagerConfig(message, { ...fakeContext(registry), rootScope: root, listenerScope: root.scope('listener.l') });
    },
    samples: {
      [HTTP_CONNECTION_MANAGER]: { stat_prefix: 's', route_config: { virtual_hosts: [] }, http_filters: [ROUTER] },
      [`${HTTP_CONNECTION_MANAGER}.codec_type`]: { value: 'HTTP3' },
      [`${HTTP_CONNECTION_MANAGER}.http_filters`]: { value: [ROUTER] },
      [`${HTTP_CONNECTION_MANAGER}.access_log`]: { value: [STDOUT] },
      [`${HTTP_CONNECTION_MANAGER}.UpgradeConfig.filters`]: { value: [ROUTER] },
      [`${HTTP_CONNECTION_MANAGER}.InternalAddressConfig.cidr_ranges`]: { value: [{ address_prefix: '127.0.0.1' }] },
      [`${HTTP_CONNECTION_MANAGER.replace('HttpConnectionManager', 'ScopedRoutes')}`]: {
        name: 's', scope_key_builder: { fragments: [{ header_value_extractor: { name: 'x', index: 0 } }] }, scoped_rds: { scoped_rds_config_source: { ads: {} } },
      },
      [`${HTTP_CONNECTION_MANAGER.replace('HttpConnectionManager', 'ResponseMapper')}`]: { filter: { not_health_check_filter: {} } },
      [`${HTTP_CONNECTION_MANAGER.replace('HttpConnectionManager', 'ResponseMapper')}.status_code`]: { value: 404 },
      'envoy.config.accesslog.v3.AccessLogFilter': { not_health_check_filter: {} },
      [`${CORE}DataSource`]: { inline_string: 'x' },
      [`${CORE}HeaderValueOption`]: { header: { key: 'x', value: 'v' } },
      [`${CORE}SchemeHeaderTransformation.scheme_to_overwrite`]: { value: 'https' },
      [`${CORE}Http1ProtocolOptions.HeaderKeyFormat`]: { proper_case_words: {} },
      [`${CORE}SubstitutionFormatString`]: { text_format: 'x' },
      [`${CORE}TypedExtensionConfig`]: EXTENSION,
      'envoy.type.matcher.v3.StringMatcher': { exact: 'x' },
      [`${CORE}KeepaliveSettings`]: { timeout: '1s' },
      [`${CORE}Http2ProtocolOptions.SettingsParameter`]: { identifier: 20, value: 1 },
      [`${CORE}Http2ProtocolOptions.initial_stream_window_size`]: { value: 65_536 },
      [`${CORE}Http2ProtocolOptions.initial_connection_window_size`]: { value: 65_536 },
      [`${CORE}Http2ProtocolOptions.max_header_field_size_kb`]: { value: 64 },
    },
    // Each is walked where it is read.
    opaque: [
      'envoy.config.route.v3.RouteConfiguration', 'envoy.config.accesslog.v3.AccessLog', 'envoy.config.accesslog.v3.AccessLogFilter',
      `${CORE}SubstitutionFormatString`, `${CORE}HeaderValueOption`, `${CORE}DataSource`, `${CORE}CidrRange`, `${CORE}TypedExtensionConfig`,
      'envoy.type.matcher.v3.StringMatcher', HTTP_CONNECTION_MANAGER.replace('HttpConnectionManager', 'HttpFilter'),
    ],
    allowed: {
      [`${CORE}Http1ProtocolOptions.use_balsa_parser`]: "chooses between Envoy's two parsers; there is one here",
      [`${CORE}Http1ProtocolOptions.HeaderKeyFormat.proper_case_words`]: 'its message is empty: that it is chosen is all',
      [`${CORE}Http2ProtocolOptions.use_oghttp2_codec`]: 'chooses between two libraries that only Envoy has',
      [`${HTTP_CONNECTION_MANAGER}.ProxyStatusConfig.use_node_id`]: 'that it is chosen is all',
      [`${HTTP_CONNECTION_MANAGER}.http3_protocol_options`]: 'Envoy reads it on QUIC listeners only',
      [`${HTTP_CONNECTION_MANAGER}.append_local_overload`]: 'of the overload manager; docs/user/differences.md lists it',
      [`${HTTP_CONNECTION_MANAGER}.add_proxy_protocol_connection_state`]: 'read by an upstream transport socket; docs/user/differences.md lists it',
    },
  });
  assert.deepEqual(faults, []);
});
