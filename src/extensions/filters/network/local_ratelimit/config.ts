import type { Message } from '@bufbuild/protobuf';
import type { LocalRateLimit } from '#api/envoy/extensions/filters/network/local_ratelimit/v3/local_rate_limit_pb.js';
import type { TokenBucket as TokenBucketMessage } from '#api/envoy/type/v3/token_bucket_pb.js';
import { filterCellName } from '../../../../common/filter-cells.ts';
import { TokenBucket } from '../../../../common/rate-limit/token-bucket.ts';
import { RuntimeFeatureFlag } from '../../../../common/runtime-feature-flag.ts';
import { ConfigError, configAt } from '../../../../contract/errors.ts';
import type { FactoryContext } from '../../../../contract/extension.ts';
import { durationMs, expectMessage } from '../../../../contract/message.ts';
import type { Counter } from '../../../../contract/stats.ts';

export const LOCAL_RATE_LIMIT = 'envoy.extensions.filters.network.local_ratelimit.v3.LocalRateLimit';
/** Milliseconds. */
const SHORTEST_FILL = 50;

export interface LocalRateLimitConfig {
  readonly enabled: RuntimeFeatureFlag;
  /** Null = no limit. */
  readonly bucket: TokenBucket | null;
  readonly rateLimited: Counter;
}

export function readLocalRateLimit(message: Message, context: FactoryContext): LocalRateLimitConfig {
  const config = expectMessage<LocalRateLimit>(message, LOCAL_RATE_LIMIT);
  return {
    enabled: new RuntimeFeatureFlag(config.runtimeEnabled, context.runtime),
    bucket: configAt('token_bucket', () => readBucket(config.tokenBucket, config.shareKey, context)),
    rateLimited: context.rootScope.scope(`local_rate_limit.${config.statPrefix}`).counter('rate_limited'),
  };
}

function readBucket(message: TokenBucketMessage | undefined, shareKey: string, context: FactoryContext): TokenBucket | null {
  const maxTokens = message?.maxTokens ?? 0;
  const tokensPerFill = message?.tokensPerFill ?? 1;
  const fillIntervalMs = Math.floor(durationMs(message?.fillInterval, 0));
  // Envoy reads whole milliseconds, and takes 0 for "no bucket".
  if (fillIntervalMs === 0) return null;
  if (fillIntervalMs < SHORTEST_FILL) {
    throw new ConfigError('local rate limit token bucket fill timer must be >= 50ms', { path: 'fill_interval' });
  }
  const own = `local_rate_limit.${maxTokens}/${tokensPerFill}/${fillIntervalMs}`;
  const name = shareKey === '' ? filterCellName(context, own) : `${own}.${shareKey}`;
  return new TokenBucket({ maxTokens, tokensPerFill, fillIntervalMs }, context.sharedCells, name, context.dispatcher);
}
