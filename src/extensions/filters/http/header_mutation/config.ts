import type { Message } from '@bufbuild/protobuf';
import type { KeyValueMutation } from '#api/envoy/config/core/v3/base_pb.js';
import type {
  HeaderMutation, HeaderMutationPerRoute, Mutations as MutationsMessage,
} from '#api/envoy/extensions/filters/http/header_mutation/v3/header_mutation_pb.js';
import { toByteString } from '../../../../common/byte-string.ts';
import { TextFormatter } from '../../../../common/formatter/formatter.ts';
import { HeaderMutations } from '../../../../common/header-mutations.ts';
import { ADD_IF_ABSENT, APPEND_IF_EXISTS_OR_ADD, OVERWRITE_IF_EXISTS } from '../../../../common/header-value.ts';
import {
  INLINE_REQUEST_HEADERS, INLINE_REQUEST_TRAILERS, INLINE_RESPONSE_HEADERS, INLINE_RESPONSE_TRAILERS,
} from '../../../../common/http/inline-headers.ts';
import { QueryParams } from '../../../../common/http/query-params.ts';
import { notYet } from '../../../../common/not-yet.ts';
import type { Formatter, LogContext } from '../../../../contract/access-log.ts';
import { ConfigError, configAt } from '../../../../contract/errors.ts';
import type { HeaderMap } from '../../../../contract/header-map.ts';
import { expectMessage } from '../../../../contract/message.ts';

export const HEADER_MUTATION = 'envoy.extensions.filters.http.header_mutation.v3.HeaderMutation';
export const HEADER_MUTATION_PER_ROUTE = 'envoy.extensions.filters.http.header_mutation.v3.HeaderMutationPerRoute';

interface QueryMutation {
  apply(params: QueryParams, context: LogContext): void;
}

/** All mutations of one level. */
export class Mutations {
  readonly requestHeaders: HeaderMutations;
  readonly responseHeaders: HeaderMutations;
  readonly requestTrailers: HeaderMutations;
  readonly responseTrailers: HeaderMutations;
  private readonly query: readonly QueryMutation[];

  constructor(message: MutationsMessage | undefined) {
    const formatter = message?.formatters[0];
    if (formatter !== undefined) throw notYet(`formatter extension '${formatter.name}'`, 'formatters[0]');
    this.requestHeaders = new HeaderMutations(message?.requestMutations ?? [], 'request_mutations', INLINE_REQUEST_HEADERS);
    this.responseHeaders = new HeaderMutations(message?.responseMutations ?? [], 'response_mutations', INLINE_RESPONSE_HEADERS);
    this.requestTrailers = new HeaderMutations(message?.requestTrailersMutations ?? [], 'request_trailers_mutations', INLINE_REQUEST_TRAILERS);
    this.responseTrailers = new HeaderMutations(message?.responseTrailersMutations ?? [], 'response_trailers_mutations', INLINE_RESPONSE_TRAILERS);
    this.query = (message?.queryParameterMutations ?? []).map((each, i) =>
      configAt(`query_parameter_mutations[${i}]`, () => queryMutation(each)));
  }

  mutateRequest(headers: HeaderMap, context: LogContext): void {
    this.requestHeaders.evaluate(headers, context);
    if (this.query.length === 0) return;
    const path = headers.get(':path');
    if (path === undefined) return;
    const params = QueryParams.parse(path, true);
    for (let i = 0; i < this.query.length; i++) this.query[i].apply(params, context);
    headers.set(':path', params.replaceQuery(path));
  }
}

export interface HeaderMutationConfig {
  readonly mutations: Mutations;
  readonly mostSpecificWins: boolean;
}

export function headerMutationConfig(config: Message): HeaderMutationConfig {
  const message = expectMessage<HeaderMutation>(config, HEADER_MUTATION);
  const mutations = configAt('mutations', () => new Mutations(message.mutations));
  return Object.freeze({ mutations, mostSpecificWins: message.mostSpecificHeaderMutationsWins });
}

export function headerMutationPerRoute(config: Message): Mutations {
  const message = expectMessage<HeaderMutationPerRoute>(config, HEADER_MUTATION_PER_ROUTE);
  return configAt('mutations', () => new Mutations(message.mutations));
}

function queryMutation(message: KeyValueMutation): QueryMutation {
  const append = message.append;
  if (append === undefined) {
    if (message.remove === '') throw new ConfigError("One of 'append'/'remove' must be specified.");
    const name = toByteString(message.remove);
    return { apply: (params) => params.remove(name) };
  }
  if (message.remove !== '') throw new ConfigError("Only one of 'append'/'remove can be specified.");
  if (append.entry !== undefined) throw notYet('envoy.config.core.v3.KeyValueAppend.entry', 'append.entry');
  const record = append.record;
  if (record === undefined) throw new ConfigError('No record specified for append mutation.', { path: 'append' });
  const value = record.value?.kind;
  if (value?.case !== 'stringValue') {
    throw new ConfigError('Only string value is allowed for record value.', { path: 'append.record.value' });
  }
  const formatter = configAt('append.record.value', () => new TextFormatter(value.value, true));
  return new QueryAppend(toByteString(record.key), formatter, append.action);
}

class QueryAppend implements QueryMutation {
  private readonly key: string;
  private readonly formatter: Formatter;
  /** KeyValueAppend.KeyValueAppendAction: the same numbers as a header's append action. */
  private readonly action: number;

  constructor(key: string, formatter: Formatter, action: number) {
    this.key = key;
    this.formatter = formatter;
    this.action = action;
  }

  apply(params: QueryParams, context: LogContext): void {
    const exists = params.has(this.key);
    if (this.action === ADD_IF_ABSENT && exists) return;
    if (this.action === OVERWRITE_IF_EXISTS && !exists) return;
    const value = this.formatter.format(context);
    if (this.action === APPEND_IF_EXISTS_OR_ADD || this.action === ADD_IF_ABSENT) params.add(this.key, value);
    else params.overwrite(this.key, value);
  }
}
