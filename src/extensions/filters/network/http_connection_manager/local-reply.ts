import type { SubstitutionFormatString } from '#api/envoy/config/core/v3/substitution_format_string_pb.js';
import type {
  LocalReplyConfig, ResponseMapper,
} from '#api/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import { readDataSourceBytes } from '../../../../common/data-source.ts';
import { buildFormatter } from '../../../../common/formatter/formatter.ts';
import { buildHeaderParser } from '../../../../common/header-parser.ts';
import { ConfigError, configAt } from '../../../../contract/errors.ts';
import type { FactoryContext } from '../../../../contract/extension.ts';
import { buildAccessLogFilter } from '../../../../core/access-log/access-log-filters.ts';
import { LocalReply } from '../../../../core/http/local-reply.ts';
import type { LocalReplyFormat, LocalReplyMapper } from '../../../../core/http/local-reply.ts';

/** `local_reply_config`; unset = replies as they are. */
export function buildLocalReply(config: LocalReplyConfig | undefined, context: FactoryContext): LocalReply {
  if (config === undefined) return new LocalReply([], null);
  return configAt('local_reply_config', () => {
    const mappers = config.mappers.map((mapper, i) => configAt(`mappers[${i}]`, () => buildMapper(mapper, context)));
    return new LocalReply(mappers, buildFormat(config.bodyFormat, 'body_format'));
  });
}

function buildMapper(mapper: ResponseMapper, context: FactoryContext): LocalReplyMapper {
  const filterMessage = mapper.filter;
  if (filterMessage === undefined) throw new ConfigError('a filter is required', { path: 'filter' });
  const body = mapper.body;
  const parser = configAt('headers_to_add', () => buildHeaderParser(mapper.headersToAdd, [], 'response_headers'));
  return {
    filter: configAt('filter', () => buildAccessLogFilter(filterMessage, context)),
    status: mapper.statusCode ?? -1,
    body: body === undefined ? null : configAt('body', () => readDataSourceBytes(body, { allowEmpty: true }).toString('latin1')),
    format: buildFormat(mapper.bodyFormatOverride, 'body_format_override'),
    headers: parser === null ? null : { apply: (headers, logContext) => parser.evaluate(headers, logContext) },
  };
}

function buildFormat(message: SubstitutionFormatString | undefined, path: string): LocalReplyFormat | null {
  if (message === undefined) return null;
  const formatter = configAt(path, () => buildFormatter(message));
  const fallback = message.format.case === 'jsonFormat' ? 'application/json' : 'text/plain';
  return { formatter, contentType: message.contentType === '' ? fallback : message.contentType };
}
