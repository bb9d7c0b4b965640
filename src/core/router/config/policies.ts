import type {
  HedgePolicy as HedgePolicyMessage, RetryPolicy as RetryPolicyMessage, RouteAction_RequestMirrorPolicy as MirrorMessage,
} from '#api/envoy/config/route/v3/route_components_pb.js';
import type { Duration } from '@bufbuild/protobuf/wkt';
import { refuseFields } from '../../../common/not-yet.ts';
import { asciiLowerCase, toByteString } from '../../../common/byte-string.ts';
import { fractionalPercent, HUNDRED_PERCENT } from '../../../common/runtime-fraction.ts';
import { ConfigError, configAt } from '../../../contract/errors.ts';
import { durationMs } from '../../../contract/message.ts';
import type { HedgePolicy, RetryPolicy, ShadowPolicy } from '../../../contract/route.ts';

/** Whole milliseconds, as Envoy takes durations; -1 when unset. */
export function optionalMs(duration: Duration | undefined): number {
  return duration === undefined ? -1 : Math.trunc(durationMs(duration, 0));
}

/** Default of Envoy's base interval. */
const BASE_INTERVAL_MS = 25;

export function buildRetryPolicy(message: RetryPolicyMessage): RetryPolicy {
  refuseFields(message, 'envoy.config.route.v3.RetryPolicy', {
    retryPriority: 'retry_priority', retryHostPredicate: 'retry_host_predicate', retryOptionsPredicates: 'retry_options_predicates',
    hostSelectionRetryMaxAttempts: 'host_selection_retry_max_attempts', rateLimitedRetryBackOff: 'rate_limited_retry_back_off',
    retriableHeaders: 'retriable_headers', retriableRequestHeaders: 'retriable_request_headers',
    refreshClusterOnRetry: 'refresh_cluster_on_retry',
  });
  const backOff = message.retryBackOff;
  const base = backOff === undefined ? BASE_INTERVAL_MS : Math.max(1, optionalMs(backOff.baseInterval));
  const maximum = backOff?.maxInterval === undefined ? base * 10 : Math.max(1, optionalMs(backOff.maxInterval));
  if (maximum < base) {
    throw new ConfigError('retry_policy.max_interval must greater than or equal to the base_interval', { path: 'retry_back_off' });
  }
  return Object.freeze({
    retryOn: message.retryOn.split(',').map((each) => each.trim()).filter((each) => each !== ''),
    numRetries: message.numRetries ?? 1,
    perTryTimeout: Math.max(0, optionalMs(message.perTryTimeout)),
    perTryIdleTimeout: Math.max(0, optionalMs(message.perTryIdleTimeout)),
    retriableStatusCodes: message.retriableStatusCodes,
    baseInterval: base,
    maxInterval: maximum,
  });
}

export function buildHedgePolicy(message: HedgePolicyMessage): HedgePolicy {
  refuseFields(message, 'envoy.config.route.v3.HedgePolicy', { additionalRequestChance: 'additional_request_chance' });
  if (message.initialRequests !== undefined && message.initialRequests !== 1) {
    refuseFields(message, 'envoy.config.route.v3.HedgePolicy', { initialRequests: 'initial_requests' });
  }
  return Object.freeze({ hedgeOnPerTryTimeout: message.hedgeOnPerTryTimeout });
}

export function buildShadowPolicies(messages: readonly MirrorMessage[]): readonly ShadowPolicy[] {
  return messages.map((message, i) => configAt(`request_mirror_policies[${i}]`, () => buildShadowPolicy(message)));
}

function buildShadowPolicy(message: MirrorMessage): ShadowPolicy {
  const { cluster, clusterHeader } = message;
  if (cluster !== '' && clusterHeader !== '') {
    throw new ConfigError(
      `Only one of cluster '${cluster}' or cluster_header '${clusterHeader}' in request mirror policy can be specified`,
    );
  }
  if (cluster === '' && clusterHeader === '') {
    throw new ConfigError('Exactly one of cluster or cluster_header in request mirror policy need to be specified');
  }
  refuseFields(message, 'envoy.config.route.v3.RouteAction.RequestMirrorPolicy', {
    traceSampled: 'trace_sampled', requestHeadersMutations: 'request_headers_mutations', hostRewriteLiteral: 'host_rewrite_literal',
  });
  const runtime = message.runtimeFraction;
  return Object.freeze({
    cluster,
    clusterHeader: asciiLowerCase(toByteString(clusterHeader)),
    runtimeKey: runtime?.runtimeKey ?? '',
    fraction: runtime === undefined ? HUNDRED_PERCENT : fractionalPercent(runtime.defaultValue),
    disableShadowHostSuffixAppend: message.disableShadowHostSuffixAppend,
  });
}
