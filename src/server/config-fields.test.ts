import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Message } from '@bufbuild/protobuf';
import type { Any } from '@bufbuild/protobuf/wkt';
import type { Bootstrap } from '#api/envoy/config/bootstrap/v3/bootstrap_pb.js';
import type { Cluster } from '#api/envoy/config/cluster/v3/cluster_pb.js';
import type { Listener } from '#api/envoy/config/listener/v3/listener_pb.js';
import { fakeContext } from '../common/testing/fake-context.ts';
import { ignoredFields } from '../common/testing/field-walk.ts';
import type { JsonSample } from '../common/testing/field-walk.ts';
import { fromYaml } from '../common/testing/messages.ts';
import { ConfigErrors } from '../contract/errors.ts';
import type { FactoryContext } from '../contract/extension.ts';
import { LOG_OFF } from '../contract/logger.ts';
import { expectMessage } from '../contract/message.ts';
import { ThreadDispatcher } from '../core/dispatcher/dispatcher.ts';
import { buildListener } from '../core/network/listener-config.ts';
import { ClusterManagerImpl } from '../core/upstream/cluster-manager.ts';
import { tcpProxyFilter } from '../extensions/filters/network/tcp_proxy/index.ts';
import { registry } from '../extensions/registry.ts';
import { AdminServer } from './admin/admin-server.ts';
import { AdminRouter } from './admin/router.ts';
import { mainWatchdog, processFacts, startsDrained, statsFlushInterval } from './bootstrap-facts.ts';
import { ProcessLoggers } from './logger.ts';
import { MainStats } from './main-stats.ts';
import { MainThread } from './main-thread.ts';
import { NullScope } from './null-scope.ts';
import { DEFAULT_OPTIONS } from './options.ts';
import { StartupError } from './startup-error.ts';

/*
 * No field that a listener, a cluster, tcp_proxy or the bootstrap has is accepted and ignored: each is read by what builds it, refused, or
 * on the list below with its reason. (A warning counts as read: docs/user/differences.md is held to those by test/docs.)
 */

const ADDRESS = { socket_address: { address: '127.0.0.1', port_value: 1 } };
const ECHO = { name: 'e', typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.network.echo.v3.Echo' } };
const CORE = 'envoy.config.core.v3.';
const LISTENER = 'envoy.config.listener.v3.Listener';
const CLUSTER = 'envoy.config.cluster.v3.Cluster';
const BOOTSTRAP = 'envoy.config.bootstrap.v3.Bootstrap';
const B = 'envoy.config.bootstrap.v3.';
const TCP_PROXY = 'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy';
const HTTP_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

/** What a message needs so that its builder gets past it. */
const SAMPLES: Readonly<Record<string, JsonSample>> = {
  [`${CORE}KeepaliveSettings`]: { timeout: '1s' },
  [`${CORE}Http2ProtocolOptions.SettingsParameter`]: { identifier: 20, value: 1 },
  [`${CORE}Http2ProtocolOptions.initial_stream_window_size`]: { value: 65_536 },
  [`${CORE}Http2ProtocolOptions.initial_connection_window_size`]: { value: 65_536 },
  [`${CORE}Http2ProtocolOptions.max_header_field_size_kb`]: { value: 64 },
  [LISTENER]: { name: 'l', address: ADDRESS, filter_chains: [{ filters: [ECHO] }] },
  [`${LISTENER}.AdditionalAddress`]: { address: ADDRESS },
  'envoy.config.listener.v3.FilterChain': { filters: [ECHO] },
  'envoy.config.listener.v3.Filter': ECHO,
  [CLUSTER]: { name: 'c', http2_protocol_options: {} },
  [`${CORE}HealthCheck`]: { timeout: '1s', interval: '1s', unhealthy_threshold: 1, healthy_threshold: 1, tcp_health_check: {} },
  [`${CORE}HealthCheck.HttpHealthCheck`]: { path: '/', method: 'POST' },
  [`${CORE}HealthCheck.Payload`]: { text: '61' },
  [`${CORE}HealthCheck.Payload.text`]: { value: '61' },
  [`${CORE}HeaderValueOption`]: { header: { key: 'x', value: 'v' } },
  [`${CORE}HeaderValue`]: { key: 'x', value: 'v' },
  'envoy.type.matcher.v3.StringMatcher': { exact: 'x' },
  'envoy.type.v3.Int64Range': { start: 200, end: 201 },
  [TCP_PROXY]: { stat_prefix: 't', cluster: 'c' },
  [HTTP_OPTIONS]: { explicit_http_config: { http_protocol_options: {} } },
  [`${CORE}Address`]: ADDRESS,
  [`${CORE}CidrRange`]: { address_prefix: '127.0.0.1' },
  [`${CORE}TypedExtensionConfig`]: { name: 'x', typed_config: { '@type': 'type.googleapis.com/envoy.extensions.http.header_formatters.preserve_case.v3.PreserveCaseFormatterConfig' } },
  'envoy.config.listener.v3.ListenerFilter': { name: 'x', typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector' } },
  'envoy.config.accesslog.v3.AccessLog': { name: 'x', typed_config: { '@type': 'type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog' } },
  'envoy.config.accesslog.v3.ComparisonFilter': { value: { default_value: 1, runtime_key: 'k' } },
  'envoy.type.matcher.v3.MetadataMatcher': { filter: 'f', path: [{ key: 'k' }], value: { present_match: true } },
  'envoy.type.matcher.v3.ValueMatcher': { present_match: true },
  [`${B}Admin`]: { address: ADDRESS },
  [`${CORE}SocketAddress`]: { address: '127.0.0.1', port_value: 1 },
};

function testContext(): FactoryContext {
  const rootScope = new NullScope();
  return { ...fakeContext(registry), rootScope, listenerScope: rootScope, validationOnly: true };
}

interface Walk {
  readonly title: string;
  readonly typeName: Message['$typeName'];
  readonly build: (message: Message) => unknown;
  readonly samples?: Readonly<Record<string, JsonSample>>;
  readonly opaque?: readonly string[];
  readonly allowed: Readonly<Record<string, string>>;
}

const EMPTY = 'its message is empty: that it is chosen is all';
const WARNED = 'accepted with a warning that docs/user/differences.md lists';
const ONLY_DNS = 'only clusters of names look at it, in Envoy, too';
const NO_POLICY = 'of a load balancer that is refused';
const NO_TLS = 'names of TLS; plain connections have none';
const ONE_HTTP2 = 'chooses between two libraries that only Envoy has';

/** Of access logs, wherever they stand. */
const LOG_ALLOWED = {
  'envoy.config.accesslog.v3.AccessLogFilter.not_health_check_filter': EMPTY,
  'envoy.config.accesslog.v3.AccessLogFilter.traceable_filter': EMPTY,
  'envoy.type.matcher.v3.ValueMatcher.null_match': EMPTY,
};

const LISTENER_ALLOWED = {
  ...LOG_ALLOWED,
  [`${CORE}SocketAddress.named_port`]: 'an error, as in Envoy',
  [`${LISTENER}.metadata`]: 'nothing that reads it is here; it changes no answer',
  'envoy.config.listener.v3.FilterChain.metadata': 'nothing that reads it is here; it changes no answer',
  'envoy.config.listener.v3.ListenerFilterChainMatchPredicate.any_match': 'holds always; validation lets nothing but true through',
  [`${LISTENER}.listener_filters_timeout`]: 'counts only where there are listener filters',
  [`${LISTENER}.continue_on_listener_filters_timeout`]: 'counts only where there are listener filters',
  [`${LISTENER}.reuse_port`]: 'the older name of what is the default; enable_reuse_port counts',
  [`${LISTENER}.bypass_overload_manager`]: 'the overload manager is refused',
};

const CLUSTER_ALLOWED = {
  'envoy.config.endpoint.v3.ClusterLoadAssignment.cluster_name': 'the cluster has its own name; Envoy does not look at it, either',
  'envoy.config.endpoint.v3.LocalityLbEndpoints.metadata': 'only transport socket matches look at it, and they are refused',
  'envoy.config.endpoint.v3.LocalityLbEndpoints.load_balancing_weight': 'only locality weighted balancing looks at it, and that is refused',
  'envoy.config.endpoint.v3.LocalityLbEndpoints.proximity': 'Envoy does not look at it, either',
  'envoy.config.endpoint.v3.ClusterLoadAssignment.Policy.endpoint_stale_after': 'only endpoints from EDS can be stale',
  [`${CORE}Http1ProtocolOptions.HeaderKeyFormat.proper_case_words`]: EMPTY,
  [`${CORE}TypedExtensionConfig.name`]: 'a label; the type chooses',
  [`${CORE}Http1ProtocolOptions.use_balsa_parser`]: "chooses between Envoy's two parsers; there is one here",
  [`${CLUSTER}.cleanup_interval`]: 'only of ORIGINAL_DST, which is refused',
  [`${CORE}SocketAddress.protocol`]: 'of an address to connect from: Envoy does not look at it',
  [`${CORE}SocketAddress.ipv4_compat`]: 'of an address to connect from: Envoy does not look at it',
  [`${CORE}SocketAddress.named_port`]: 'an error, as in Envoy',
  [`${CLUSTER}.eds_cluster_config`]: 'an error without EDS, and EDS is refused',
  [`${CLUSTER}.ring_hash_lb_config`]: NO_POLICY,
  [`${CLUSTER}.maglev_lb_config`]: NO_POLICY,
  [`${CLUSTER}.original_dst_lb_config`]: NO_POLICY,
  [`${CLUSTER}.least_request_lb_config`]: NO_POLICY,
  [`${CLUSTER}.CommonLbConfig.consistent_hashing_lb_config`]: NO_POLICY,
  [`${CLUSTER}.CommonLbConfig.ZoneAwareLbConfig.routing_enabled`]: 'zone awareness needs a local cluster and a zone, and both together are refused',
  [`${CLUSTER}.CommonLbConfig.ZoneAwareLbConfig.min_cluster_size`]: 'zone awareness needs a local cluster and a zone, and both together are refused',
  [`${CLUSTER}.CommonLbConfig.update_merge_window`]: 'only changes of health and of EDS are merged',
  [`${CLUSTER}.CommonLbConfig.override_host_status`]: 'only stateful sessions override the host, and they are refused',
  [`${CLUSTER}.upstream_http_protocol_options`]: NO_TLS,
  [`${CORE}Http2ProtocolOptions.use_oghttp2_codec`]: ONE_HTTP2,
  'envoy.config.cluster.v3.UpstreamConnectionOptions.happy_eyeballs_config': 'additional addresses are refused',
};

const STATIC_ALLOWED = {
  ...CLUSTER_ALLOWED,
  [`${CLUSTER}.CommonLbConfig.ignore_new_hosts_until_first_hc`]: 'only hosts that are found later are new, in Envoy, too',
  [`${CLUSTER}.dns_refresh_rate`]: ONLY_DNS,
  [`${CLUSTER}.dns_jitter`]: ONLY_DNS,
  [`${CLUSTER}.dns_failure_refresh_rate`]: ONLY_DNS,
  [`${CLUSTER}.respect_dns_ttl`]: ONLY_DNS,
  [`${CLUSTER}.dns_lookup_family`]: ONLY_DNS,
  [`${CLUSTER}.dns_resolvers`]: ONLY_DNS,
  [`${CLUSTER}.use_tcp_for_dns_lookups`]: ONLY_DNS,
  [`${CLUSTER}.dns_resolution_config`]: ONLY_DNS,
  [`${CLUSTER}.typed_dns_resolver_config`]: ONLY_DNS,
};

const WALKS: readonly Walk[] = [
  {
    title: 'a listener',
    typeName: LISTENER,
    build: (message) => buildListener(expectMessage<Listener>(message, LISTENER), testContext()),
    allowed: LISTENER_ALLOWED,
  },
  {
    title: 'a cluster of addresses',
    typeName: CLUSTER,
    build: (message) => buildCluster(expectMessage<Cluster>(message, CLUSTER)),
    allowed: STATIC_ALLOWED,
  },
  {
    title: 'a cluster of names',
    typeName: CLUSTER,
    build: (message) => buildCluster(expectMessage<Cluster>(message, CLUSTER)),
    samples: { [CLUSTER]: { name: 'c', type: 'STRICT_DNS', http2_protocol_options: {} } },
    allowed: CLUSTER_ALLOWED,
  },
  {
    title: 'protocol options of a cluster',
    typeName: HTTP_OPTIONS,
    build: buildHttpOptions,
    allowed: {
      [`${CORE}Http1ProtocolOptions.HeaderKeyFormat.proper_case_words`]: EMPTY,
      [`${CORE}TypedExtensionConfig.name`]: 'a label; the type chooses',
      [`${CORE}Http1ProtocolOptions.use_balsa_parser`]: "chooses between Envoy's two parsers; there is one here",
      [`${CORE}Http2ProtocolOptions.use_oghttp2_codec`]: ONE_HTTP2,
      [`${HTTP_OPTIONS}.upstream_http_protocol_options`]: NO_TLS,
      [`${HTTP_OPTIONS}.auto_config`]: 'an error without TLS, as in Envoy',
    },
  },
  { title: 'tcp_proxy', typeName: TCP_PROXY, build: (message) => tcpProxyFilter.create(message, testContext()), allowed: { ...LOG_ALLOWED, 'envoy.type.v3.HashPolicy.source_ip': EMPTY } },
  {
    title: 'the bootstrap',
    typeName: BOOTSTRAP,
    build: (message) => buildBootstrap(expectMessage<Bootstrap>(message, BOOTSTRAP)),
    opaque: [
      LISTENER, CLUSTER, `${CORE}BindConfig`, `${B}Watchdog.WatchdogAction`, `${B}FatalAction`, `${B}CustomInlineHeader`,
      `${B}Bootstrap.GrpcAsyncClientManagerConfig`, `${B}MemoryAllocatorManager`, 'envoy.type.v3.Percent',
      // Read by the TLS contexts that name them.
      ...['TlsCertificate', 'CertificateValidationContext', 'TlsSessionTicketKeys', 'GenericSecret'].map((each) => `envoy.extensions.transport_sockets.tls.v3.${each}`),
    ],
    allowed: {
      ...LOG_ALLOWED,
      [`${BOOTSTRAP}.stats_eviction_interval`]: WARNED,
      [`${B}RuntimeLayer.admin_layer`]: EMPTY,
      'envoy.extensions.transport_sockets.tls.v3.Secret.generic_secret': 'read by filters that are not there; docs/user/differences.md lists it',
      [`${BOOTSTRAP}.stats_server_version_override`]: 'the server sets server.version from it when it starts',
    },
  },
];

function buildCluster(message: Cluster, context: FactoryContext = testContext()): void {
  new ClusterManagerImpl({ role: 'worker', bindConfig: undefined }).addCluster(message, context);
}

/** The options of a cluster, as its typed_extension_protocol_options hold them. */
function buildHttpOptions(message: Message): void {
  const cluster = fromYaml<Cluster>(CLUSTER, `{name: c, typed_extension_protocol_options: {${HTTP_OPTIONS}: {"@type": type.googleapis.com/${HTTP_OPTIONS}, explicit_http_config: {http_protocol_options: {}}}}}`);
  const context = testContext();
  const unpack = (any: Any, path: string): Message => (any.typeUrl.endsWith(`/${HTTP_OPTIONS}`) ? message : context.messages.unpack(any, path));
  buildCluster(cluster, { ...context, messages: { unpack } });
}

/** Everything that the main thread makes of a bootstrap, and what the server asks it for later. */
function buildBootstrap(bootstrap: Bootstrap): void {
  const loggers = ProcessLoggers.create({ level: LOG_OFF, format: '%v' });
  const dispatcher = new ThreadDispatcher({ name: 'main_thread' });
  try {
    const counts = { unknownFields: 0, deprecated: 0, workInProgress: 0 };
    const main = new MainThread({
      loaded: { ok: true, bootstrap, warnings: [], counts, place: (errors) => [...errors] },
      options: DEFAULT_OPTIONS, dispatcher, stats: new MainStats(), loggers, validationOnly: true, sharedCells: null, onHostUpdate: () => {},
    });
    mainWatchdog(bootstrap);
    statsFlushInterval(bootstrap);
    startsDrained(bootstrap, loggers.get('main'));
    processFacts(bootstrap, DEFAULT_OPTIONS, main.node);
    if (bootstrap.admin?.address !== undefined) new AdminServer(bootstrap.admin, new AdminRouter(loggers.get('admin'), []), main.context(), null);
    main.dispose();
  } catch (error) {
    throw error instanceof StartupError ? new ConfigErrors(error.errors) : error;
  } finally {
    dispatcher.dispose();
    loggers.dispose();
  }
}

for (const walk of WALKS) {
  test(`${walk.title}: no field is accepted and ignored`, () => {
    assert.deepEqual(ignoredFields({ ...walk, samples: { ...SAMPLES, ...walk.samples }, unchecked: true }), []);
  });
}

test('the walk can fail: a cluster of which only the name is read', () => {
  const faults = ignoredFields({ typeName: CLUSTER, build: (message) => expectMessage<Cluster>(message, CLUSTER).name, samples: SAMPLES, unchecked: true, allowed: {} });
  assert.ok(faults.some((each) => each.startsWith(`${CLUSTER}.connect_timeout (): neither read nor refused`)));
});
