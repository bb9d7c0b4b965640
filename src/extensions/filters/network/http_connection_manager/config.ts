import type { Message } from '@bufbuild/protobuf';
import type { HttpConnectionManager } from '#api/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import { toByteString } from '../../../../common/byte-string.ts';
import { notYet, refuseFields } from '../../../../common/not-yet.ts';
import { ConfigError, configAt } from '../../../../contract/errors.ts';
import type { FactoryContext } from '../../../../contract/extension.ts';
import { expectMessage } from '../../../../contract/message.ts';
import { buildAccessLogs } from '../../../../core/access-log/build-access-logs.ts';
import { STRIP_PORT_ANY, STRIP_PORT_MATCHING, STRIP_PORT_NONE } from '../../../../core/http/conn-manager-config.ts';
import type { ConnectionManagerConfig, StripPort } from '../../../../core/http/conn-manager-config.ts';
import { ConnectionManagerStats } from '../../../../core/http/conn-manager-stats.ts';
import { DateProvider } from '../../../../core/http/date-provider.ts';
import { buildRouteConfig } from '../../../../core/router/config/build-route-config.ts';
import { clientAddressOptions } from './client-address.ts';
import { codecOptions } from './codec.ts';
import { buildFilterChain } from './filters.ts';
import { buildLocalReply } from './local-reply.ts';
import { accessLogOptions, durations, pathOptions, proxyStatusConfig, requestIdOf } from './options.ts';

/** HttpConnectionManager.ForwardClientCertFormat */
const CLIENT_CERT_FORMAT_JSON = 1;

export const HTTP_CONNECTION_MANAGER = 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';

/**
 * HttpConnectionManager → the engine's configuration, every default resolved. ConfigError with paths from the message.
 *
 * Without effect here: `http3_protocol_options` (Envoy reads it on QUIC listeners only),
 * `add_proxy_protocol_connection_state` (read by an upstream transport
 * socket that is not there yet), `append_local_overload` (no overload manager yet).
 */
export function connectionManagerConfig(message: Message, context: FactoryContext): ConnectionManagerConfig {
  const config = expectMessage<HttpConnectionManager>(message, HTTP_CONNECTION_MANAGER);
  refuseUnsupported(config);
  const statPrefix = toByteString(config.statPrefix);
  const stats = new ConnectionManagerStats(context.rootScope, context.listenerScope, statPrefix);
  const scheme = config.schemeHeaderTransformation;
  return Object.freeze({
    dispatcher: context.dispatcher,
    runtime: context.runtime,
    clusterManager: context.clusterManager,
    drainDecision: context.drainDecision,
    logger: context.loggers.get('http'),
    date: new DateProvider(context.dispatcher),
    stats,
    routeConfigProvider: routes(config, context),
    filterChainFactory: buildFilterChain(config, `http.${statPrefix}.`, context),
    accessLogs: configAt('access_log', () => buildAccessLogs(config.accessLog, context)),
    localReply: buildLocalReply(config.localReplyConfig, context),
    listenerName: context.listener.name,
    ...codecOptions(config, context),
    ...durations(config),
    ...clientAddressOptions(config, context),
    appendXForwardedPort: config.appendXForwardedPort,
    schemeToSet: scheme?.transformation.case === 'schemeToOverwrite' ? scheme.transformation.value : '',
    schemeMatchesUpstream: scheme?.transformation.case !== 'schemeToOverwrite' && (scheme?.matchUpstream ?? false),
    forwardProto: config.forwardProtoConfig === undefined
      ? null
      : { https: config.forwardProtoConfig.httpsDestinationPorts, http: config.forwardProtoConfig.httpDestinationPorts },
    userAgent: config.addUserAgent === true ? toByteString(context.localInfo.clusterName) : null,
    nodeId: toByteString(context.localInfo.nodeId),
    via: toByteString(config.via),
    requestId: requestIdOf(config, context),
    generateRequestId: config.generateRequestId ?? true,
    preserveExternalRequestId: config.preserveExternalRequestId,
    alwaysSetRequestIdInResponse: config.alwaysSetRequestIdInResponse,
    forwardClientCert: config.forwardClientCertDetails,
    clientCertDetails: clientCertDetails(config),
    serverName: config.serverName === '' ? 'envoy' : toByteString(config.serverName),
    serverHeaderTransformation: config.serverHeaderTransformation,
    proxyStatus: proxyStatusConfig(config, context),
    path: pathOptions(config, context),
    stripPort: stripPort(config),
    stripTrailingHostDot: config.stripTrailingHostDot,
    proxy100Continue: config.proxy100Continue,
    upstreamHalfClose: context.runtime.snapshot().runtimeFeatureEnabled('envoy.reloadable_features.allow_multiplexed_upstream_half_close'),
    ...accessLogOptions(config),
  });
}

/** What Envoy has here and nuncio has not yet: an error, never silence. */
function refuseUnsupported(config: HttpConnectionManager): void {
  if (config.routeSpecifier.case === 'rds') throw notYet('RDS', 'rds', 'give the routes in route_config');
  if (config.routeSpecifier.case === 'scopedRoutes') throw notYet('scoped routes', 'scoped_routes', 'give the routes in route_config');
  refuseFields(config, 'HttpConnectionManager', {
    tracing: 'tracing', forwardClientCertMatcher: 'forward_client_cert_matcher', pathNormalizationOptions: 'path_normalization_options',
    representIpv4RemoteAddressAsIpv4MappedIpv6: 'represent_ipv4_remote_address_as_ipv4_mapped_ipv6',
    recordRouteResolutionStats: 'record_route_resolution_stats',
  });
  if (config.typedHeaderValidationConfig !== undefined) {
    const name = config.typedHeaderValidationConfig.name;
    throw new ConfigError(`This Envoy binary does not support header validator extensions.: '${name}'`, { path: 'typed_header_validation_config' });
  }
  if (config.commonHttpProtocolOptions?.maxResponseHeadersKb !== undefined) {
    const path = 'common_http_protocol_options.max_response_headers_kb';
    throw new ConfigError('Error: max_response_headers_kb cannot be set on http_connection_manager.', { path });
  }
}

function clientCertDetails(config: HttpConnectionManager): ConnectionManagerConfig['clientCertDetails'] {
  const details = config.setCurrentClientCertDetails;
  return {
    cert: details?.cert ?? false, chain: details?.chain ?? false, subject: details?.subject ?? false, uri: details?.uri ?? false,
    dns: details?.dns ?? false, issuer: details?.issuer ?? false, json: details !== undefined && Number(details.format) === CLIENT_CERT_FORMAT_JSON,
  };
}

function routes(config: HttpConnectionManager, context: FactoryContext): ConnectionManagerConfig['routeConfigProvider'] {
  const specifier = config.routeSpecifier;
  if (specifier.case !== 'routeConfig') throw new ConfigError('one of rds, route_config or scoped_routes is required', { path: 'route_config' });
  const table = configAt('route_config', () => buildRouteConfig(specifier.value, context, { validateClusters: true }));
  return { config: () => table };
}

function stripPort(config: HttpConnectionManager): StripPort {
  const any = config.stripPortMode.case === 'stripAnyHostPort' && config.stripPortMode.value;
  if (any && config.stripMatchingHostPort) {
    throw new ConfigError('Error: Only one of `strip_matching_host_port` or `strip_any_host_port` can be set.', { path: 'strip_any_host_port' });
  }
  if (any) return STRIP_PORT_ANY;
  return config.stripMatchingHostPort ? STRIP_PORT_MATCHING : STRIP_PORT_NONE;
}
