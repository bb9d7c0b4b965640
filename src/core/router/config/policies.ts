import type {
  HedgePolicy as HedgePolicyMessage, RetryPolicy as RetryPolicyMessage, RetryPolicy_RateLimitedRetryBackOff as RateLimitedMessage,
  RouteAction_RequestMirrorPolicy as MirrorMessage,
} from '#api/envoy/config/route/v3/route_components_pb.js';
import type { Duration } from '@bufbuild/protobuf/wkt';
import { asciiLowerCase, toByteString } from '../../../common/byte-string.ts';
import { FormatContext } from '../../../common/format-context.ts';
import { HeaderMutations } from '../../../common/header-mutations.ts';
import { buildHeaderMatchers } from '../../../common/matchers/header-matcher.ts';
import { refuseFields } from '../../../common/not-yet.ts';
import { fractionalPercent, HUNDRED_PERCENT } from '../../../common/runtime-fraction.ts';
import type { Dispatcher } from '../../../contract/dispatcher.ts';
import { ConfigError, configAt } from '../../../contract/errors.ts';
import type { HeaderMap } from '../../../contract/header-map.ts';
import { durationMs } from '../../../contract/message.ts';
import type { FractionalPercent } from '../../../contract/runtime.ts';
import type { HedgePolicy, RateLimitedBackOff, RetryPolicy, ShadowPolicy } from '../../../contract/route.ts';
import type { StreamInfo } from '../../../contract/stream-info.ts';

/** Whole milliseconds, as Envoy takes durations; -1 when unset. */
export function optionalMs(duration: Duration | undefined): number {
  return duration === undefined ? -1 : Math.trunc(durationMs(duration, 0));
}

export function buildRetryPolicy(message: RetryPolicyMessage): RetryPolicy {
  refuseFields(message, 'envoy.config.route.v3.RetryPolicy', {
    retryPriority: 'retry_priority', retryHostPredicate: 'retry_host_predicate', retryOptionsPredicates: 'retry_options_predicates',
    hostSelectionRetryMaxAttempts: 'host_selection_retry_max_attempts', refreshClusterOnRetry: 'refresh_cluster_on_retry',
  });
  const [baseInterval, maxInterval] = intervals(message.retryBackOff);
  return Object.freeze({
    retryOn: message.retryOn.split(',').map((each) => each.trim()).filter((each) => each !== ''),
    numRetries: message.numRetries ?? 1,
    perTryTimeout: Math.max(0, optionalMs(message.perTryTimeout)),
    perTryIdleTimeout: Math.max(0, optionalMs(message.perTryIdleTimeout)),
    retriableStatusCodes: message.retriableStatusCodes,
    baseInterval,
    maxInterval,
    retriableHeaders: buildHeaderMatchers(message.retriableHeaders, 'retriable_headers'),
    retriableRequestHeaders: buildHeaderMatchers(message.retriableRequestHeaders, 'retriable_request_headers'),
    ...(message.rateLimitedRetryBackOff === undefined ? {} : { rateLimitedBackOff: rateLimitedBackOff(message.rateLimitedRetryBackOff) }),
  });
}

/** Base and maximum of the back-off; -1 each when there is none: the router takes runtime's base when it needs it. */
function intervals(backOff: RetryPolicyMessage['retryBackOff']): readonly [number, number] {
  if (backOff === undefined) return [-1, -1];
  const base = Math.max(1, optionalMs(backOff.baseInterval));
  const maximum = backOff.maxInterval === undefined ? base * 10 : Math.max(1, optionalMs(backOff.maxInterval));
  if (maximum < base) {
    throw new ConfigError('retry_policy.max_interval must greater than or equal to the base_interval', { path: 'retry_back_off' });
  }
  return [base, maximum];
}

const DEFAULT_RESET_MAX_MS = 300_000;
const UNIX_TIMESTAMP = 1;

function rateLimitedBackOff(message: RateLimitedMessage): RateLimitedBackOff {
  return Object.freeze({
    resetHeaders: message.resetHeaders.map((each) => ({
      name: asciiLowerCase(toByteString(each.name)),
      format: each.format === UNIX_TIMESTAMP ? ('UNIX_TIMESTAMP' as const) : ('SECONDS' as const),
    })),
    maxInterval: message.maxInterval === undefined ? DEFAULT_RESET_MAX_MS : Math.max(1, optionalMs(message.maxInterval)),
  });
}

export function buildHedgePolicy(message: HedgePolicyMessage): HedgePolicy {
  refuseFields(message, 'envoy.config.route.v3.HedgePolicy', { additionalRequestChance: 'additional_request_chance' });
  if (message.initialRequests !== undefined && message.initialRequests !== 1) {
    refuseFields(message, 'envoy.config.route.v3.HedgePolicy', { initialRequests: 'initial_requests' });
  }
  return Object.freeze({ hedgeOnPerTryTimeout: message.hedgeOnPerTryTimeout });
}

export function buildShadowPolicies(messages: readonly MirrorMessage[], dispatcher: Dispatcher): readonly ShadowPolicy[] {
  return messages.map((message, i) => configAt(`request_mirror_policies[${i}]`, () => new Mirror(message, dispatcher)));
}

class Mirror implements ShadowPolicy {
  readonly cluster: string;
  readonly clusterHeader: string;
  readonly runtimeKey: string;
  readonly fraction: FractionalPercent;
  readonly disableShadowHostSuffixAppend: boolean;
  readonly hostRewriteLiteral: string;
  private readonly mutations: HeaderMutations;
  private readonly dispatcher: Dispatcher;

  constructor(message: MirrorMessage, dispatcher: Dispatcher) {
    requireOneCluster(message);
    refuseFields(message, 'envoy.config.route.v3.RouteAction.RequestMirrorPolicy', { traceSampled: 'trace_sampled' });
    const runtime = message.runtimeFraction;
    this.cluster = message.cluster;
    this.clusterHeader = asciiLowerCase(toByteString(message.clusterHeader));
    this.runtimeKey = runtime?.runtimeKey ?? '';
    this.fraction = runtime === undefined ? HUNDRED_PERCENT : fractionalPercent(runtime.defaultValue);
    this.disableShadowHostSuffixAppend = message.disableShadowHostSuffixAppend;
    this.hostRewriteLiteral = toByteString(message.hostRewriteLiteral);
    this.mutations = new HeaderMutations(message.requestHeadersMutations, 'request_headers_mutations');
    this.dispatcher = dispatcher;
  }

  mutateHeaders(headers: HeaderMap, streamInfo: StreamInfo): void {
    if (this.mutations.isEmpty) return;
    this.mutations.evaluate(headers, new FormatContext(streamInfo, this.dispatcher.now(), headers));
  }
}

function requireOneCluster({ cluster, clusterHeader }: MirrorMessage): void {
  if (cluster !== '' && clusterHeader !== '') {
    throw new ConfigError(
      `Only one of cluster '${cluster}' or cluster_header '${clusterHeader}' in request mirror policy can be specified`,
    );
  }
  if (cluster === '' && clusterHeader === '') {
    throw new ConfigError('Exactly one of cluster or cluster_header in request mirror policy need to be specified');
  }
}
