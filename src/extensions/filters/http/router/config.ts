import type { Message } from '@bufbuild/protobuf';
import type { Router } from '#api/envoy/extensions/filters/http/router/v3/router_pb.js';
import { asciiLowerCase } from '../../../../common/byte-string.ts';
import { notYet } from '../../../../common/not-yet.ts';
import { configAt } from '../../../../contract/errors.ts';
import type { FactoryContext } from '../../../../contract/extension.ts';
import { durationMs, expectMessage } from '../../../../contract/message.ts';
import { buildAccessLogs } from '../../../../core/access-log/build-access-logs.ts';
import { RouterStats } from '../../../../core/router/router-config.ts';
import type { RouterConfig } from '../../../../core/router/router-config.ts';
import { TimerPool } from '../../../../core/router/timer-pool.ts';

export const ROUTER = 'envoy.extensions.filters.http.router.v3.Router';
const UPSTREAM_CODEC = 'envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec';

/** Router → the engine's configuration. `start_child_span` waits for tracing: without a tracer Envoy makes no spans either. */
export function routerConfig(message: Message, statPrefix: string, context: FactoryContext): RouterConfig {
  const config = expectMessage<Router>(message, ROUTER);
  refuseUpstreamFilters(config);
  const options = config.upstreamLogOptions;
  const runtime = context.runtime.snapshot();
  return Object.freeze({
    dispatcher: context.dispatcher,
    clusterManager: context.clusterManager,
    asyncClients: context.asyncClients,
    runtime: context.runtime,
    logger: context.loggers.get('router'),
    rootScope: context.rootScope,
    stats: new RouterStats(context.rootScope.scope(statPrefix.replace(/\.$/, ''))),
    timers: new TimerPool(context.dispatcher),
    zone: context.localInfo.zone,
    dynamicStats: config.dynamicStats ?? true,
    suppressEnvoyHeaders: config.suppressEnvoyHeaders,
    respectExpectedRqTimeout: config.respectExpectedRqTimeout,
    suppressGrpcRequestFailureCodeStats: config.suppressGrpcRequestFailureCodeStats,
    strictCheckHeaders: config.strictCheckHeaders.map(asciiLowerCase),
    upstreamLogs: configAt('upstream_log', () => buildAccessLogs(config.upstreamLog, context)),
    flushUpstreamLogOnUpstreamStream: options?.flushUpstreamLogOnUpstreamStream ?? false,
    upstreamLogFlushInterval: Math.trunc(durationMs(options?.upstreamLogFlushInterval, 0)),
    rejectEarlyConnectData: config.rejectConnectRequestEarlyData
      ?? runtime.runtimeFeatureEnabled('envoy.reloadable_features.reject_early_connect_data'),
    upstreamHalfClose: runtime.runtimeFeatureEnabled('envoy.reloadable_features.allow_multiplexed_upstream_half_close'),
  });
}

/** The codec filter alone is what nuncio does anyway. */
function refuseUpstreamFilters(config: Router): void {
  config.upstreamHttpFilters.forEach((filter, i) => {
    const any = filter.configType.case === 'typedConfig' ? filter.configType.value : undefined;
    if (config.upstreamHttpFilters.length === 1 && any?.typeUrl.endsWith(`/${UPSTREAM_CODEC}`) === true) return;
    throw notYet('upstream HTTP filters', `upstream_http_filters[${i}]`);
  });
}
