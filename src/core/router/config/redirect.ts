import type { RedirectAction } from '#api/envoy/config/route/v3/route_components_pb.js';
import { asciiLowerCase, toByteString } from '../../../common/byte-string.ts';
import { notYet } from '../../../common/not-yet.ts';
import { configAt } from '../../../contract/errors.ts';
import type { HeaderMap } from '../../../contract/header-map.ts';
import { PathRewrite, RegexSubstitution } from './path-rewrite.ts';
import type { PathMatch } from './route-match.ts';

/** Index = RedirectAction.RedirectResponseCode. */
const STATUS: readonly number[] = [301, 302, 303, 307, 308];

/** Where a redirect (or any 3xx of a route) sends the client. */
export class Redirect {
  readonly status: number;
  private readonly scheme: string;
  private readonly https: boolean;
  private readonly host: string;
  /** With its colon, or empty. */
  private readonly port: string;
  private readonly path: string;
  private readonly pathHasQuery: boolean;
  private readonly stripQuery: boolean;
  private readonly rewrite: PathRewrite;

  constructor(message: RedirectAction, match: PathMatch) {
    const scheme = message.schemeRewriteSpecifier;
    const path = message.pathRewriteSpecifier;
    if (path.case === 'pathRewrite') throw notYet('envoy.config.route.v3.RedirectAction.path_rewrite', 'path_rewrite');
    const regex = path.case === 'regexRewrite' ? configAt('regex_rewrite', () => new RegexSubstitution(path.value)) : null;
    this.status = STATUS[message.responseCode] ?? 301;
    this.scheme = scheme.case === 'schemeRedirect' ? asciiLowerCase(toByteString(scheme.value)) : '';
    this.https = scheme.case === 'httpsRedirect' && scheme.value;
    this.host = toByteString(message.hostRedirect);
    this.port = message.portRedirect === 0 ? '' : `:${message.portRedirect}`;
    this.path = path.case === 'pathRedirect' ? toByteString(path.value) : '';
    this.pathHasQuery = this.path.includes('?');
    this.stripQuery = message.stripQuery;
    this.rewrite = new PathRewrite(path.case === 'prefixRewrite' ? path.value : '', regex, match);
  }

  /** Whether the location differs from the request by more than scheme and port (Envoy's isRedirect). */
  get changesTarget(): boolean {
    return this.host !== '' || this.path !== '' || !this.rewrite.isEmpty;
  }

  /** Puts a rewritten path on the request, as the access log shows it. */
  rewritePath(headers: HeaderMap, keepOriginal: boolean): void {
    const old = headers.get(':path');
    if (old === undefined || this.rewrite.isEmpty) return;
    const changed = this.rewrite.rewrite(old);
    if (changed === '') return;
    if (keepOriginal) headers.set('x-envoy-original-path', old);
    headers.set(':path', changed);
  }

  location(headers: HeaderMap): string {
    const scheme = this.scheme !== '' ? this.scheme : this.https ? 'https' : (headers.get(':scheme') ?? '');
    const host = this.host !== '' ? this.host : requestHost(headers, scheme, this.port);
    return `${scheme}://${host}${this.port}${this.locationPath(headers.get(':path') ?? '')}`;
  }

  private locationPath(current: string): string {
    let path = this.path === '' ? current : this.path;
    if (this.path !== '' && !this.pathHasQuery) {
      const query = current.indexOf('?');
      if (query >= 0) path += current.slice(query);
    }
    if (!path.startsWith('/')) path = '/' + path;
    if (this.stripQuery && !this.pathHasQuery) {
      const query = path.indexOf('?');
      if (query >= 0) path = path.slice(0, query);
    }
    return path;
  }
}

/** The location of a 3xx that is no redirect action: the request itself. */
export function ownLocation(headers: HeaderMap): string {
  const path = headers.get(':path') ?? '';
  const scheme = headers.get(':scheme') ?? '';
  return `${scheme}://${requestHost(headers, scheme, '')}${path.startsWith('/') ? path : '/' + path}`;
}

/** The request's host; its port goes when a new one is given, or when it was the default of the scheme that changes. */
function requestHost(headers: HeaderMap, newScheme: string, newPort: string): string {
  const host = headers.get(':authority') ?? '';
  let end = host.lastIndexOf(host.startsWith('[') ? ']:' : ':');
  if (end < 0) return host;
  if (host.startsWith('[')) end++;
  if (newPort !== '') return host.slice(0, end);
  const port = host.slice(end);
  const scheme = headers.get('x-forwarded-proto') ?? '';
  const isDefault = (scheme === 'https' && port === ':443') || (scheme === 'http' && port === ':80');
  return newScheme !== scheme && isDefault ? host.slice(0, end) : host;
}
