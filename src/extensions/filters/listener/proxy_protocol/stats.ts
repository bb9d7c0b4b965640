import type { Counter, Scope } from '../../../../contract/stats.ts';

class VersionStats {
  readonly found: Counter;
  readonly disallowed: Counter;
  readonly error: Counter;

  constructor(scope: Scope) {
    this.found = scope.counter('found');
    this.disallowed = scope.counter('disallowed');
    this.error = scope.counter('error');
  }
}

/** Statistics of `proxy_proto.[<stat_prefix>.]` (of all listeners together), and the one older counter. */
export class ProxyProtocolStats {
  readonly downstreamCxProxyProtoError: Counter;
  readonly notFoundAllowed: Counter;
  readonly notFoundDisallowed: Counter;
  readonly v1: VersionStats;
  readonly v2: VersionStats;

  constructor(root: Scope, statPrefix: string) {
    const scope = root.scope(statPrefix === '' ? 'proxy_proto' : `proxy_proto.${statPrefix}`);
    this.downstreamCxProxyProtoError = root.counter('downstream_cx_proxy_proto_error');
    this.notFoundAllowed = scope.counter('not_found_allowed');
    this.notFoundDisallowed = scope.counter('not_found_disallowed');
    this.v1 = new VersionStats(scope.scope('versions.v1'));
    this.v2 = new VersionStats(scope.scope('versions.v2'));
  }
}
