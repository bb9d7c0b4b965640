import type { Connection, ReadFilter, ReadFilterCallbacks } from '../../../../contract/network.ts';
import { CLOSE_NO_FLUSH } from '../../../../contract/network.ts';
import { FLAG_UPSTREAM_RETRY_LIMIT_EXCEEDED } from '../../../../contract/response-flags.ts';
import type { NetworkFilterStatus } from '../../../../contract/status.ts';
import { NETWORK_CONTINUE, NETWORK_STOP_ITERATION } from '../../../../contract/status.ts';
import type { LocalRateLimitConfig } from './config.ts';

/** One token a connection. */
export class LocalRateLimitFilter implements ReadFilter {
  private readonly config: LocalRateLimitConfig;
  private connection: Connection | null;

  constructor(config: LocalRateLimitConfig) {
    this.config = config;
    this.connection = null;
  }

  initializeReadFilterCallbacks(callbacks: ReadFilterCallbacks): void {
    this.connection = callbacks.connection;
  }

  onNewConnection(): NetworkFilterStatus {
    const { bucket, enabled, rateLimited } = this.config;
    const { connection } = this;
    if (connection === null || !enabled.enabled || bucket === null || bucket.consume(1)) return NETWORK_CONTINUE;
    rateLimited.inc();
    // The flag is Envoy's choice.
    connection.streamInfo.setResponseFlag(FLAG_UPSTREAM_RETRY_LIMIT_EXCEEDED);
    connection.close(CLOSE_NO_FLUSH, 'local_ratelimit_close_over_limit');
    return NETWORK_STOP_ITERATION;
  }

  onData(): NetworkFilterStatus {
    return NETWORK_CONTINUE;
  }
}
