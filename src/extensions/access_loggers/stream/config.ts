import type { Message } from '@bufbuild/protobuf';
import type { StderrAccessLog, StdoutAccessLog } from '#api/envoy/extensions/access_loggers/stream/v3/stream_pb.js';
import { buildFormatter, DEFAULT_ACCESS_LOG_FORMAT, TextFormatter } from '../../../common/formatter/formatter.ts';
import type { Formatter } from '../../../contract/access-log.ts';
import { configAt } from '../../../contract/errors.ts';
import { expectMessage } from '../../../contract/message.ts';

export const STDOUT_ACCESS_LOG = 'envoy.extensions.access_loggers.stream.v3.StdoutAccessLog';
export const STDERR_ACCESS_LOG = 'envoy.extensions.access_loggers.stream.v3.StderrAccessLog';

export function stdoutFormatter(config: Message): Formatter {
  return formatterOf(expectMessage<StdoutAccessLog>(config, STDOUT_ACCESS_LOG));
}

export function stderrFormatter(config: Message): Formatter {
  return formatterOf(expectMessage<StderrAccessLog>(config, STDERR_ACCESS_LOG));
}

function formatterOf(message: StdoutAccessLog | StderrAccessLog): Formatter {
  const format = message.accessLogFormat;
  if (format.case !== 'logFormat') return new TextFormatter(DEFAULT_ACCESS_LOG_FORMAT, false);
  return configAt('log_format', () => buildFormatter(format.value));
}
