import type { RouteAction } from '#api/envoy/config/route/v3/route_components_pb.js';
import { asciiLowerCase, toByteString } from '../../../common/byte-string.ts';
import { FormatContext } from '../../../common/format-context.ts';
import { TextFormatter } from '../../../common/formatter/formatter.ts';
import { removeQueryAndFragment } from '../../../common/http/path.ts';
import type { Formatter } from '../../../contract/access-log.ts';
import type { Dispatcher } from '../../../contract/dispatcher.ts';
import { ConfigError, configAt } from '../../../contract/errors.ts';
import type { HeaderMap } from '../../../contract/header-map.ts';
import type { StreamInfo } from '../../../contract/stream-info.ts';
import { RegexSubstitution } from './path-rewrite.ts';

/** Gives the new host, or empty for "leave it". */
interface HostSource {
  host(headers: HeaderMap, streamInfo: StreamInfo): string;
}

/** The host rewrites that need no upstream host (auto_host_rewrite is the router's); null when there is none. */
export function buildHostRewrite(specifier: RouteAction['hostRewriteSpecifier'], dispatcher: Dispatcher): HostSource | null {
  switch (specifier.case) {
    case 'hostRewriteLiteral': {
      const host = toByteString(specifier.value);
      return host === '' ? null : { host: () => host };
    }
    case 'hostRewriteHeader': {
      const name = asciiLowerCase(toByteString(specifier.value));
      return name === '' ? null : { host: (headers) => headers.get(name) ?? '' };
    }
    case 'hostRewritePathRegex': {
      const regex = configAt('host_rewrite_path_regex', () => new RegexSubstitution(specifier.value));
      return { host: (headers) => regex.apply(removeQueryAndFragment(headers.get(':path') ?? '')) };
    }
    case 'hostRewrite': {
      if (specifier.value === '') return null;
      const formatter = rewriteFormatter('host', specifier.value, false);
      return { host: (headers, info) => formatter.format(new FormatContext(info, dispatcher.now(), headers)) };
    }
    default: return null;
  }
}

/** `host_rewrite` and `path_rewrite` are format strings. */
export function rewriteFormatter(kind: 'host' | 'path', format: string, omitEmpty: boolean): Formatter {
  return configAt(`${kind}_rewrite`, () => {
    try {
      return new TextFormatter(format, omitEmpty);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      throw new ConfigError(`Failed to create ${kind} rewrite formatter: INVALID_ARGUMENT: ${error.why}`, { hint: error.hint });
    }
  });
}

/**
 * Replaces the host of a request (Envoy's updateAuthority): the old one goes to x-envoy-original-host and, with `appendForwarded`, to the
 * end of x-forwarded-host unless it stands there already.
 */
export function updateAuthority(headers: HeaderMap, host: string, appendForwarded: boolean, keepOriginal: boolean): void {
  const old = headers.get(':authority');
  if (old !== undefined && old !== '') {
    if (keepOriginal) headers.set('x-envoy-original-host', old);
    if (appendForwarded) {
      const forwarded = headers.get('x-forwarded-host') ?? '';
      const last = forwarded.slice(forwarded.lastIndexOf(',') + 1).trim();
      if (last !== old) headers.append('x-forwarded-host', old, ',');
    }
  }
  headers.set(':authority', host);
}
