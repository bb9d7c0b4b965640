import { DEFAULT_HTTP1_SETTINGS, Http1ServerConnection } from '../../codec/http1/index.ts';
import type { Http1CodecStats } from '../../codec/http1/index.ts';
import { DEFAULT_HTTP2_SETTINGS, Http2ServerConnection, http2ConnectionOptions } from '../../codec/http2/index.ts';
import type { AccessLog } from '../../contract/access-log.ts';
import type { Address } from '../../contract/address.ts';
import type { FactoryContext } from '../../contract/extension.ts';
import type { RouteConfig } from '../../contract/route.ts';
import type { Scope } from '../../contract/stats.ts';
import { NO_CLIENT_CERT_DETAILS } from '../../core/http/client-cert.ts';
import { SERVER_OVERWRITE, STRIP_PORT_NONE, CLIENT_CERT_SANITIZE } from '../../core/http/conn-manager-config.ts';
import type { ConnectionManagerConfig } from '../../core/http/conn-manager-config.ts';
import { ConnectionManagerStats } from '../../core/http/conn-manager-stats.ts';
import { DateProvider } from '../../core/http/date-provider.ts';
import { bindHttp2Stats } from '../../core/http/http2-stats.ts';
import { LocalReply } from '../../core/http/local-reply.ts';
import { PATH_KEEP_UNCHANGED } from '../../core/http/path-util.ts';
import { startsAsHttp2 } from '../../core/http/preface.ts';
import { UuidRequestId } from '../../core/http/request-id.ts';
import { AdminFilter } from './admin-filter.ts';
import type { AdminRouter } from './router.ts';

const FILTER_NAME = 'envoy.filters.http.admin';

/** Admin has no routes. */
const NO_ROUTES: RouteConfig = {
  name: '',
  route: () => null,
  internalOnlyHeaders: [],
  ignorePathParametersInPathMatching: false,
};

/** Connection manager of the admin listener (Envoy's AdminImpl is its own ConnectionManagerConfig too). */
export function adminConnectionManager(context: FactoryContext, router: AdminRouter, accessLogs: readonly AccessLog[]): ConnectionManagerConfig {
  const codecStats = http1Stats(context.rootScope);
  return {
    dispatcher: context.dispatcher,
    runtime: context.runtime,
    clusterManager: context.clusterManager,
    drainDecision: context.drainDecision,
    logger: context.loggers.get('admin'),
    date: new DateProvider(context.dispatcher),
    stats: new ConnectionManagerStats(context.rootScope, context.listenerScope, 'admin', false),
    routeConfigProvider: { config: () => NO_ROUTES },
    filterChainFactory: {
      createFilterChain: (manager) => manager.addStreamDecoderFilter(FILTER_NAME, new AdminFilter(router)),
      createUpgradeFilterChain: () => false,
    },
    accessLogs,
    localReply: new LocalReply([], null),
    listenerName: 'admin',
    createCodec: (connection, callbacks, firstBytes, network) => {
      if (!startsAsHttp2(firstBytes)) {
        return new Http1ServerConnection(connection, callbacks, DEFAULT_HTTP1_SETTINGS, codecStats, { bufferLimit: network.bufferLimit });
      }
      const options = http2ConnectionOptions(context.dispatcher, { listener: callbacks });
      return new Http2ServerConnection(connection, callbacks, DEFAULT_HTTP2_SETTINGS, bindHttp2Stats(context.rootScope), options);
    },
    inspectPreface: true,
    http2Keepalive: null,
    http2Stats: () => bindHttp2Stats(context.rootScope),
    idleTimeout: 3_600_000,
    maxConnectionDuration: 0,
    maxConnectionDurationJitter: 0,
    http1SafeMaxConnectionDuration: false,
    maxStreamDuration: 0,
    upstreamHalfClose: false,
    streamIdleTimeout: 0,
    streamFlushTimeout: 0,
    flushFollowsIdle: true,
    requestTimeout: 0,
    requestHeadersTimeout: 0,
    drainTimeout: 100,
    drainTimeoutJitter: 0,
    delayedCloseTimeout: 1_000,
    maxRequestsPerConnection: 0,
    useRemoteAddress: true,
    xffNumTrustedHops: 0,
    skipXffAppend: false,
    originalIpDetection: [],
    earlyHeaderMutations: [],
    isInternalAddress: (_address: Address) => false,
    appendXForwardedPort: false,
    schemeToSet: '',
    schemeMatchesUpstream: false,
    forwardProto: null,
    userAgent: null,
    nodeId: context.localInfo.nodeId,
    via: '',
    requestId: new UuidRequestId(context.dispatcher.random, true, true),
    generateRequestId: false,
    preserveExternalRequestId: false,
    alwaysSetRequestIdInResponse: false,
    forwardClientCert: CLIENT_CERT_SANITIZE,
    clientCertDetails: NO_CLIENT_CERT_DETAILS,
    serverName: 'envoy',
    serverHeaderTransformation: SERVER_OVERWRITE,
    proxyStatus: null,
    path: { normalizePath: true, mergeSlashes: true, escapedSlashes: PATH_KEEP_UNCHANGED, rejectFragment: true },
    stripPort: STRIP_PORT_NONE,
    stripTrailingHostDot: false,
    proxy100Continue: false,
    flushAccessLogOnNewRequest: false,
    flushAccessLogOnTunnelEstablished: false,
    accessLogFlushInterval: 0,
  };
}

function http1Stats(root: Scope): Http1CodecStats {
  const scope = root.scope('http1');
  return {
    droppedHeadersWithUnderscores: scope.counter('dropped_headers_with_underscores'),
    metadataNotSupportedError: scope.counter('metadata_not_supported_error'),
    requestsRejectedWithUnderscoresInHeaders: scope.counter('requests_rejected_with_underscores_in_headers'),
    responseFlood: scope.counter('response_flood'),
  };
}
