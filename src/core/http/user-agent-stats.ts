import type { HeaderMap } from '../../contract/header-map.ts';
import type { Counter, Histogram, Scope } from '../../contract/stats.ts';

/** `user_agent.<device>.` of a connection: Envoy counts phones, told by the first request's user agent. */
export class UserAgentStats {
  private static readonly none = new UserAgentStats(null);
  private readonly requests: Counter | null;
  private readonly destroyRemoteActive: Counter | null;
  private readonly length: Histogram | null;

  private constructor(scope: Scope | null) {
    this.requests = scope?.counter('downstream_rq_total') ?? null;
    this.destroyRemoteActive = scope?.counter('downstream_cx_destroy_remote_active_rq') ?? null;
    this.length = scope?.histogram('downstream_cx_length_ms', 'milliseconds') ?? null;
    scope?.counter('downstream_cx_total').inc();
  }

  /** `scope` is `http.<prefix>.`. */
  static of(headers: HeaderMap, scope: Scope): UserAgentStats {
    const agent = headers.get('user-agent');
    if (agent === undefined) return UserAgentStats.none;
    if (agent.includes('iOS')) return new UserAgentStats(scope.scope('user_agent.ios'));
    if (agent.includes('android')) return new UserAgentStats(scope.scope('user_agent.android'));
    return UserAgentStats.none;
  }

  onRequest(): void {
    this.requests?.inc();
  }

  onRemoteCloseWithActiveRequest(): void {
    this.destroyRemoteActive?.inc();
  }

  onConnectionEnd(milliseconds: number): void {
    this.length?.record(milliseconds);
  }
}
