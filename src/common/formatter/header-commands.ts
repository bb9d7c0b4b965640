import type { LogContext } from '../../contract/access-log.ts';
import { ConfigError } from '../../contract/errors.ts';
import type { HeaderMap } from '../../contract/header-map.ts';
import { isGrpcRequest } from '../grpc/content-type.ts';
import { GRPC_STATUS_CAMEL, GRPC_STATUS_SNAKE, grpcStatusOf } from '../grpc/status.ts';
import { percentDecode, firstQueryValue, QueryParams } from '../http/query-params.ts';
import { asciiLowerCase } from '../byte-string.ts';
import { COMMAND_ONLY, LENGTH_ALLOWED, PARAMS_OPTIONAL, PARAMS_REQUIRED } from './command.ts';
import type { CommandTable } from './command.ts';
import { jsonString } from './json-text.ts';
import { NumberOperator, TextOperator, truncate } from './operator.ts';
import type { Operator } from './operator.ts';

type MapReader = (context: LogContext) => HeaderMap | null;

const requestHeaders: MapReader = (context) => context.requestHeaders;
const responseHeaders: MapReader = (context) => context.responseHeaders;
const responseTrailers: MapReader = (context) => context.responseTrailers;

/** `%REQ(X?Y):Z%`: the first value of X, else of Y, cut to Z bytes. */
class HeaderOperator implements Operator {
  private readonly map: MapReader;
  private readonly main: string;
  private readonly alternative: string;
  private readonly max: number;

  constructor(map: MapReader, main: string, alternative: string, max: number) {
    this.map = map;
    this.main = main;
    this.alternative = alternative;
    this.max = max;
  }

  text(context: LogContext): string | null {
    const headers = this.map(context);
    if (headers === null) return null;
    let value = headers.get(this.main);
    if (value === undefined && this.alternative !== '') value = headers.get(this.alternative);
    return value === undefined ? null : this.max < 0 ? value : truncate(value, this.max);
  }

  json(context: LogContext): string {
    const value = this.text(context);
    return value === null ? 'null' : jsonString(value);
  }
}

const INVALID_NAME = /[^!#$%&'*+\-.^_`|~0-9a-z]/;

function isHeaderName(name: string): boolean {
  const bare = name.startsWith(':') ? name.slice(1) : name;
  return name !== ':' && !INVALID_NAME.test(bare);
}

/** Splits `X?Y` and checks the names. */
export function headerPair(parameter: string): [string, string] {
  const parts = parameter.split('?');
  if (parts.length > 2) throw new ConfigError(`More than 1 alternative header specified in token: ${parameter}`);
  const main = asciiLowerCase(parts[0]);
  const alternative = asciiLowerCase(parts[1] ?? '');
  if (!isHeaderName(main) || !isHeaderName(alternative)) {
    throw new ConfigError('Invalid header configuration. Format string contains invalid characters.');
  }
  return [main, alternative];
}

function headerCommand(map: MapReader) {
  return {
    syntax: PARAMS_REQUIRED | LENGTH_ALLOWED,
    create: (parameter: string, max: number): Operator => {
      const [main, alternative] = headerPair(parameter);
      return new HeaderOperator(map, main, alternative, max);
    },
  };
}

function sizeCommand(map: MapReader) {
  return { syntax: COMMAND_ONLY, create: () => new NumberOperator((context) => map(context)?.byteSize() ?? 0) };
}

/** Status as text, or null when the request is not gRPC or the status unknown. */
function grpcStatusText(context: LogContext, names: readonly string[]): string | null {
  const status = grpcStatus(context);
  return status === null ? null : (names[status] ?? String(status));
}

function grpcStatus(context: LogContext): number | null {
  if (context.requestHeaders === null || !isGrpcRequest(context.requestHeaders)) return null;
  return grpcStatusOf(context.responseTrailers, context.responseHeaders, context.streamInfo.responseCode, true);
}

function grpcStatusOperator(format: string): Operator {
  switch (format) {
    case '': case 'CAMEL_STRING': return new TextOperator((context) => grpcStatusText(context, GRPC_STATUS_CAMEL));
    case 'SNAKE_STRING': return new TextOperator((context) => grpcStatusText(context, GRPC_STATUS_SNAKE));
    case 'NUMBER': return new NumberOperator((context) => grpcStatus(context) ?? NaN);
    default:
      throw new ConfigError(`GrpcStatusFormatter only supports CAMEL_STRING, SNAKE_STRING or NUMBER. Got: ${format}`);
  }
}

const PATH_QUERY: Readonly<Record<string, boolean>> = { '': true, WQ: true, NQ: false };
const PATH_KINDS = ['', 'ORIG', 'PATH', 'ORIG_OR_PATH'];

function pathOperator(parameter: string, max: number): Operator {
  const [query, kind = ''] = parameter.split(':');
  const withQuery = PATH_QUERY[query];
  if (withQuery === undefined) throw new ConfigError(`Invalid PATH option: '${query}', only 'WQ'/'NQ' are allowed`);
  if (!PATH_KINDS.includes(kind)) {
    throw new ConfigError(`Invalid PATH option: '${kind}', only 'ORIG'/'PATH'/'ORIG_OR_PATH' are allowed`);
  }
  return new TextOperator((context) => {
    const headers = context.requestHeaders;
    if (headers === null) return null;
    let path = kind === 'PATH' ? '' : (headers.get('x-envoy-original-path') ?? '');
    if (path === '' && kind !== 'ORIG') path = headers.get(':path') ?? '';
    if (path === '') return null;
    const end = withQuery ? -1 : path.indexOf('?');
    return truncate(end < 0 ? path : path.slice(0, end), max);
  });
}

function queryParamOperator(name: string, max: number): Operator {
  return new TextOperator((context) => {
    const path = context.requestHeaders?.get(':path');
    if (path === undefined) return null;
    // Without percent signs decoded and raw names are the same, and the first raw match is the answer.
    const value = path.includes('%') ? QueryParams.parse(path, true).first(name) : firstQueryValue(path, name);
    return value === null ? null : truncate(value, max);
  });
}

function queryParamsOperator(option: string, max: number): Operator {
  if (option !== '' && option !== 'ORIG' && option !== 'DECODED') {
    throw new ConfigError(`Invalid QUERY_PARAMS option: '${option}', only 'ORIG'/'DECODED' are allowed`);
  }
  const decode = option === 'DECODED';
  return new TextOperator((context) => {
    const path = context.requestHeaders?.get(':path') ?? '';
    const at = path.indexOf('?');
    if (at < 0 || at === path.length - 1) return null;
    // Cut first, then decoded, as Envoy does.
    const query = truncate(path.slice(at + 1), max);
    return decode ? percentDecode(query) : query;
  });
}

/** Commands that read the messages. */
export const HEADER_COMMANDS: CommandTable = {
  REQ: headerCommand(requestHeaders),
  REQUEST_HEADER: headerCommand(requestHeaders),
  STREAM_INFO_REQ: headerCommand(requestHeaders),
  RESP: headerCommand(responseHeaders),
  RESPONSE_HEADER: headerCommand(responseHeaders),
  TRAILER: headerCommand(responseTrailers),
  RESPONSE_TRAILER: headerCommand(responseTrailers),
  REQUEST_HEADERS_BYTES: sizeCommand(requestHeaders),
  RESPONSE_HEADERS_BYTES: sizeCommand(responseHeaders),
  RESPONSE_TRAILERS_BYTES: sizeCommand(responseTrailers),
  LOCAL_REPLY_BODY: { syntax: COMMAND_ONLY, create: () => new TextOperator((context) => context.localReplyBody) },
  ACCESS_LOG_TYPE: { syntax: COMMAND_ONLY, create: () => new TextOperator((context) => context.type) },
  GRPC_STATUS: { syntax: PARAMS_OPTIONAL, create: grpcStatusOperator },
  GRPC_STATUS_NUMBER: { syntax: COMMAND_ONLY, create: () => grpcStatusOperator('NUMBER') },
  QUERY_PARAM: { syntax: PARAMS_REQUIRED | LENGTH_ALLOWED, create: queryParamOperator },
  QUERY_PARAMS: { syntax: PARAMS_OPTIONAL | LENGTH_ALLOWED, create: queryParamsOperator },
  PATH: { syntax: PARAMS_OPTIONAL | LENGTH_ALLOWED, create: pathOperator },
};
