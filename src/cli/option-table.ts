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
  value('base-id', 'uint32_t', 'Base ID so that multiple envoys can run on the same host if needed'),
  flag('use-dynamic-base-id', 'The server chooses a base ID dynamically. Supersedes a static base ID. May not be used when the restart epoch is non-zero.'),
  flag('skip-hot-restart-on-no-parent', "When hot restarting with epoch>0, the default behavior is for the child to crash if the connection to the parent cannot be established. Set this to true to instead continue with a regular startup, while retaining the new epoch value."),
  flag('skip-hot-restart-parent-stats', 'When hot restarting, by default the child instance copies stats from the parent instance periodically during the draining period. This can potentially be an expensive operation; set this to true to reset all stats in child process.'),
  value('base-id-path', 'string', 'Path to which the base ID is written'),
  value('concurrency', 'uint32_t', '# of worker threads to run'),
  value('config-path', 'string', 'Path to configuration file', '', 'c'),
  value('config-yaml', 'string', 'Inline YAML configuration, merges with the contents of --config-path'),
  flag('allow-unknown-fields', 'Allow unknown fields in static configuration (DEPRECATED)'),
  flag('allow-unknown-static-fields', 'Allow unknown fields in static configuration'),
  flag('reject-unknown-dynamic-fields', 'Reject unknown fields in dynamic configuration'),
  flag('ignore-unknown-dynamic-fields', 'Ignore unknown fields in dynamic configuration'),
  flag('skip-deprecated-logs', 'Skips the logging of deprecated field warnings during Protobuf message validation'),
  flag('log-stacktrace-single-entry', 'Emit the entire stack trace in a single log entry instead of one log call per frame. Useful for log aggregation systems.'),
  value('admin-address-path', 'string', 'Admin address path'),
  value('local-address-ip-version', 'string', 'The local IP address version (v4 or v6).'),
  value('log-level', 'string', 'Log levels: [trace][debug][info][warning|warn][error][critical][off]\nDefault is [info]', '', 'l'),
  value('component-log-level', 'string', 'Comma-separated list of component log levels. For example upstream:debug,config:trace'),
  value('log-format', 'string', 'Log message format in spdlog syntax (see https://github.com/gabime/spdlog/wiki/3.-Custom-formatting)\nDefault is "[%Y-%m-%d %T.%e][%t][%l][%n] [%g:%#] %v"'),
  flag('log-format-escaped', 'Escape c-style escape sequences in the application logs'),
  flag('enable-fine-grain-logging', 'Logger mode: enable file level log control (Fine-Grain Logger) or not', 'log levels are kept for each component, not for each source file'),
  value('log-path', 'string', 'Path to logfile'),
  value('restart-epoch', 'uint32_t', 'Hot restart epoch #', NO_HOT_RESTART),
  flag('hot-restart-version', 'Hot restart compatibility version'),
  value('service-cluster', 'string', 'Cluster name'),
  value('service-node', 'string', 'Node name'),
  value('service-zone', 'string', 'Zone name'),
  value('file-flush-interval-msec', 'uint32_t', 'Interval for log flushing in msec'),
  value('file-flush-min-size-kb', 'uint32_t', 'Minimum size in KB for log flushing'),
  value('drain-time-s', 'uint32_t', 'Hot restart and LDS removal drain time in seconds'),
  value('drain-strategy', 'string', "Hot restart drain sequence behaviour, one of 'gradual' (default) or 'immediate'."),
  value('parent-shutdown-time-s', 'uint32_t', 'Hot restart parent shutdown time in seconds'),
  value('mode', 'string', "One of 'serve' (default; validate configs and then serve traffic normally) or 'validate' (validate configs and exit)."),
  flag('disable-hot-restart', 'Disable hot restart functionality'),
  flag('enable-mutex-tracing', 'Enable mutex contention tracing functionality', 'there are no mutexes to trace; /contention says so'),
  flag('cpuset-threads', 'Get the default # of worker threads from cpuset size'),
  value('disable-extensions', 'string', 'Comma-separated list of extensions to disable'),
  value('socket-path', 'string', 'Path to hot restart socket file', NO_HOT_RESTART),
  value('socket-mode', 'string', 'Socket file permission', NO_HOT_RESTART),
  flag('enable-core-dump', 'Enable core dumps', 'a limit on core files is set by the shell (ulimit -c), not by nuncio'),
  {
    name: 'stats-tag',
    short: '',
    kind: 'multi',
    help: 'This flag provides a universal tag for all stats generated by Envoy. The format is ``tag:value``. Only alphanumeric values are allowed for tag names. For tag values all characters are permitted except for \'.\' (dot). This flag can be repeated multiple times to set multiple universal tags. Multiple values for the same tag name are not allowed.',
    difference: '',
  },
  value('shutdown-grace-s', 'uint32_t', 'nuncio only: seconds that SIGTERM and SIGINT leave to requests in flight before the process exits (default 10); 0 stops at once, as Envoy does'),
];
