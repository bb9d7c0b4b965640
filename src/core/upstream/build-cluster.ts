import type { Any } from '@bufbuild/protobuf/wkt';
import type { Cluster } from '#api/envoy/config/cluster/v3/cluster_pb.js';
import type { CircuitBreakers_Thresholds } from '#api/envoy/config/cluster/v3/circuit_breaker_pb.js';
import type { BindConfig } from '#api/envoy/config/core/v3/address_pb.js';
import type { RoundRobin } from '#api/envoy/extensions/load_balancing_policies/round_robin/v3/round_robin_pb.js';
import { notYet, refuseFields } from '../../common/not-yet.ts';
import type { Address } from '../../contract/address.ts';
import { ConfigError, configAt } from '../../contract/errors.ts';
import type { FactoryContext } from '../../contract/extension.ts';
import type { UpstreamTransportSocketFactory } from '../../contract/transport-socket.ts';
import { durationMs, expectMessage } from '../../contract/message.ts';
import { canonicalIp, ipAddress } from '../network/address.ts';
import { DEFAULT_BUFFER_LIMIT } from '../network/connection.ts';
import { NO_TUNING, readSocketOptions, readTcpKeepalive } from '../network/socket-options.ts';
import type { ClusterSettings } from './cluster-info.ts';
import { clusterScopeName } from './cluster-info.ts';
import { readHttpOptions } from './http-protocol-options.ts';
import type { HostFailure } from './host-update.ts';
import type { Thresholds } from './resource-manager.ts';
import { DEFAULT_THRESHOLDS } from './resource-manager.ts';

/** What the load balancer of a cluster needs to know. */
export interface LbSettings {
  readonly panicThreshold: number;
  readonly failTrafficOnPanic: boolean;
}

/** Things that hold for all clusters of the process (bootstrap). */
export interface ClusterDefaults {
  /** `cluster_manager.upstream_bind_config`. */
  readonly bindConfig?: BindConfig | undefined;
  readonly addedViaApi: boolean;
  /** Hears of hosts whose responses say that they are unhealthy. */
  readonly onHostUnhealthy?: ((failure: HostFailure) => void) | undefined;
}

const DEFAULT_CONNECT_TIMEOUT = 5_000;
const DEFAULT_PANIC_THRESHOLD = 50;
const ROUND_ROBIN_TYPE = 'envoy.extensions.load_balancing_policies.round_robin.v3.RoundRobin';
const RAW_BUFFER = 'envoy.transport_sockets.raw_buffer';
/** Cluster.LbPolicy */
const LB_NAMES = ['ROUND_ROBIN', 'LEAST_REQUEST', 'RING_HASH', 'RANDOM', 'ORIGINAL_DST', 'MAGLEV', 'CLUSTER_PROVIDED', 'LOAD_BALANCING_POLICY_CONFIG'];
const DEFAULT_PRIORITIES: readonly Thresholds[] = [DEFAULT_THRESHOLDS, DEFAULT_THRESHOLDS];
const NO_SOURCES: readonly Address[] = [];

/**
 * Reads a Cluster message but for its endpoints. Every field is honoured, without effect here (said below), or refused.
 *
 * Without effect: `wait_for_warm_on_init`, `cleanup_interval`, `eds_cluster_config` and `dns_…` where the type does not look at them;
 * `common_lb_config.{update_merge_window, zone_aware_lb_config}` while there are no EDS and local cluster.
 */
export function readCluster(message: Cluster, context: FactoryContext, defaults: ClusterDefaults): { settings: ClusterSettings; lb: LbSettings } {
  refuseUnsupported(message);
  const keepAlive = message.upstreamConnectionOptions?.tcpKeepalive;
  const bind = message.upstreamBindConfig ?? defaults.bindConfig;
  const tuning =
    keepAlive === undefined ? bindTuning(bind) : readTcpKeepalive(keepAlive, bindTuning(bind), context.loggers.get('config'), `cluster '${message.name}'`);
  const observabilityName = message.altStatName === '' ? message.name : message.altStatName;
  return {
    settings: {
      name: message.name,
      observabilityName,
      connectTimeout: durationMs(message.connectTimeout, DEFAULT_CONNECT_TIMEOUT),
      perConnectionBufferLimit: message.perConnectionBufferLimitBytes ?? DEFAULT_BUFFER_LIMIT,
      http: readHttpOptions(message, context),
      thresholds: readThresholds(message),
      metadata: message.metadata === undefined ? null : message.metadata.filterMetadata,
      addedViaApi: defaults.addedViaApi,
      preconnectRatio: message.preconnectPolicy?.perUpstreamPreconnectRatio ?? 1,
      predictivePreconnectRatio: message.preconnectPolicy?.predictivePreconnectRatio ?? 1,
      keepAliveSeconds: tuning.keepAliveSeconds,
      sources: bind === undefined ? NO_SOURCES : readSources(bind),
      transportSocket: readTransportSocket(message, observabilityName, context),
    },
    lb: readLoadBalancing(message, context),
  };
}

const UNSUPPORTED = {
  transportSocketMatches: 'transport_socket_matches',
  transportSocketMatcher: 'transport_socket_matcher',
  statsMatcher: 'stats_matcher',
  perConnectionBufferHighWatermarkTimeout: 'per_connection_buffer_high_watermark_timeout',
  outlierDetection: 'outlier_detection',
  lbSubsetConfig: 'lb_subset_config',
  filters: 'filters',
  lrsServer: 'lrs_server',
  lrsReportEndpointMetrics: 'lrs_report_endpoint_metrics',
  trackTimeoutBudgets: 'track_timeout_budgets',
  trackClusterStats: 'track_cluster_stats',
  upstreamConfig: 'upstream_config',
  connectionPoolPerDownstreamConnection: 'connection_pool_per_downstream_connection',
  queuingPolicies: 'queuing_policies',
} as const;

/** Cluster.DiscoveryType */
const EDS = 3;

function refuseUnsupported(message: Cluster): void {
  refuseFields(message, 'Cluster', UNSUPPORTED);
  if (message.metadata !== undefined) refuseFields(message.metadata, 'envoy.config.core.v3.Metadata', { typedFilterMetadata: 'typed_filter_metadata' });
  const { clusterDiscoveryType } = message;
  if (message.edsClusterConfig !== undefined && !(clusterDiscoveryType.case === 'type' && Number(clusterDiscoveryType.value) === EDS)) {
    throw new ConfigError('eds_cluster_config set in a non-EDS cluster', { path: 'eds_cluster_config' });
  }
  if (message.preconnectPolicy !== undefined) {
    refuseFields(message.preconnectPolicy, 'PreconnectPolicy', { preconnectEnabledMetadata: 'preconnect_enabled_metadata' });
  }
  const connection = message.upstreamConnectionOptions;
  if (connection !== undefined && connection.setLocalInterfaceNameOnUpstreamConnections) {
    throw notYet('set_local_interface_name_on_upstream_connections', 'upstream_connection_options');
  }
}

/** Null = a plain socket. */
function readTransportSocket(message: Cluster, observabilityName: string, context: FactoryContext): UpstreamTransportSocketFactory | null {
  const socket = message.transportSocket;
  const any: Any | undefined = socket?.configType.value;
  if (socket === undefined || (any === undefined && socket.name === RAW_BUFFER)) return null;
  return configAt('transport_socket', () => {
    const factory = context.registry.upstreamTransportSocket(any, socket.name);
    if (any === undefined) throw new ConfigError('typed_config is required', { path: 'typed_config' });
    const config = context.messages.unpack(any, 'typed_config');
    return configAt('typed_config', () => factory.create(config, context.rootScope.scope(clusterScopeName(observabilityName)), context));
  });
}

function readThresholds(message: Cluster): readonly Thresholds[] {
  const breakers = message.circuitBreakers;
  if (breakers === undefined) return DEFAULT_PRIORITIES;
  return [0, 1].map((priority) => {
    // As Envoy: the first entry of a priority counts.
    const index = breakers.thresholds.findIndex((each) => Number(each.priority) === priority);
    const perHost = breakers.perHostThresholds.find((each) => Number(each.priority) === priority);
    return thresholdsOf(breakers.thresholds[index], perHost, `circuit_breakers.thresholds[${index}]`);
  });
}

function thresholdsOf(own: CircuitBreakers_Thresholds | undefined, perHost: CircuitBreakers_Thresholds | undefined, path: string): Thresholds {
  if (own?.maxConnectionPools !== undefined) throw notYet('max_connection_pools', `${path}.max_connection_pools`);
  const budget = own?.retryBudget;
  if (budget?.budgetInterval !== undefined) throw notYet('retry_budget.budget_interval', `${path}.retry_budget.budget_interval`);
  const base = DEFAULT_THRESHOLDS;
  return {
    maxConnections: own?.maxConnections ?? base.maxConnections,
    maxPendingRequests: own?.maxPendingRequests ?? base.maxPendingRequests,
    maxRequests: own?.maxRequests ?? base.maxRequests,
    maxRetries: own?.maxRetries ?? base.maxRetries,
    trackRemaining: own?.trackRemaining ?? false,
    retryBudgetPercent: budget === undefined ? null : (budget.budgetPercent?.value ?? 20),
    minRetryConcurrency: budget === undefined ? null : (budget.minRetryConcurrency ?? 3),
    maxConnectionsPerHost: perHost?.maxConnections ?? base.maxConnectionsPerHost,
  };
}

function bindTuning(bind: BindConfig | undefined): { readonly keepAliveSeconds: number } {
  return bind === undefined || bind.socketOptions.length === 0 ? NO_TUNING : readSocketOptions(bind.socketOptions, 'upstream_bind_config.socket_options');
}

function readSources(bind: BindConfig): readonly Address[] {
  refuseFields(bind, 'BindConfig', {
    freebind: 'freebind',
    additionalSourceAddresses: 'additional_source_addresses',
    localAddressSelector: 'local_address_selector',
    validateNetworkNamespaces: 'validate_network_namespaces',
  });
  const sources: Address[] = [];
  const messages = [bind.sourceAddress, ...bind.extraSourceAddresses.map((each) => each.address)];
  bind.extraSourceAddresses.forEach((each, i) => refuseFields(each, `extra_source_addresses[${i}]`, { socketOptions: 'socket_options' }));
  for (const message of messages) {
    if (message === undefined) continue;
    refuseFields(message, 'envoy.config.core.v3.SocketAddress', {
      resolverName: 'resolver_name',
      networkNamespaceFilepath: 'network_namespace_filepath',
    });
    if (message.portSpecifier.case === 'namedPort') throw new ConfigError('named ports are not supported', { path: 'upstream_bind_config.source_address.named_port' });
    const ip = canonicalIp(message.address);
    if (ip === null) throw new ConfigError(`malformed IP address: ${message.address}`, { path: 'upstream_bind_config.source_address.address' });
    sources.push(ipAddress(ip, message.portSpecifier.case === 'portValue' ? message.portSpecifier.value : 0));
  }
  return sources;
}

function readLoadBalancing(message: Cluster, context: FactoryContext): LbSettings {
  if (message.loadBalancingPolicy !== undefined) return readPolicyList(message, context);
  const policy = Number(message.lbPolicy);
  if (policy !== 0) throw notYet(`lb_policy ${LB_NAMES[policy] ?? policy}`, 'lb_policy');
  if (message.lbConfig.case === 'roundRobinLbConfig') refuseFields(message.lbConfig.value, 'RoundRobinLbConfig', { slowStartConfig: 'slow_start_config' });
  const common = message.commonLbConfig;
  if (common === undefined) return { panicThreshold: DEFAULT_PANIC_THRESHOLD, failTrafficOnPanic: false };
  if (common.closeConnectionsOnHostSetChange) throw notYet('close_connections_on_host_set_change', 'common_lb_config');
  const locality = common.localityConfigSpecifier;
  if (locality.case === 'localityWeightedLbConfig') throw notYet('locality_weighted_lb_config', 'common_lb_config');
  return {
    panicThreshold: roundPercent(common.healthyPanicThreshold?.value ?? DEFAULT_PANIC_THRESHOLD),
    failTrafficOnPanic: locality.case === 'zoneAwareLbConfig' && locality.value.failTrafficOnPanic,
  };
}

/** The first policy of the list that exists here; one that only Envoy has is an error, one that nobody knows is skipped, as in Envoy. */
function readPolicyList(message: Cluster, context: FactoryContext): LbSettings {
  const names: string[] = [];
  for (const [i, policy] of (message.loadBalancingPolicy?.policies ?? []).entries()) {
    const path = `load_balancing_policy.policies[${i}].typed_extension_config`;
    const config = policy.typedExtensionConfig;
    if (config === undefined) continue;
    names.push(config.name);
    if (config.typedConfig?.typeUrl.endsWith(`/${ROUND_ROBIN_TYPE}`)) return readRoundRobin(config.typedConfig, path, message, context);
    if (isKnown(config.typedConfig, config.name, path, context)) throw notYet(`load balancing policy ${config.name}`, path);
  }
  throw new ConfigError(
    `cluster: didn't find a registered load balancer factory implementation for cluster: '${message.name}' with names from [${names.join(', ')}]`,
    { path: 'load_balancing_policy' },
  );
}

function isKnown(any: Any | undefined, name: string, path: string, context: FactoryContext): boolean {
  try {
    configAt(path, () => context.registry.find('envoy.load_balancing_policies', any, name));
    return true;
  } catch (error) {
    if (error instanceof ConfigError && error.why.includes('not in nuncio yet')) throw error;
    return false;
  }
}

function readRoundRobin(any: Any, path: string, message: Cluster, context: FactoryContext): LbSettings {
  const config = expectMessage<RoundRobin>(context.messages.unpack(any, path), ROUND_ROBIN_TYPE);
  refuseFields(config, 'RoundRobin', { slowStartConfig: 'slow_start_config' });
  const locality = config.localityLbConfig?.localityConfigSpecifier;
  if (locality?.case === 'localityWeightedLbConfig') throw notYet('locality_weighted_lb_config', path);
  return {
    panicThreshold: roundPercent(message.commonLbConfig?.healthyPanicThreshold?.value ?? DEFAULT_PANIC_THRESHOLD),
    failTrafficOnPanic: locality?.case === 'zoneAwareLbConfig' && locality.value.failTrafficOnPanic,
  };
}

/** PROTOBUF_PERCENT_TO_ROUNDED_INTEGER with 100 steps. */
function roundPercent(value: number): number {
  return Math.round(value);
}
