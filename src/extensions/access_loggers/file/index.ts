import { FormattedAccessLog } from '../../../common/access-log/formatted-access-log.ts';
import type { AccessLogFactory } from '../../../contract/extension.ts';
import { FILE_ACCESS_LOG, fileAccessLogConfig } from './config.ts';

export const fileAccessLog: AccessLogFactory = {
  name: 'envoy.access_loggers.file',
  category: 'envoy.access_loggers',
  configTypes: [FILE_ACCESS_LOG],
  status: 'works',

  create(config, filter, context) {
    const { path, formatter } = fileAccessLogConfig(config);
    return new FormattedAccessLog(filter, formatter, context.accessLogFiles.open(path));
  },
};
