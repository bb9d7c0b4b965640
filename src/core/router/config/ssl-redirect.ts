import type { HeaderMap } from '../../../contract/header-map.ts';
import type { DirectResponseEntry, Route, VirtualHost } from '../../../contract/route.ts';

/** The answer to a plain request where require_tls asks for TLS: 301 to the same place with https. */
class SslRedirector implements DirectResponseEntry {
  readonly status = 301;
  readonly contentType = 'text/plain';
  readonly isRedirect = true;

  body(): string {
    return '';
  }

  newUri(headers: HeaderMap): string {
    return `https://${headers.get(':authority') ?? ''}${headers.get(':path') ?? ''}`;
  }

  finalizeRequestHeaders(): void {
    // The request goes nowhere.
  }

  finalizeResponseHeaders(): void {
    // Envoy changes no headers of this redirect.
  }
}

const REDIRECTOR = new SslRedirector();

export class SslRedirectRoute implements Route {
  readonly name = '';
  readonly virtualHost: VirtualHost;
  readonly directResponse: DirectResponseEntry = REDIRECTOR;
  readonly routeEntry = null;
  readonly metadata = null;
  readonly origin = null;

  constructor(virtualHost: VirtualHost) {
    this.virtualHost = virtualHost;
  }

  mostSpecificPerFilterConfig(): null {
    return null;
  }

  perFilterConfigs(): readonly object[] {
    return [];
  }

  filterDisabled(): null {
    return null;
  }
}
