import type { Bootstrap } from '#api/envoy/config/bootstrap/v3/bootstrap_pb.js';
import { ConfigError } from '../contract/errors.ts';
import type { ServerOptions } from './options.ts';

/** Pattern of `application_log_config`, or null when there is none. Throws ConfigError. */
export function applicationLogFormat(bootstrap: Bootstrap, options: ServerOptions): string | null {
  const format = bootstrap.applicationLogConfig?.logFormat?.logFormat;
  if (format?.case === undefined) return null;
  const path = 'application_log_config.log_format';
  if (options.logFormatSet) {
    throw new ConfigError('Only one of ApplicationLogConfig.log_format or CLI option --log-format can be specified.', { path });
  }
  if (format.case === 'textFormat') return format.value;
  const json = JSON.stringify(format.value);
  for (const flag of ['%v', '%_']) {
    if (json.includes(flag)) {
      throw new ConfigError(`setJsonLogFormat error: INVALID_ARGUMENT: Usage of ${flag} is unavailable for JSON log formats`, { path });
    }
  }
  return json;
}
