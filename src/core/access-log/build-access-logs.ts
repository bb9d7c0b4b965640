import type { AccessLog as AccessLogMessage } from '#api/envoy/config/accesslog/v3/accesslog_pb.js';
import type { AccessLog } from '../../contract/access-log.ts';
import { ConfigError, configAt } from '../../contract/errors.ts';
import type { FactoryContext } from '../../contract/extension.ts';
import { buildAccessLogFilter } from './access-log-filters.ts';

/** Builds `access_log` of a connection manager, tcp_proxy, listener, router or admin. Paths of errors begin at the list. */
export function buildAccessLogs(messages: readonly AccessLogMessage[], context: FactoryContext): readonly AccessLog[] {
  return messages.map((message, i) => configAt(`[${i}]`, () => buildAccessLog(message, context)));
}

function buildAccessLog(message: AccessLogMessage, context: FactoryContext): AccessLog {
  const filterMessage = message.filter;
  const filter = filterMessage === undefined ? null : configAt('filter', () => buildAccessLogFilter(filterMessage, context));
  const any = message.configType.value;
  const factory = context.registry.accessLog(any, message.name);
  if (any === undefined) throw new ConfigError(`Didn't find a registered implementation for '${message.name}' with type URL: ''`);
  const config = context.messages.unpack(any, 'typed_config');
  return configAt('typed_config', () => factory.create(config, filter, context));
}
