import type { LogLevel } from '../contract/logger.ts';

/** What the command line (or `startProxy`) says. One field for each option of Envoy 1.40, under Envoy's name in camelCase. */
export interface ServerOptions {
  /** Path to the configuration, or empty. */
  readonly configPath: string;
  /** YAML or JSON merged over the file. */
  readonly configYaml: string;
  readonly mode: 'serve' | 'validate' | 'init_only';
  /** Worker threads, at least 1. */
  readonly concurrency: number;
  readonly cpusetThreads: boolean;
  readonly baseId: number;
  readonly useDynamicBaseId: boolean;
  readonly baseIdPath: string;
  readonly restartEpoch: number;
  readonly skipHotRestartOnNoParent: boolean;
  readonly skipHotRestartParentStats: boolean;
  readonly disableHotRestart: boolean;
  readonly socketPath: string;
  readonly socketMode: number;
  readonly allowUnknownStaticFields: boolean;
  readonly rejectUnknownDynamicFields: boolean;
  readonly ignoreUnknownDynamicFields: boolean;
  readonly skipDeprecatedLogs: boolean;
  readonly adminAddressPath: string;
  readonly localAddressIpVersion: 'v4' | 'v6';
  readonly logLevel: LogLevel;
  readonly componentLogLevel: string;
  readonly componentLogLevels: readonly (readonly [string, LogLevel])[];
  readonly logFormat: string;
  readonly logFormatSet: boolean;
  readonly logFormatEscaped: boolean;
  readonly logStacktraceSingleEntry: boolean;
  readonly enableFineGrainLogging: boolean;
  readonly logPath: string;
  readonly serviceCluster: string;
  readonly serviceNode: string;
  readonly serviceZone: string;
  readonly fileFlushIntervalMsec: number;
  readonly fileFlushMinSizeKb: number;
  /** Seconds. */
  readonly drainTimeS: number;
  readonly drainStrategy: 'gradual' | 'immediate';
  readonly parentShutdownTimeS: number;
  /** Seconds that SIGTERM leaves to requests in flight; 0 = stop at once, as Envoy. nuncio's own option. */
  readonly shutdownGraceS: number;
  readonly enableMutexTracing: boolean;
  readonly enableCoreDump: boolean;
  readonly disabledExtensions: readonly string[];
  readonly statsTags: readonly (readonly [string, string])[];
}

export const DEFAULT_LOG_FORMAT = '[%Y-%m-%d %T.%e][%t][%l][%n] [%g:%#] %v';

/** Options when nothing is said; `concurrency` 1. */
export const DEFAULT_OPTIONS: ServerOptions = {
  configPath: '',
  configYaml: '',
  mode: 'serve',
  concurrency: 1,
  cpusetThreads: false,
  baseId: 0,
  useDynamicBaseId: false,
  baseIdPath: '',
  restartEpoch: 0,
  skipHotRestartOnNoParent: false,
  skipHotRestartParentStats: false,
  disableHotRestart: false,
  socketPath: '@envoy_domain_socket',
  socketMode: 0,
  allowUnknownStaticFields: false,
  rejectUnknownDynamicFields: false,
  ignoreUnknownDynamicFields: false,
  skipDeprecatedLogs: false,
  adminAddressPath: '',
  localAddressIpVersion: 'v4',
  logLevel: 2,
  componentLogLevel: '',
  componentLogLevels: [],
  logFormat: DEFAULT_LOG_FORMAT,
  logFormatSet: false,
  logFormatEscaped: false,
  logStacktraceSingleEntry: false,
  enableFineGrainLogging: false,
  logPath: '',
  serviceCluster: '',
  serviceNode: '',
  serviceZone: '',
  fileFlushIntervalMsec: 10_000,
  fileFlushMinSizeKb: 64,
  drainTimeS: 600,
  drainStrategy: 'gradual',
  parentShutdownTimeS: 900,
  shutdownGraceS: 10,
  enableMutexTracing: false,
  enableCoreDump: false,
  disabledExtensions: [],
  statsTags: [],
};
