import type { Message } from '@bufbuild/protobuf';
import type { FileAccessLog } from '#api/envoy/extensions/access_loggers/file/v3/file_pb.js';
import { buildFormatter, DEFAULT_ACCESS_LOG_FORMAT, JsonFormatter, TextFormatter } from '../../../common/formatter/formatter.ts';
import type { Formatter } from '../../../contract/access-log.ts';
import { ConfigError, configAt } from '../../../contract/errors.ts';
import { expectMessage } from '../../../contract/message.ts';

export const FILE_ACCESS_LOG = 'envoy.extensions.access_loggers.file.v3.FileAccessLog';

export interface FileAccessLogConfig {
  readonly path: string;
  readonly formatter: Formatter;
}

export function fileAccessLogConfig(config: Message): FileAccessLogConfig {
  const message = expectMessage<FileAccessLog>(config, FILE_ACCESS_LOG);
  if (message.path === '') throw new ConfigError('a path is required', { path: 'path' });
  return Object.freeze({ path: message.path, formatter: formatterOf(message.accessLogFormat) });
}

function formatterOf(format: FileAccessLog['accessLogFormat']): Formatter {
  switch (format.case) {
    case 'format': return configAt('format', () => new TextFormatter(format.value || DEFAULT_ACCESS_LOG_FORMAT, false));
    case 'jsonFormat': return configAt('json_format', () => new JsonFormatter(format.value));
    case 'typedJsonFormat': return configAt('typed_json_format', () => new JsonFormatter(format.value));
    case 'logFormat': return configAt('log_format', () => buildFormatter(format.value));
    default: return new TextFormatter(DEFAULT_ACCESS_LOG_FORMAT, false);
  }
}
