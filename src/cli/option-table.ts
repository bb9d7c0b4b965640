/**
 * Every command-line option of Envoy 1.40, in Envoy's order of declaration (usage prints it in reverse, as TCLAP does), and
 * nuncio's own at the end.
 */
export interface OptionSpec {
  /** Name without dashes. */
  readonly name: string;
  /** One letter, or empty. */
  readonly short: string;
  readonly kind: 'string' | 'uint32_t' | 'switch' | 'multi';
  readonly help: string;
  /** How nuncio differs when the option is given; printed as a warning. Empty when the meaning is Envoy's. */
  readonly difference: string;
}

function value(name: string, kind: 'string' | 'uint32_t', help: string, difference = '', short = ''): OptionSpec {
  return { name, short, kind, help, difference };
}

function flag(name: string, help: string, difference = ''): OptionSpec {
  return { name, short: '', kind: 'switch', help, difference };
}

const NO_HOT_RESTART = 'nuncio has no hot restart; the option has no effect';

export const OPTIONS: readonly OptionSpec[] = [
  value('base-id', 'uint32_t', 'tells apart the processes of one machine'),
  flag('use-dynamic-base-id', 'picks a free base id; not together with a restart epoch above 0'),
  flag('skip-hot-restart-on-no-parent', 'starts even when the process to take over from is gone', NO_HOT_RESTART),
  flag('skip-hot-restart-parent-stats', 'does not take over the statistics of the process before', NO_HOT_RESTART),
  value('base-id-path', 'string', 'file that the base id is written to'),
  value('concurrency', 'uint32_t', 'how many worker threads; by default one per hardware thread that the process may use'),
  value('config-path', 'string', 'configuration file: .yaml, .yml, .json, .pb or .pb_text', '', 'c'),
  value('config-yaml', 'string', 'configuration as YAML text, merged over the file of --config-path'),
  flag('allow-unknown-fields', 'old name of --allow-unknown-static-fields'),
  flag('allow-unknown-static-fields', 'warns of fields that the static configuration should not have, instead of refusing them'),
  flag('reject-unknown-dynamic-fields', 'refuses resources of a control plane that have unknown fields', 'there is no dynamic configuration in nuncio yet'),
  flag('ignore-unknown-dynamic-fields', 'accepts unknown fields from a control plane without a word', 'there is no dynamic configuration in nuncio yet'),
  flag('skip-deprecated-logs', 'says nothing about deprecated fields'),
  flag('log-stacktrace-single-entry', 'writes a stack trace as one log entry', 'a stack trace is one log entry with and without it'),
  value('admin-address-path', 'string', 'file that the address of the admin interface is written to'),
  value('local-address-ip-version', 'string', 'v4 or v6: the kind of address that the node calls its own'),
  value('log-level', 'string', 'how much is logged: trace, debug, info (default), warning or warn, error, critical, off', '', 'l'),
  value('component-log-level', 'string', 'levels for single components, such as upstream:debug,config:trace'),
  value('log-format', 'string', 'format of a log line, in the notation of spdlog; by default [%Y-%m-%d %T.%e][%t][%l][%n] [%g:%#] %v'),
  flag('log-format-escaped', 'writes line breaks and other control characters of log messages as escapes'),
  flag('enable-fine-grain-logging', 'log levels for each source file', 'log levels are kept for each component, not for each source file'),
  value('log-path', 'string', 'file for the log, opened again on SIGUSR1; by default standard error'),
  value('restart-epoch', 'uint32_t', 'how many times the process has been replaced by a hot restart', NO_HOT_RESTART),
  flag('hot-restart-version', 'prints the version of the hot restart protocol'),
  value('service-cluster', 'string', 'cluster of this node, over the one in the configuration'),
  value('service-node', 'string', 'id of this node, over the one in the configuration'),
  value('service-zone', 'string', 'zone of this node, over the one in the configuration'),
  value('file-flush-interval-msec', 'uint32_t', 'milliseconds after which access logs are written out (default 10000)'),
  value('file-flush-min-size-kb', 'uint32_t', 'KiB of access log that are written out at once (default 64)'),
  value('drain-time-s', 'uint32_t', 'seconds that a drain is spread over (default 600)'),
  value('drain-strategy', 'string', 'gradual (default): more and more connections are closed during a drain; immediate: all at once'),
  value('parent-shutdown-time-s', 'uint32_t', 'seconds after which a replaced process ends (default 900)', NO_HOT_RESTART),
  value('mode', 'string', 'serve (default), validate (say whether the configuration is good, and exit) or init_only (load everything, and exit)'),
  flag('disable-hot-restart', 'no hot restart'),
  flag('enable-mutex-tracing', 'measures waiting for locks', 'there are no mutexes to trace; /contention says so'),
  flag('cpuset-threads', 'as many worker threads as the cpuset has processors, unless --concurrency says otherwise'),
  value('disable-extensions', 'string', 'extensions that must not be used, as category/name,category/name'),
  value('socket-path', 'string', 'socket of the hot restart', NO_HOT_RESTART),
  value('socket-mode', 'string', 'permissions of that socket', NO_HOT_RESTART),
  flag('enable-core-dump', 'lets a crash leave a core file', 'a limit on core files is set by the shell (ulimit -c), not by nuncio'),
  {
    name: 'stats-tag',
    short: '',
    kind: 'multi',
    help: 'a tag for all statistics, as name:value; may be given several times',
    difference: '',
  },
  value('shutdown-grace-s', 'uint32_t', 'nuncio only: seconds that SIGTERM and SIGINT leave to requests in flight before the process exits (default 10); 0 stops at once, as Envoy does'),
];
