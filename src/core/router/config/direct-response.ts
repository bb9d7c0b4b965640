import type { DirectResponseAction, Route as RouteMessage } from '#api/envoy/config/route/v3/route_components_pb.js';
import { readDataSourceBytes } from '../../../common/data-source.ts';
import { FormatContext } from '../../../common/format-context.ts';
import { buildFormatter } from '../../../common/formatter/formatter.ts';
import type { Formatter } from '../../../contract/access-log.ts';
import type { Dispatcher } from '../../../contract/dispatcher.ts';
import { ConfigError, configAt } from '../../../contract/errors.ts';
import type { HeaderMap } from '../../../contract/header-map.ts';
import type { DirectResponseEntry } from '../../../contract/route.ts';
import type { StreamInfo } from '../../../contract/stream-info.ts';
import type { OrderedLevels } from './compiled-route.ts';
import { ownLocation, Redirect } from './redirect.ts';
import type { PathMatch } from './route-match.ts';
import type { TableFacts } from './table-facts.ts';

/** A redirect or a direct response. */
class DirectResponse implements DirectResponseEntry {
  readonly status: number;
  readonly contentType: string;
  readonly isRedirect: boolean;
  private readonly levels: OrderedLevels;
  private readonly redirect: Redirect | null;
  private readonly text: string;
  private readonly formatter: Formatter | null;
  private readonly dispatcher: Dispatcher;
  private readonly addsLocation: boolean;

  constructor(status: number, levels: OrderedLevels, redirect: Redirect | null, body: Body, dispatcher: Dispatcher) {
    this.status = status;
    this.contentType = body.contentType;
    this.isRedirect = redirect !== null;
    this.levels = levels;
    this.redirect = redirect;
    this.text = body.text;
    this.formatter = body.formatter;
    this.dispatcher = dispatcher;
    this.addsLocation = status === 201 || (status >= 300 && status < 400);
  }

  body(headers: HeaderMap, streamInfo: StreamInfo): string {
    if (this.formatter === null) return this.text;
    return this.formatter.format(new FormatContext(streamInfo, this.dispatcher.now(), headers, null, null, this.text));
  }

  newUri(headers: HeaderMap, keepOriginal = true): string {
    if (!headers.has(':path') || !this.addsLocation) return '';
    if (this.redirect === null) return ownLocation(headers);
    this.redirect.rewritePath(headers, keepOriginal);
    return this.redirect.location(headers);
  }

  finalizeRequestHeaders(): void {
    // A request that is answered here goes nowhere.
  }

  finalizeResponseHeaders(requestHeaders: HeaderMap, headers: HeaderMap, streamInfo: StreamInfo): void {
    this.levels.response.evaluateResponse(requestHeaders, headers, streamInfo);
  }
}

interface Body {
  readonly text: string;
  readonly formatter: Formatter | null;
  readonly contentType: string;
}

const NO_BODY: Body = { text: '', formatter: null, contentType: 'text/plain' };

export function buildDirectResponse(
  action: RouteMessage['action'], path: PathMatch, table: TableFacts, levels: OrderedLevels,
): DirectResponseEntry {
  const { dispatcher } = table.context;
  switch (action.case) {
    case 'redirect': {
      const redirect = configAt('redirect', () => new Redirect(action.value, path));
      return new DirectResponse(redirect.status, levels, redirect, NO_BODY, dispatcher);
    }
    case 'directResponse': {
      const body = configAt('direct_response', () => bodyOf(action.value, table.maxDirectResponseBody));
      return new DirectResponse(action.value.status, levels, null, body, dispatcher);
    }
    default:
      throw new ConfigError('a route needs an action: route, redirect or direct_response');
  }
}

function bodyOf(message: DirectResponseAction, maxSize: number): Body {
  const source = message.body;
  const text = source === undefined ? '' :
    configAt('body', () => readDataSourceBytes(source, { allowEmpty: true, maxSize }).toString('latin1'));
  const format = message.bodyFormat;
  if (format === undefined) return { text, formatter: null, contentType: 'text/plain' };
  const formatter = configAt('body_format', () => buildFormatter(format));
  const fallback = format.format.case === 'jsonFormat' ? 'application/json' : 'text/plain';
  return { text, formatter, contentType: format.contentType || fallback };
}
