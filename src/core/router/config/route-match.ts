import type { RouteMatch as RouteMatchMessage } from '#api/envoy/config/route/v3/route_components_pb.js';
import { asciiLowerCase, toByteString } from '../../../common/byte-string.ts';
import { isGrpcRequest } from '../../../common/grpc/content-type.ts';
import { isConnectUdp } from '../../../common/http/connect.ts';
import { buildHeaderMatchers, matchHeaders } from '../../../common/matchers/header-matcher.ts';
import { CookieMatcher, QueryParameterMatcher } from '../../../common/matchers/request-matchers.ts';
import { regexOf } from '../../../common/matchers/string-matcher.ts';
import { MetadataMatcher } from '../../../common/matchers/value-matcher.ts';
import { notYet, refuseFields } from '../../../common/not-yet.ts';
import type { Regex } from '../../../common/regex/regex.ts';
import { RuntimeFraction } from '../../../common/runtime-fraction.ts';
import { ConfigError, configAt } from '../../../contract/errors.ts';
import type { FactoryContext } from '../../../contract/extension.ts';
import type { HeaderMap } from '../../../contract/header-map.ts';
import type { StreamInfo } from '../../../contract/stream-info.ts';

/** Kinds of path specifiers. */
export const PATH_PREFIX = 0;
export const PATH_EXACT = 1;
export const PATH_SEPARATED_PREFIX = 2;
export const PATH_REGEX = 3;
export const PATH_CONNECT = 4;
export type PathKind = 0 | 1 | 2 | 3 | 4;

/** The path part of a match. The path given is without query and fragment. */
export class PathMatch {
  readonly kind: PathKind;
  /** The prefix or path, a byte string (lower case when it ignores case); empty for regex and connect. */
  readonly text: string;
  readonly ignoreCase: boolean;
  private readonly regex: Regex | null;

  constructor(kind: PathKind, text: string, ignoreCase: boolean, regex: Regex | null) {
    this.kind = kind;
    this.ignoreCase = ignoreCase;
    this.text = ignoreCase ? asciiLowerCase(toByteString(text)) : toByteString(text);
    this.regex = regex;
  }

  matches(path: string): boolean {
    const text = this.text;
    switch (this.kind) {
      case PATH_PREFIX: return this.startsWith(path, text);
      case PATH_EXACT: return path.length === text.length && this.startsWith(path, text);
      case PATH_SEPARATED_PREFIX:
        return this.startsWith(path, text) && (path.length === text.length || path.charCodeAt(text.length) === 0x2f);
      case PATH_REGEX: return this.regex !== null && this.regex.fullMatch(path);
      default: return false;
    }
  }

  private startsWith(path: string, text: string): boolean {
    if (!this.ignoreCase) return path.startsWith(text);
    return path.length >= text.length && asciiLowerCase(path.slice(0, text.length)) === text;
  }
}

export function buildPathMatch(message: RouteMatchMessage): PathMatch {
  const specifier = message.pathSpecifier;
  const ignoreCase = message.caseSensitive === false;
  switch (specifier.case) {
    case 'prefix': return new PathMatch(PATH_PREFIX, specifier.value, ignoreCase && specifier.value.length > 1, null);
    case 'path': return new PathMatch(PATH_EXACT, specifier.value, ignoreCase, null);
    case 'pathSeparatedPrefix': return new PathMatch(PATH_SEPARATED_PREFIX, specifier.value, ignoreCase, null);
    case 'safeRegex': return new PathMatch(PATH_REGEX, '', false, configAt('safe_regex', () => regexOf(specifier.value)));
    case 'connectMatcher': return new PathMatch(PATH_CONNECT, '', false, null);
    case 'pathMatchPolicy':
      throw notYet(typeName(specifier.value.typedConfig?.typeUrl ?? specifier.value.name), 'path_match_policy');
    default: throw new ConfigError('Invalid route config', { hint: 'match needs a prefix, path, safe_regex, path_separated_prefix …' });
  }
}

function typeName(url: string): string {
  return url.slice(url.lastIndexOf('/') + 1);
}

interface Condition {
  matches(headers: HeaderMap, streamInfo: StreamInfo, random: number): boolean;
}

/** Everything of a match but the path; null when there is nothing more. */
export function buildConditions(message: RouteMatchMessage, context: FactoryContext): RouteConditions | null {
  refuseFields(message, 'envoy.config.route.v3.RouteMatch', { filterState: 'filter_state' });
  const conditions: Condition[] = [];
  const fraction = message.runtimeFraction;
  if (fraction !== undefined) {
    const runtime = new RuntimeFraction(fraction, context.runtime);
    conditions.push({ matches: (_headers, _info, random) => runtime.enabled(random) });
  }
  if (message.grpc !== undefined) conditions.push({ matches: isGrpcRequest });
  if (message.headers.length > 0) {
    const matchers = buildHeaderMatchers(message.headers, 'headers');
    conditions.push({ matches: (headers) => matchHeaders(matchers, headers) });
  }
  message.queryParameters.forEach((each, i) => {
    const matcher = configAt(`query_parameters[${i}]`, () => new QueryParameterMatcher(each));
    conditions.push({ matches: (headers) => matcher.matches(headers.get(':path') ?? '') });
  });
  message.cookies.forEach((each, i) => conditions.push(configAt(`cookies[${i}]`, () => new CookieMatcher(each))));
  if (message.tlsContext !== undefined) conditions.push(tlsCondition(message.tlsContext));
  message.dynamicMetadata.forEach((each, i) => {
    const matcher = configAt(`dynamic_metadata[${i}]`, () => new MetadataMatcher(each));
    conditions.push({ matches: (_, info) => matcher.matches(info.dynamicMetadata) });
  });
  return conditions.length === 0 ? null : new RouteConditions(conditions);
}

function tlsCondition(message: NonNullable<RouteMatchMessage['tlsContext']>): Condition {
  const { presented, validated } = message;
  return {
    matches: (_, info) => {
      const ssl = info.downstreamSsl;
      if (presented !== undefined && presented !== (ssl?.peerPresented ?? false)) return false;
      return validated === undefined || validated === (ssl?.peerValidated ?? false);
    },
  };
}

export class RouteConditions {
  private readonly conditions: readonly Condition[];

  constructor(conditions: readonly Condition[]) {
    this.conditions = conditions;
  }

  match(headers: HeaderMap, streamInfo: StreamInfo, random: number): boolean {
    const conditions = this.conditions;
    for (let i = 0; i < conditions.length; i++) if (!conditions[i].matches(headers, streamInfo, random)) return false;
    return true;
  }
}

/** A CONNECT request, or an upgrade to connect-udp: what connect_matcher takes. */
export function isConnectRequest(headers: HeaderMap): boolean {
  return headers.get(':method') === 'CONNECT' || isConnectUdp(headers);
}
