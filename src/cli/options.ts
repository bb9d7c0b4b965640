import { crypto } from '../base/crypto.ts';
import { LOG_INFO } from '../contract/logger.ts';
import type { LogLevel } from '../contract/logger.ts';
import { LOG_COMPONENTS } from '../server/log-components.ts';
import { parseLogLevel } from '../server/logger.ts';
import type { ServerOptions } from '../server/options.ts';
import { DEFAULT_OPTIONS } from '../server/options.ts';
import { defaultConcurrency } from './cpu-count.ts';
import { OPTIONS } from './option-table.ts';
import type { ParsedOptions } from './tclap.ts';

/** A value that the command line may not have; the message is printed and the exit code is 1. */
export class MalformedArgvError extends Error {}

/** What the command line means, with everything that must be said about it. */
export interface ResolvedOptions {
  readonly options: ServerOptions;
  readonly warnings: readonly string[];
  /** `--hot-restart-version` was given: print this and exit 0. */
  readonly hotRestartVersion: string | null;
}

/** Envoy draws from the same range. */
const MAX_DYNAMIC_BASE_ID = 0x1000_0000;

/** Turns parsed arguments into options; checks in Envoy's order and with its texts. Throws MalformedArgvError. */
export function resolveOptions(given: ParsedOptions): ResolvedOptions {
  const text = (name: string, fallback = ''): string => {
    const value = given.get(name);
    return typeof value === 'string' ? value : fallback;
  };
  const number = (name: string, fallback: number): number => Number(text(name, String(fallback)));
  const on = (name: string): boolean => given.get(name) === true;

  const logLevel = given.has('log-level') ? level(text('log-level')) : LOG_INFO;
  if (on('enable-fine-grain-logging') && text('component-log-level') !== '') {
    throw new MalformedArgvError('error: --component-log-level will not work with --enable-fine-grain-logging');
  }
  const componentLogLevels = componentLevels(text('component-log-level'));
  const mode = text('mode', 'serve');
  if (mode !== 'serve' && mode !== 'validate' && mode !== 'init_only') {
    throw new MalformedArgvError(`error: unknown mode '${mode}'`);
  }
  const ipVersion = text('local-address-ip-version', 'v4');
  if (ipVersion !== 'v4' && ipVersion !== 'v6') throw new MalformedArgvError(`error: unknown IP address version '${ipVersion}'`);
  const restartEpoch = number('restart-epoch', 0);
  if (on('use-dynamic-base-id') && restartEpoch > 0) {
    throw new MalformedArgvError(`error: cannot use --restart-epoch=${restartEpoch} with --use-dynamic-base-id`);
  }
  const socketPath = text('socket-path', DEFAULT_OPTIONS.socketPath);
  const drainStrategy = text('drain-strategy', 'gradual');
  const socketMode = parseSocketMode(socketPath, text('socket-mode', '600'));
  // Envoy names the mode here instead of the strategy; that is a slip, not a text to keep.
  if (drainStrategy !== 'gradual' && drainStrategy !== 'immediate') {
    throw new MalformedArgvError(`error: unknown drain-strategy '${drainStrategy}'`);
  }
  const tags = given.get('stats-tag');
  const options: ServerOptions = {
    configPath: text('config-path'),
    configYaml: text('config-yaml'),
    mode,
    concurrency: given.has('concurrency') ? Math.max(1, number('concurrency', 1)) : defaultConcurrency(on('cpuset-threads')),
    cpusetThreads: on('cpuset-threads'),
    baseId: on('use-dynamic-base-id') ? crypto().randomInt(MAX_DYNAMIC_BASE_ID) : number('base-id', 0),
    useDynamicBaseId: on('use-dynamic-base-id'),
    baseIdPath: text('base-id-path'),
    restartEpoch,
    skipHotRestartOnNoParent: on('skip-hot-restart-on-no-parent'),
    skipHotRestartParentStats: on('skip-hot-restart-parent-stats'),
    disableHotRestart: on('disable-hot-restart'),
    socketPath,
    socketMode,
    allowUnknownStaticFields: on('allow-unknown-static-fields') || on('allow-unknown-fields'),
    rejectUnknownDynamicFields: on('reject-unknown-dynamic-fields'),
    ignoreUnknownDynamicFields: on('ignore-unknown-dynamic-fields'),
    skipDeprecatedLogs: on('skip-deprecated-logs'),
    adminAddressPath: text('admin-address-path'),
    localAddressIpVersion: ipVersion,
    logLevel,
    componentLogLevel: text('component-log-level'),
    componentLogLevels,
    logFormat: text('log-format', DEFAULT_OPTIONS.logFormat),
    logFormatSet: given.has('log-format'),
    logFormatEscaped: on('log-format-escaped'),
    logStacktraceSingleEntry: on('log-stacktrace-single-entry'),
    enableFineGrainLogging: on('enable-fine-grain-logging'),
    logPath: text('log-path'),
    serviceCluster: text('service-cluster'),
    serviceNode: text('service-node'),
    serviceZone: text('service-zone'),
    fileFlushIntervalMsec: number('file-flush-interval-msec', DEFAULT_OPTIONS.fileFlushIntervalMsec),
    fileFlushMinSizeKb: number('file-flush-min-size-kb', DEFAULT_OPTIONS.fileFlushMinSizeKb),
    drainTimeS: number('drain-time-s', DEFAULT_OPTIONS.drainTimeS),
    drainStrategy,
    parentShutdownTimeS: number('parent-shutdown-time-s', DEFAULT_OPTIONS.parentShutdownTimeS),
    shutdownGraceS: number('shutdown-grace-s', DEFAULT_OPTIONS.shutdownGraceS),
    enableMutexTracing: on('enable-mutex-tracing'),
    enableCoreDump: on('enable-core-dump'),
    disabledExtensions: text('disable-extensions') === '' ? [] : text('disable-extensions').split(','),
    statsTags: Array.isArray(tags) ? tags.map(statsTag) : [],
  };
  return {
    options,
    warnings: warnings(given),
    hotRestartVersion: on('hot-restart-version') ? 'disabled' : null,
  };
}

function level(name: string): LogLevel {
  const found = parseLogLevel(name);
  if (found === undefined) throw new MalformedArgvError(`error: invalid log level specified '${name}'`);
  return found;
}

function componentLevels(text: string): [string, LogLevel][] {
  if (text === '') return [];
  return text.split(',').map((each) => {
    const parts = each.split(':');
    if (parts.length !== 2) throw new MalformedArgvError(`error: component log level not correctly specified '${each}'`);
    const found = level(parts[1]);
    if (!LOG_COMPONENTS.includes(parts[0])) throw new MalformedArgvError(`error: invalid component specified '${parts[0]}'`);
    return [parts[0], found];
  });
}

/** Octal; an abstract socket (`@…`) has none. */
function parseSocketMode(path: string, text: string): number {
  if (path.startsWith('@')) return 0;
  if (!/^[0-7]+$/.test(text)) throw new MalformedArgvError(`error: invalid socket-mode '${text}'`);
  return Number.parseInt(text, 8);
}

function statsTag(text: string): [string, string] {
  const colon = text.indexOf(':');
  if (colon < 0) throw new MalformedArgvError(`error: misformatted stats-tag '${text}'`);
  const name = text.slice(0, colon);
  const value = text.slice(colon + 1);
  if (!/^\w+$/.test(name)) {
    throw new MalformedArgvError(`error: misformatted stats-tag '${text}' contains invalid char in '${name}'`);
  }
  if (!/^[^.]+$/.test(value)) {
    throw new MalformedArgvError(`error: misformatted stats-tag '${text}' contains invalid char in '${value}'`);
  }
  return [name, value];
}

function warnings(given: ParsedOptions): string[] {
  const list: string[] = [];
  if (given.has('allow-unknown-fields') && !given.has('skip-deprecated-logs')) {
    list.push('--allow-unknown-fields is deprecated, use --allow-unknown-static-fields instead.');
  }
  if (given.has('concurrency') && given.has('cpuset-threads')) {
    list.push('Both --concurrency and --cpuset-threads options are set; not applying --cpuset-threads.');
  }
  for (const spec of OPTIONS) {
    if (spec.difference !== '' && given.has(spec.name)) list.push(`--${spec.name}: ${spec.difference}`);
  }
  return list;
}
