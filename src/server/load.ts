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
