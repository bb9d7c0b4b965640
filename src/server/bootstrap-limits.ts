import type { Bootstrap, Watchdog } from '#api/envoy/config/bootstrap/v3/bootstrap_pb.js';
import { notYet, refusedFields } from '../common/not-yet.ts';
import type { ConfigError } from '../contract/errors.ts';
import { LOG_WARNING } from '../contract/logger.ts';
import type { ProcessLoggers } from './logger.ts';
import type { ServerOptions } from './options.ts';

/*
 * What of the bootstrap nuncio has not. A feature is refused, so that nobody believes it works; what only tunes Envoy's own machinery, or
 * could change nothing here, is accepted with a warning that docs/user/differences.md lists. bootstrap-fields.test.ts looks for a field
 * that is neither read, nor refused, nor warned of.
 */

const BOOTSTRAP = 'envoy.config.bootstrap.v3.Bootstrap';

/** One error for each feature that is missing. */
export function refuseUnsupported(bootstrap: Bootstrap, options: ServerOptions): ConfigError[] {
  const { dynamicResources, clusterManager, deferredStatOptions, statsConfig } = bootstrap;
  return [
    ...refusedFields(bootstrap, BOOTSTRAP, TOP_LEVEL),
    ...headerPrefix(bootstrap),
    ...below('dynamic_resources', dynamicResources, `${BOOTSTRAP}.DynamicResources`, DYNAMIC),
    ...below('cluster_manager', clusterManager, CLUSTER_MANAGER, { loadStatsConfig: 'load_stats_config', outlierDetection: 'outlier_detection' }),
    ...localCluster(bootstrap, options),
    ...below('deferred_stat_options', deferredStatOptions, `${BOOTSTRAP}.DeferredStatOptions`, {
      enableDeferredCreationStats: 'enable_deferred_creation_stats',
    }),
    ...below('stats_config', statsConfig, 'envoy.config.metrics.v3.StatsConfig', { allowDefaultTagOverrides: 'allow_default_tag_overrides' }),
    ...(statsConfig?.histogramBucketSettings ?? []).flatMap((each, i) =>
      below(`stats_config.histogram_bucket_settings[${i}]`, each, 'envoy.config.metrics.v3.HistogramBucketSettings', { bins: 'bins' })),
  ];
}

const CLUSTER_MANAGER = 'envoy.config.bootstrap.v3.ClusterManager';

const TOP_LEVEL = {
  hdsConfig: 'hds_config',
  nodeContextParams: 'node_context_params',
  statsSinks: 'stats_sinks',
  tracing: 'tracing',
  overloadManager: 'overload_manager',
  useTcpForDnsLookups: 'use_tcp_for_dns_lookups',
  dnsResolutionConfig: 'dns_resolution_config',
  typedDnsResolverConfig: 'typed_dns_resolver_config',
  bootstrapExtensions: 'bootstrap_extensions',
  configSources: 'config_sources',
  defaultConfigSource: 'default_config_source',
  certificateProviderInstances: 'certificate_provider_instances',
  defaultRegexEngine: 'default_regex_engine',
  xdsDelegateExtension: 'xds_delegate_extension',
  xdsConfigTrackerExtension: 'xds_config_tracker_extension',
  listenerManager: 'listener_manager',
} as const;

const DYNAMIC = {
  ldsConfig: 'lds_config',
  ldsResourcesLocator: 'lds_resources_locator',
  cdsConfig: 'cds_config',
  cdsResourcesLocator: 'cds_resources_locator',
  adsConfig: 'ads_config',
} as const;

function below<M extends object>(path: string, message: M | undefined, typeName: string, fields: { readonly [K in keyof M]?: string }): ConfigError[] {
  return message === undefined ? [] : refusedFields(message, typeName, fields).map((each) => each.under(path));
}

/** `x-envoy` is what the headers begin with anyway. */
function headerPrefix(bootstrap: Bootstrap): ConfigError[] {
  const prefix = bootstrap.headerPrefix;
  return prefix === '' || prefix === 'x-envoy' ? [] : [notYet(`${BOOTSTRAP}.header_prefix`, 'header_prefix')];
}

/** Zone aware load balancing. Without a zone of its own Envoy has nothing to be aware of: then the field changes nothing. */
function localCluster(bootstrap: Bootstrap, options: ServerOptions): ConfigError[] {
  const zone = options.serviceZone !== '' ? options.serviceZone : (bootstrap.node?.locality?.zone ?? '');
  return zone === '' ? [] : below('cluster_manager', bootstrap.clusterManager, CLUSTER_MANAGER, { localClusterName: 'local_cluster_name' });
}

interface Ignored {
  readonly isSet: (bootstrap: Bootstrap) => boolean;
  readonly warning: string;
}

const kills = (watchdog: Watchdog | undefined): boolean =>
  watchdog !== undefined &&
  (watchdog.killTimeout ?? watchdog.multikillTimeout ?? watchdog.multikillThreshold ?? watchdog.maxKillTimeoutJitter) !== undefined;
const acts = (watchdog: Watchdog | undefined): boolean => (watchdog?.actions.length ?? 0) > 0;
const watchdogs = (bootstrap: Bootstrap): (Watchdog | undefined)[] => [
  bootstrap.watchdog, bootstrap.watchdogs?.mainThreadWatchdog, bootstrap.watchdogs?.workerWatchdog,
];

/** Fields that are accepted with a warning. */
export const IGNORED: readonly Ignored[] = [
  { isSet: (b) => b.memoryAllocatorManager !== undefined, warning: 'memory_allocator_manager: nuncio does not allocate with TCMalloc' },
  { isSet: (b) => b.fatalActions.length > 0, warning: 'fatal_actions: a worker that crashes is logged and replaced instead' },
  { isSet: (b) => b.inlineHeaders.length > 0, warning: 'inline_headers: nuncio looks all headers up in the same way' },
  { isSet: (b) => b.perfTracingFilePath !== '', warning: 'perf_tracing_file_path: there is no Perfetto in nuncio' },
  { isSet: (b) => b.defaultSocketInterface !== '', warning: 'default_socket_interface: sockets are those of Node.js' },
  { isSet: (b) => b.enableDispatcherStats, warning: 'enable_dispatcher_stats: there are no dispatcher statistics' },
  { isSet: (b) => b.enableWorkerCpuAffinity, warning: 'enable_worker_cpu_affinity: Node.js cannot bind a thread to a CPU' },
  { isSet: (b) => b.statsEviction.case !== undefined, warning: 'stats_eviction_interval: statistics that nobody uses stay, they hold little memory' },
  {
    isSet: (b) => b.grpcAsyncClientManagerConfig !== undefined,
    warning: 'grpc_async_client_manager_config: gRPC clients are kept by their number, not by their age',
  },
  { isSet: (b) => watchdogs(b).some(kills), warning: 'watchdog kill and multikill settings: a thread that stalls is counted, the process is never killed for it' },
  { isSet: (b) => watchdogs(b).some(acts), warning: 'watchdog actions: a thread that stalls is counted, actions are not run' },
  { isSet: (b) => (b.clusterManager?.localClusterName ?? '') !== '', warning: 'cluster_manager.local_cluster_name: without a zone of the node there is nothing to be aware of' },
  { isSet: (b) => b.clusterManager?.enableDeferredClusterCreation === true, warning: 'cluster_manager.enable_deferred_cluster_creation: clusters are built at the start, which is quick here' },
  { isSet: (b) => (b.admin?.profilePath ?? '') !== '', warning: 'admin.profile_path: the CPU profiler is that of V8 (node --cpu-prof)' },
];

export function warnIgnored(bootstrap: Bootstrap, loggers: ProcessLoggers): void {
  const logger = loggers.get('config');
  for (const { isSet, warning } of IGNORED) if (isSet(bootstrap)) logger.log(LOG_WARNING, `ignored: ${warning}`);
}
