import type {
  AccessLogFilter as AccessLogFilterMessage, ComparisonFilter, GrpcStatusFilter, LogTypeFilter, MetadataFilter, ResponseFlagFilter, RuntimeFilter,
} from '#api/envoy/config/accesslog/v3/accesslog_pb.js';
import { GRPC_UNKNOWN, grpcStatusOf } from '../../common/grpc/status.ts';
import { buildHeaderMatcher } from '../../common/matchers/header-matcher.ts';
import { buildValueMatcher, metadataValue } from '../../common/matchers/value-matcher.ts';
import { notYet } from '../../common/not-yet.ts';
import { fractionalPercent } from '../../common/runtime-fraction.ts';
import { ACCESS_LOG_TYPES } from '../../contract/access-log.ts';
import type { AccessLogFilter, LogContext } from '../../contract/access-log.ts';
import { ConfigError, configAt } from '../../contract/errors.ts';
import type { FactoryContext } from '../../contract/extension.ts';
import { HeaderMap } from '../../contract/header-map.ts';
import { TRACE_SERVICE_FORCED } from '../http/request-id.ts';
import { RESPONSE_FLAGS } from '../../contract/response-flags.ts';

/** Nesting of and/or filters. */
const MAX_DEPTH = 32;
const NO_HEADERS = new HeaderMap();

/** envoy.config.accesslog.v3.AccessLogFilter. */
export function buildAccessLogFilter(message: AccessLogFilterMessage, context: FactoryContext, depth = 0): AccessLogFilter {
  if (depth > MAX_DEPTH) throw new ConfigError(`filters are nested more than ${MAX_DEPTH} deep`);
  const filter = message.filterSpecifier;
  switch (filter.case) {
    case 'statusCodeFilter': {
      const compare = comparison(filter.value.comparison, context, 'status_code_filter');
      return { evaluate: (log) => compare(log.streamInfo.responseCode) };
    }
    case 'durationFilter': {
      const compare = comparison(filter.value.comparison, context, 'duration_filter');
      return { evaluate: (log) => compare(elapsedMs(log)) };
    }
    case 'notHealthCheckFilter': return { evaluate: (log) => !log.streamInfo.healthCheck };
    case 'traceableFilter': return { evaluate: (log) => !log.streamInfo.healthCheck && log.streamInfo.traceReason === TRACE_SERVICE_FORCED };
    case 'runtimeFilter': return runtimeFilter(filter.value, context);
    case 'andFilter': {
      const parts = several(filter.value.filters, 'and_filter', context, depth);
      return { evaluate: (log) => parts.every((each) => each.evaluate(log)) };
    }
    case 'orFilter': {
      const parts = several(filter.value.filters, 'or_filter', context, depth);
      return { evaluate: (log) => parts.some((each) => each.evaluate(log)) };
    }
    case 'headerFilter': {
      const header = filter.value.header;
      if (header === undefined) throw new ConfigError('value is required', { path: 'header_filter.header' });
      const matcher = configAt('header_filter.header', () => buildHeaderMatcher(header));
      return { evaluate: (log) => matcher.matches(log.requestHeaders ?? NO_HEADERS) };
    }
    case 'responseFlagFilter': return configAt('response_flag_filter', () => responseFlagFilter(filter.value));
    case 'grpcStatusFilter': return grpcStatusFilter(filter.value);
    case 'logTypeFilter': return logTypeFilter(filter.value);
    case 'metadataFilter': return configAt('metadata_filter', () => metadataFilter(filter.value));
    case 'extensionFilter': {
      const any = filter.value.configType.value;
      if (any === undefined) throw new ConfigError(`Didn't find a registered implementation for '${filter.value.name}' with type URL: ''`);
      throw notYet(any.typeUrl.slice(any.typeUrl.lastIndexOf('/') + 1), 'extension_filter');
    }
    default: throw new ConfigError('an access log filter needs a specifier');
  }
}

function several(messages: readonly AccessLogFilterMessage[], path: string, context: FactoryContext, depth: number): AccessLogFilter[] {
  return messages.map((each, i) => configAt(`${path}.filters[${i}]`, () => buildAccessLogFilter(each, context, depth + 1)));
}

function elapsedMs(log: LogContext): number {
  const end = log.streamInfo.requestComplete;
  return Math.trunc((end === end ? end : log.now) - log.streamInfo.startTime);
}

/** ComparisonFilter.Op: EQ, GE, LE, NE. */
const OPERATORS: readonly ((value: number, limit: number) => boolean)[] = [
  (value, limit) => value === limit, (value, limit) => value >= limit, (value, limit) => value <= limit, (value, limit) => value !== limit,
];

function comparison(message: ComparisonFilter | undefined, context: FactoryContext, path: string): (value: number) => boolean {
  const wanted = message?.value;
  if (message === undefined || wanted === undefined) throw new ConfigError('value is required', { path: `${path}.comparison` });
  const compare = OPERATORS[message.op];
  const { runtimeKey, defaultValue } = wanted;
  if (runtimeKey === '') return (value) => compare(value, defaultValue);
  return (value) => compare(value, context.runtime.snapshot().getInteger(runtimeKey, defaultValue));
}

/**
 * Samples. Unless independent, the same request is in or out of every log: the number is made of the first eight digits of the request id,
 * as Envoy does.
 */
function runtimeFilter(message: RuntimeFilter, context: FactoryContext): AccessLogFilter {
  const percent = fractionalPercent(message.percentSampled);
  const { random } = context.dispatcher;
  const { runtimeKey, useIndependentRandomness } = message;
  return {
    evaluate: (log) => {
      const stable = useIndependentRandomness ? NaN : parseInt(log.streamInfo.requestId.slice(0, 8), 16);
      const value = Number.isNaN(stable) ? random.uint32() : stable;
      return context.runtime.snapshot().featureEnabled(runtimeKey, percent, value);
    },
  };
}

function responseFlagFilter(message: ResponseFlagFilter): AccessLogFilter {
  if (message.flags.length === 0) return { evaluate: (log) => log.streamInfo.responseFlags !== 0 };
  let mask = 0;
  message.flags.forEach((flag, i) => {
    const index = RESPONSE_FLAGS.findIndex((each) => each.short === flag);
    if (index < 0) throw new ConfigError(`unknown response flag '${flag}'`, { path: `flags[${i}]` });
    mask |= 1 << index;
  });
  return { evaluate: (log) => (log.streamInfo.responseFlags & mask) !== 0 };
}

function grpcStatusFilter(message: GrpcStatusFilter): AccessLogFilter {
  const wanted = new Set<number>(message.statuses);
  const { exclude } = message;
  return {
    evaluate: (log) => {
      const status = grpcStatusOf(log.responseTrailers, log.responseHeaders, log.streamInfo.responseCode, false) ?? GRPC_UNKNOWN;
      return wanted.has(status) !== exclude;
    },
  };
}

function logTypeFilter(message: LogTypeFilter): AccessLogFilter {
  const wanted = new Set<string>(message.types.map((each) => ACCESS_LOG_TYPES[each]));
  const { exclude } = message;
  return { evaluate: (log) => wanted.has(log.type) !== exclude };
}

function metadataFilter(message: MetadataFilter): AccessLogFilter {
  const whenMissing = message.matchIfKeyNotFound ?? true;
  const matcher = message.matcher;
  if (matcher === undefined) return { evaluate: () => whenMissing };
  const { filter, invert } = matcher;
  const path = matcher.path.map((segment) => (segment.segment.case === 'key' ? segment.segment.value : ''));
  const value = configAt('matcher.value', () => buildValueMatcher(matcher.value));
  return {
    evaluate: (log) => {
      const found = metadataValue(log.streamInfo.dynamicMetadata, filter, path);
      return found === undefined ? whenMissing : value.matches(found) !== invert;
    },
  };
}
