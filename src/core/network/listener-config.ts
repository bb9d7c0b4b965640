import type { Filter, FilterChain } from '#api/envoy/config/listener/v3/listener_components_pb.js';
import type { Listener } from '#api/envoy/config/listener/v3/listener_pb.js';
import { messageToJson } from '../../config/message-json.ts';
import { notYet, refuseFields } from '../../common/not-yet.ts';
import type { AccessLog } from '../../contract/access-log.ts';
import type { Address } from '../../contract/address.ts';
import { ConfigError, configAt } from '../../contract/errors.ts';
import type { FactoryContext, ListenerFacts } from '../../contract/extension.ts';
import { LOG_WARNING } from '../../contract/logger.ts';
import { durationMs } from '../../contract/message.ts';
import type { NetworkFilterFactoryCb } from '../../contract/network.ts';
import type { DownstreamTransportSocketFactory } from '../../contract/transport-socket.ts';
import { resolveAddressMessage } from './address.ts';
import { DEFAULT_BUFFER_LIMIT } from './connection.ts';
import { FilterChainMatcher } from './filter-chain-match.ts';
import { buildListenerFilters } from './listener-filters.ts';
import type { ListenerFilters } from './listener-filters.ts';
import type { SocketTuning } from './socket-options.ts';
import { readSocketOptions, readTcpKeepalive } from './socket-options.ts';
import { buildAccessLogs } from './access-logs.ts';

/** A filter chain ready for connections. */
export interface ActiveFilterChain {
  readonly name: string;
  /** Null = a plain socket. */
  readonly transportSocket: DownstreamTransportSocketFactory | null;
  readonly filters: readonly NetworkFilterFactoryCb[];
  /** Milliseconds that the handshake of the transport socket may take; 0 = no limit. */
  readonly connectTimeout: number;
}

export interface ListenAddress {
  readonly address: Address;
  readonly ipv4Compat: boolean;
  readonly pipeMode: number;
  readonly tuning: SocketTuning;
}

/** A Listener message with every default resolved and its filter chains built. Immutable. */
export interface ListenerConfig {
  readonly name: string;
  readonly statPrefix: string;
  readonly addresses: readonly ListenAddress[];
  readonly facts: ListenerFacts;
  readonly bindToPort: boolean;
  readonly reusePort: boolean;
  readonly backlog: number;
  readonly bufferLimit: number;
  readonly ignoreGlobalConnLimit: boolean;
  readonly drainOnlyOnModify: boolean;
  readonly matcher: FilterChainMatcher<ActiveFilterChain>;
  /** Null = connections are not looked into. */
  readonly listenerFilters: ListenerFilters | null;
  readonly accessLogs: readonly AccessLog[];
  /** The context that its filters were built with. */
  readonly context: FactoryContext;
}

/** SOMAXCONN of today's kernels (net.core.somaxconn). */
const DEFAULT_BACKLOG = 4_096;
const RAW_BUFFER = 'envoy.transport_sockets.raw_buffer';
const DIRECTIONS = ['UNSPECIFIED', 'INBOUND', 'OUTBOUND'] as const;

/**
 * Builds a listener. Throws ConfigError(s) with paths below the listener. Nothing is opened: `ActiveListener.start` does that.
 * `context` is the thread's; the listener's own scope and facts are put in for its filters.
 */
export function buildListener(message: Listener, context: FactoryContext): ListenerConfig {
  refuseUnsupported(message);
  const addresses = readAddresses(message, context);
  const name = message.name;
  const addressText = addresses.map((each) => each.address.text).join(',');
  const statPrefix = message.statPrefix === '' ? addresses[0].address.text.replaceAll(':', '_') : message.statPrefix;
  const bufferLimit = message.perConnectionBufferLimitBytes ?? DEFAULT_BUFFER_LIMIT;
  const facts: ListenerFacts = { name, direction: DIRECTIONS[message.trafficDirection] ?? 'UNSPECIFIED', bufferLimit };
  const listenerContext: FactoryContext = { ...context, listenerScope: context.rootScope.scope(`listener.${statPrefix}`), listener: facts };
  return {
    name: name === '' ? addressText : name,
    statPrefix,
    addresses,
    facts,
    bindToPort: (message.bindToPort ?? true) && (message.deprecatedV1?.bindToPort ?? true),
    reusePort: message.enableReusePort ?? true,
    backlog: message.tcpBacklogSize ?? DEFAULT_BACKLOG,
    bufferLimit,
    ignoreGlobalConnLimit: message.ignoreGlobalConnLimit,
    drainOnlyOnModify: message.drainType === 1,
    matcher: buildMatcher(message, addressText, listenerContext),
    listenerFilters: buildListenerFilters(message, listenerContext),
    accessLogs: configAt('access_log', () => buildAccessLogs(message.accessLog, listenerContext)),
    context: listenerContext,
  };
}

/** `metadata`, `bypass_overload_manager`, `reuse_port` need nothing done while there is no overload manager. */
function refuseUnsupported(message: Listener): void {
  refuseFields(message, 'Listener', {
    statsMatcher: 'stats_matcher',
    fcdsConfig: 'fcds_config',
    filterChainMatcher: 'filter_chain_matcher',
    useOriginalDst: 'use_original_dst',
    perConnectionBufferHighWatermarkTimeout: 'per_connection_buffer_high_watermark_timeout',
    transparent: 'transparent',
    freebind: 'freebind',
    tcpFastOpenQueueLength: 'tcp_fast_open_queue_length',
    udpListenerConfig: 'udp_listener_config',
    apiListener: 'api_listener',
    connectionBalanceConfig: 'connection_balance_config',
    maxConnectionsToAcceptPerSocketEvent: 'max_connections_to_accept_per_socket_event',
    enableMptcp: 'enable_mptcp',
  });
  if (message.listenerSpecifier.case !== undefined) throw notYet('Listener.internal_listener', 'internal_listener');
}

function readAddresses(message: Listener, context: FactoryContext): ListenAddress[] {
  const logger = context.loggers.get('config');
  const where = `listener '${message.name}'`;
  if (message.address === undefined) {
    throw new ConfigError(`error adding listener named '${message.name}': address is necessary`, { path: 'address' });
  }
  const options = readTcpKeepalive(message.tcpKeepalive, readSocketOptions(message.socketOptions, 'socket_options'), logger, where);
  const first = readAddress(message.address, 'address', options);
  const others = message.additionalAddresses.map((each, i) => {
    const path = `additional_addresses[${i}]`;
    const own =
      each.socketOptions === undefined ? options : readSocketOptions(each.socketOptions.socketOptions, `${path}.socket_options.socket_options`);
    return readAddress(each.address, `${path}.address`, readTcpKeepalive(each.tcpKeepalive, own, logger, where));
  });
  return [first, ...others];
}

function readAddress(message: Listener['address'], path: string, tuning: SocketTuning): ListenAddress {
  const address = resolveAddressMessage(message, path);
  const kind = message?.address;
  if (kind?.case === 'socketAddress' && kind.value.protocol !== 0) throw notYet('UDP listeners', `${path}.socket_address.protocol`);
  return {
    address,
    ipv4Compat: kind?.case === 'socketAddress' && kind.value.ipv4Compat,
    pipeMode: kind?.case === 'pipe' ? kind.value.mode : 0,
    tuning,
  };
}

function buildMatcher(message: Listener, addressText: string, context: FactoryContext): FilterChainMatcher<ActiveFilterChain> {
  if (message.filterChains.length === 0 && message.defaultFilterChain === undefined) {
    throw new ConfigError(`error adding listener '${addressText}': no filter chains specified`, { path: 'filter_chains' });
  }
  warnBlindMatches(message, addressText, context);
  const names = new Map<string, string>();
  const chains = message.filterChains.map((chain, i) => {
    const match = chain.filterChainMatch;
    if (match !== undefined && (match.addressSuffix !== '' || match.suffixLen !== undefined)) {
      throw new ConfigError(`error adding listener '${addressText}': filter chain '${chain.name}' contains unimplemented fields`, {
        path: `filter_chains[${i}].filter_chain_match`,
      });
    }
    configAt(`filter_chains[${i}]`, () => refuseSameMatch(chain, names, addressText));
    return { match, chain: configAt(`filter_chains[${i}]`, () => buildChain(chain, context)) };
  });
  const fallback = message.defaultFilterChain;
  const defaultChain = fallback === undefined ? null : configAt('default_filter_chain', () => buildChain(fallback, context));
  return new FilterChainMatcher(chains, defaultChain, () => {
    throw new ConfigError(`error adding listener '${addressText}': multiple filter chains with overlapping matching rules are defined`, {
      path: 'filter_chains',
    });
  });
}

/** Nothing but a listener filter sees these; Envoy takes such chains without a word, and they never match. Said once, by the dry run. */
function warnBlindMatches(message: Listener, addressText: string, context: FactoryContext): void {
  if (!context.validationOnly || message.listenerFilters.length > 0) return;
  const blind = message.filterChains.find(({ filterChainMatch: match }) => {
    return match !== undefined && (match.serverNames.length > 0 || match.applicationProtocols.length > 0 || match.transportProtocol === 'tls');
  });
  if (blind === undefined) return;
  const why = 'matches by what a listener filter such as envoy.filters.listener.tls_inspector has seen, and there is none: it never matches';
  context.loggers.get('config').log(LOG_WARNING, `listener '${addressText}': filter chain '${blind.name}' ${why}`);
}

/** `names` are the chains before this one, by their match. */
function refuseSameMatch(chain: FilterChain, names: Map<string, string>, addressText: string): void {
  const match = chain.filterChainMatch === undefined ? '{}' : JSON.stringify(messageToJson(chain.filterChainMatch));
  const other = names.get(match);
  if (other !== undefined) {
    const rules = `filter chain '${chain.name}' has the same matching rules defined as '${other}'. duplicate matcher is: ${match}`;
    throw new ConfigError(`error adding listener '${addressText}': ${rules}`, { path: 'filter_chain_match' });
  }
  names.set(match, chain.name);
}

function buildChain(chain: FilterChain, context: FactoryContext): ActiveFilterChain {
  refuseFields(chain, 'FilterChain', { useProxyProto: 'use_proxy_proto' });
  const transportSocket = buildTransportSocket(chain, context);
  const last = chain.filters.length - 1;
  const filters = chain.filters.map((filter, i) => configAt(`filters[${i}]`, () => buildFilter(filter, i === last, context)));
  return { name: chain.name, transportSocket, filters, connectTimeout: durationMs(chain.transportSocketConnectTimeout, 0) };
}

/** Null = a plain socket. */
function buildTransportSocket(chain: FilterChain, context: FactoryContext): DownstreamTransportSocketFactory | null {
  const socket = chain.transportSocket;
  const any = socket?.configType.value;
  if (socket === undefined || (any === undefined && socket.name === RAW_BUFFER)) return null;
  return configAt('transport_socket', () => {
    const factory = context.registry.downstreamTransportSocket(any, socket.name);
    if (any === undefined) throw new ConfigError('typed_config is required', { path: 'typed_config' });
    const config = context.messages.unpack(any, 'typed_config');
    return configAt('typed_config', () => factory.create(config, chain.filterChainMatch?.serverNames ?? [], context));
  });
}

function buildFilter(filter: Filter, isLast: boolean, context: FactoryContext): NetworkFilterFactoryCb {
  if (filter.configType.case === 'configDiscovery') throw notYet('Filter.config_discovery', 'config_discovery');
  const any = filter.configType.value;
  const factory = context.registry.networkFilter(any, filter.name);
  if (factory.terminal && !isLast) {
    throw new ConfigError(
      `Error: terminal filter named ${filter.name} of type ${factory.name} must be the last filter in a network filter chain.`,
    );
  }
  if (!factory.terminal && isLast) {
    throw new ConfigError(`Error: non-terminal filter named ${filter.name} of type ${factory.name} is the last filter in a network filter chain.`);
  }
  if (any === undefined) throw new ConfigError('typed_config is required', { path: 'typed_config' });
  const config = context.messages.unpack(any, 'typed_config');
  return configAt('typed_config', () => factory.create(config, context));
}
