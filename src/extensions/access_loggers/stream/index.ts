import { FormattedAccessLog } from '../../../common/access-log/formatted-access-log.ts';
import type { AccessLogFactory } from '../../../contract/extension.ts';
import { STDERR_ACCESS_LOG, stderrFormatter, STDOUT_ACCESS_LOG, stdoutFormatter } from './config.ts';

export const stdoutAccessLog: AccessLogFactory = {
  name: 'envoy.access_loggers.stdout',
  category: 'envoy.access_loggers',
  configTypes: [STDOUT_ACCESS_LOG],
  status: 'works',

  create: (config, filter, context) =>
    new FormattedAccessLog(filter, stdoutFormatter(config), context.accessLogFiles.open('/dev/stdout')),
};

export const stderrAccessLog: AccessLogFactory = {
  name: 'envoy.access_loggers.stderr',
  category: 'envoy.access_loggers',
  configTypes: [STDERR_ACCESS_LOG],
  status: 'works',

  create: (config, filter, context) =>
    new FormattedAccessLog(filter, stderrFormatter(config), context.accessLogFiles.open('/dev/stderr')),
};
