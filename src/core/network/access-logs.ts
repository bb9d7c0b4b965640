import type { AccessLog as AccessLogMessage } from '#api/envoy/config/accesslog/v3/accesslog_pb.js';
import { notYet } from '../../common/not-yet.ts';
import type { AccessLog } from '../../contract/access-log.ts';
import { configAt } from '../../contract/errors.ts';
import type { FactoryContext } from '../../contract/extension.ts';

/** Builds the access logs of a listener or network filter, in order. */
export function buildAccessLogs(messages: readonly AccessLogMessage[], context: FactoryContext): AccessLog[] {
  return messages.map((message, i) =>
    configAt(`[${i}]`, () => {
      if (message.filter !== undefined) throw notYet('AccessLogFilter', 'filter');
      const any = message.configType.value;
      const factory = context.registry.accessLog(any, message.name);
      if (any === undefined) throw notYet(`access log ${message.name} without typed_config`);
      return factory.create(context.messages.unpack(any, 'typed_config'), null, context);
    }),
  );
}
