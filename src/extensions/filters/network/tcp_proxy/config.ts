import type { Message } from '@bufbuild/protobuf';
import type { Metadata } from '#api/envoy/config/core/v3/base_pb.js';
import type { TcpProxy } from '#api/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.js';
import { notYet, refuseFields } from '../../../../common/not-yet.ts';
import type { AccessLog } from '../../../../contract/access-log.ts';
import { ConfigError, configAt } from '../../../../contract/errors.ts';
import type { FactoryContext } from '../../../../contract/extension.ts';
import { durationMs, expectMessage } from '../../../../contract/message.ts';
import { buildAccessLogs } from '../../../../core/access-log/build-access-logs.ts';
import { readHashPolicy } from './session-hash.ts';
import type { SessionHash } from './session-hash.ts';
import { TcpProxyStats } from './stats.ts';
import { readTunneling } from './tunneling-config.ts';
import type { Tunneling } from './tunneling-config.ts';

export const TCP_PROXY = 'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy';

/** Where a share of the connections goes. */
export interface TcpRoute {
  readonly cluster: string;
  readonly weight: number;
  /** `envoy.lb` metadata for subsets, or null. */
  readonly metadataMatch: Readonly<Record<string, unknown>> | null;
}

/** A TcpProxy message, defaults resolved. Milliseconds; 0 = off. Shared by all connections of a listener. */
export interface TcpProxyConfig {
  readonly routes: readonly TcpRoute[];
  readonly totalWeight: number;
  /** `envoy.lb` metadata of all routes; also of clusters that filter state names. */
  readonly metadataMatch: Readonly<Record<string, unknown>> | null;
  readonly idleTimeout: number;
  readonly maxConnectAttempts: number;
  /** Waits between attempts, or null for the next round of the loop. */
  readonly backOff: { readonly base: number; readonly max: number } | null;
  /** -1 = none. */
  readonly maxDuration: number;
  /** Percent. */
  readonly maxDurationJitter: number;
  readonly accessLogs: readonly AccessLog[];
  readonly logOnConnected: boolean;
  readonly logOnStart: boolean;
  /** 0 = none. */
  readonly logInterval: number;
  /** Null = a TCP connection to the host. */
  readonly tunneling: Tunneling | null;
  /** Null = none. */
  readonly hashPolicy: SessionHash | null;
  /** The upstream is looked for when the client's first bytes have come. */
  readonly connectOnData: boolean;
  /** Bytes that are taken from the client before there is an upstream; -1 = it is not read until then. */
  readonly maxEarlyDataBytes: number;
  /** Sessions end at the next bytes after a drain has begun. */
  readonly checkDrainClose: boolean;
  readonly stats: TcpProxyStats;
  readonly context: FactoryContext;
}

/** UpstreamConnectMode. */
const IMMEDIATE = 0;
const ON_DOWNSTREAM_DATA = 1;

const DEFAULT_IDLE_TIMEOUT = 3_600_000;

export function readTcpProxy(message: Message, context: FactoryContext): TcpProxyConfig {
  const config = expectMessage<TcpProxy>(message, TCP_PROXY);
  refuseFields(config, 'TcpProxy', {
    onDemand: 'on_demand',
    downstreamIdleTimeout: 'downstream_idle_timeout',
    upstreamIdleTimeout: 'upstream_idle_timeout',
    // What they say goes into a PROXY header, and its transport socket is not there.
    proxyProtocolTlvs: 'proxy_protocol_tlvs',
    proxyProtocolTlvMergePolicy: 'proxy_protocol_tlv_merge_policy',
  });
  const routes = readRoutes(config);
  return {
    routes,
    totalWeight: routes.reduce((sum, route) => sum + route.weight, 0),
    metadataMatch: lbMetadata(config.metadataMatch),
    idleTimeout: durationMs(config.idleTimeout, DEFAULT_IDLE_TIMEOUT),
    maxConnectAttempts: config.maxConnectAttempts ?? 1,
    backOff: readBackOff(config),
    maxDuration: durationMs(config.maxDownstreamConnectionDuration, -1),
    maxDurationJitter: config.maxDownstreamConnectionDurationJitterPercentage?.value ?? 0,
    accessLogs: configAt('access_log', () => buildAccessLogs(config.accessLog, context)),
    ...readLogOptions(config),
    tunneling: configAt('tunneling_config', () => readTunneling(config.tunnelingConfig, context)),
    hashPolicy: configAt('hash_policy', () => readHashPolicy(config.hashPolicy)),
    ...readConnectMode(config),
    checkDrainClose: config.checkDrainClose ?? false,
    stats: new TcpProxyStats(context.rootScope.scope(`tcp.${config.statPrefix}`)),
    context,
  };
}

function readRoutes(config: TcpProxy): TcpRoute[] {
  const common = lbMetadata(config.metadataMatch);
  const specifier = config.clusterSpecifier;
  if (specifier.case === 'cluster') return [{ cluster: specifier.value, weight: 1, metadataMatch: common }];
  if (specifier.case !== 'weightedClusters') throw notYet('TcpProxy without cluster_specifier', 'cluster_specifier');
  return specifier.value.clusters.map((each) => {
    const own = lbMetadata(each.metadataMatch);
    return { cluster: each.name, weight: each.weight, metadataMatch: own === null ? common : { ...common, ...own } };
  });
}

function lbMetadata(metadata: Metadata | undefined): Readonly<Record<string, unknown>> | null {
  if (metadata === undefined) return null;
  refuseFields(metadata, 'envoy.config.core.v3.Metadata', { typedFilterMetadata: 'typed_filter_metadata' });
  const found = metadata.filterMetadata['envoy.lb'];
  return found === undefined ? null : { ...found };
}

/** TLS handshakes do not come to this filter: without TLS Envoy connects at once, too. */
function readConnectMode(config: TcpProxy): Pick<TcpProxyConfig, 'connectOnData' | 'maxEarlyDataBytes'> {
  const mode: number = config.upstreamConnectMode;
  if (mode !== IMMEDIATE && config.maxEarlyDataBytes === undefined) {
    throw new ConfigError('max_early_data_bytes must be set when upstream_connect_mode is not IMMEDIATE', { path: 'max_early_data_bytes', hint: '0 keeps none' });
  }
  return { connectOnData: mode === ON_DOWNSTREAM_DATA, maxEarlyDataBytes: config.maxEarlyDataBytes ?? -1 };
}

function readBackOff(config: TcpProxy): TcpProxyConfig['backOff'] {
  const options = config.backoffOptions;
  if (options === undefined) return null;
  const base = durationMs(options.baseInterval, 0);
  const max = durationMs(options.maxInterval, base * 10);
  if (max < base) throw new ConfigError('max_backoff_interval must be greater or equal to base_backoff_interval', { path: 'backoff_options' });
  return { base, max };
}

function readLogOptions(config: TcpProxy): Pick<TcpProxyConfig, 'logOnConnected' | 'logOnStart' | 'logInterval'> {
  const options = config.accessLogOptions;
  if (options === undefined) {
    return { logOnConnected: config.flushAccessLogOnConnected, logOnStart: false, logInterval: durationMs(config.accessLogFlushInterval, 0) };
  }
  if (config.flushAccessLogOnConnected) {
    throw new ConfigError('Only one of flush_access_log_on_connected or access_log_options can be specified.', { path: 'access_log_options' });
  }
  if (config.accessLogFlushInterval !== undefined) {
    throw new ConfigError('Only one of access_log_flush_interval or access_log_options can be specified.', { path: 'access_log_options' });
  }
  return {
    logOnConnected: options.flushAccessLogOnConnected,
    logOnStart: options.flushAccessLogOnStart,
    logInterval: durationMs(options.accessLogFlushInterval, 0),
  };
}
