import type { Bootstrap } from '#api/envoy/config/bootstrap/v3/bootstrap_pb.js';
import { formatConfigError, loadBootstrap } from '../config/index.ts';
import type { BootstrapInput, LoadedBootstrap } from '../config/index.ts';
import { ConfigError } from '../contract/errors.ts';
import { LOG_WARNING } from '../contract/logger.ts';
import { registry } from '../extensions/registry.ts';
import type { ProcessLoggers } from './logger.ts';
import type { ServerOptions } from './options.ts';
import { StartupError } from './startup-error.ts';

/** A configuration that is no file. */
export interface ConfigText {
  readonly text: string;
  readonly format: 'yaml' | 'json';
}

/** Loads and checks the bootstrap as the options say; logs warnings. Throws StartupError with everything that is wrong. */
export function loadConfiguration(options: ServerOptions, loggers: ProcessLoggers, text?: ConfigText): LoadedBootstrap {
  const input: BootstrapInput = {
    ...(options.configPath === '' ? {} : { path: options.configPath }),
    ...(text === undefined ? {} : text),
    ...(options.configYaml === '' ? {} : { overlayYaml: options.configYaml }),
    options: { unknownFields: options.allowUnknownStaticFields ? 'warn' : 'reject', extensions: registry },
  };
  const loaded = loadBootstrap(input);
  const config = loggers.get('config');
  for (const warning of loaded.warnings) {
    if (warning.kind === 'deprecated' && options.skipDeprecatedLogs) continue;
    config.log(LOG_WARNING, formatConfigError(new ConfigError(warning.message, { path: warning.path, position: warning.position })));
  }
  if (!loaded.ok) throw StartupError.ofConfig(loaded.errors);
  return loaded;
}

/**
 * Top-level features of the bootstrap that nuncio has not yet: an error each, so that nobody believes they work. What only tunes Envoy's own
 * machinery is accepted with a warning.
 */
export function unsupportedBootstrap(bootstrap: Bootstrap, loggers: ProcessLoggers): ConfigError[] {
  const errors: ConfigError[] = [];
  const refuse = (present: boolean, path: string): void => {
    if (present) errors.push(new ConfigError(`known to Envoy, not in nuncio yet: ${path}`, { path }));
  };
  const dynamic = bootstrap.dynamicResources;
  refuse(dynamic?.ldsConfig !== undefined || (dynamic?.ldsResourcesLocator ?? '') !== '', 'dynamic_resources.lds_config');
  refuse(dynamic?.cdsConfig !== undefined || (dynamic?.cdsResourcesLocator ?? '') !== '', 'dynamic_resources.cds_config');
  refuse(dynamic?.adsConfig !== undefined, 'dynamic_resources.ads_config');
  refuse((bootstrap.staticResources?.secrets.length ?? 0) > 0, 'static_resources.secrets');
  refuse(bootstrap.hdsConfig !== undefined, 'hds_config');
  refuse(bootstrap.statsSinks.length > 0, 'stats_sinks');
  refuse(bootstrap.tracing !== undefined, 'tracing');
  refuse(bootstrap.overloadManager !== undefined, 'overload_manager');
  refuse(bootstrap.bootstrapExtensions.length > 0, 'bootstrap_extensions');
  refuse(bootstrap.xdsDelegateExtension !== undefined, 'xds_delegate_extension');
  refuse(bootstrap.xdsConfigTrackerExtension !== undefined, 'xds_config_tracker_extension');
  refuse(bootstrap.listenerManager !== undefined, 'listener_manager');
  refuse(Object.keys(bootstrap.certificateProviderInstances).length > 0, 'certificate_provider_instances');
  refuse(bootstrap.deferredStatOptions?.enableDeferredCreationStats === true, 'deferred_stat_options.enable_deferred_creation_stats');
  refuse(bootstrap.statsConfig?.statsMatcher !== undefined, 'stats_config.stats_matcher');
  warnIgnored(bootstrap, loggers);
  return errors;
}

const IGNORED: readonly (readonly [keyof Bootstrap, string])[] = [
  ['memoryAllocatorManager', 'memory_allocator_manager: nuncio does not allocate with TCMalloc'],
  ['fatalActions', 'fatal_actions: a worker that crashes is logged and replaced instead'],
  ['inlineHeaders', 'inline_headers: nuncio looks all headers up in the same way'],
  ['perfTracingFilePath', 'perf_tracing_file_path: there is no Perfetto in nuncio'],
  ['defaultSocketInterface', 'default_socket_interface: sockets are those of Node.js'],
  ['enableDispatcherStats', 'enable_dispatcher_stats: there are no dispatcher statistics'],
];

function warnIgnored(bootstrap: Bootstrap, loggers: ProcessLoggers): void {
  const logger = loggers.get('config');
  for (const [field, text] of IGNORED) {
    const value: unknown = bootstrap[field];
    const set = Array.isArray(value) ? value.length > 0 : value !== undefined && value !== '' && value !== false;
    if (set) logger.log(LOG_WARNING, `ignored: ${text}`);
  }
}
