import type { VirtualHost as VirtualHostMessage } from '#api/envoy/config/route/v3/route_components_pb.js';
import { bug } from '../../../base/bug.ts';
import { configAt } from '../../../contract/errors.ts';
import type { HeaderMap } from '../../../contract/header-map.ts';
import type { Route } from '../../../contract/route.ts';
import type { StreamInfo } from '../../../contract/stream-info.ts';
import { CompiledRoute } from './compiled-route.ts';
import { PathIndex } from './path-index.ts';
import { SslRedirectRoute } from './ssl-redirect.ts';
import type { TableFacts } from './table-facts.ts';
import { TLS_ALL, TLS_EXTERNAL_ONLY, VirtualHostFacts } from './virtual-host.ts';

/** A virtual host ready to route. */
class BuiltVirtualHost {
  readonly facts: VirtualHostFacts;
  readonly index: PathIndex;
  private readonly sslRedirect: SslRedirectRoute;

  constructor(message: VirtualHostMessage, table: TableFacts) {
    this.facts = new VirtualHostFacts(message, table);
    this.index = new PathIndex(message.routes.map((route, i) =>
      configAt(`routes[${i}]`, () => new CompiledRoute(route, this.facts, i))));
    this.sslRedirect = new SslRedirectRoute(this.facts);
  }

  route(path: string | null, headers: HeaderMap, streamInfo: StreamInfo, random: number): Route | null {
    const scheme = headers.get('x-forwarded-proto');
    // Only a request that was refused early, or a filter's mistake, has no scheme.
    if (scheme === undefined || scheme === '') return null;
    const requireTls = this.facts.requireTls;
    if (requireTls !== 0 && scheme !== 'https') {
      if (requireTls === TLS_ALL) return this.sslRedirect;
      if (requireTls === TLS_EXTERNAL_ONLY && headers.get('x-envoy-internal') !== 'true') return this.sslRedirect;
    }
    return this.index.find(path, headers, streamInfo, random);
  }
}

/**
 * A virtual host that is built when the first request asks for it, so that a worker takes a large table at once (ARCHITECTURE section 3).
 * Errors were found before, when the main thread built everything; the message is let go after building.
 */
export class LazyVirtualHost {
  private message: VirtualHostMessage | null;
  private readonly table: TableFacts;
  private built: BuiltVirtualHost | null;

  constructor(message: VirtualHostMessage, table: TableFacts) {
    this.message = message;
    this.table = table;
    this.built = null;
  }

  /** Builds now; throws ConfigError. */
  build(): void {
    this.make();
  }

  route(path: string | null, headers: HeaderMap, streamInfo: StreamInfo, random: number): Route | null {
    const host = this.built ?? this.makeSafely();
    return host === null ? null : host.route(path, headers, streamInfo, random);
  }

  private make(): BuiltVirtualHost | null {
    if (this.built !== null || this.message === null) return this.built;
    this.built = new BuiltVirtualHost(this.message, this.table);
    this.message = null;
    return this.built;
  }

  private makeSafely(): BuiltVirtualHost | null {
    try {
      return this.make();
    } catch (error) {
      this.message = null;
      bug('a virtual host that had been validated cannot be built', error instanceof Error ? error.message : String(error));
      return null;
    }
  }
}
