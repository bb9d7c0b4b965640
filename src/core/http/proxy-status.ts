import {
  FLAG_DNS_RESOLUTION_FAILED, FLAG_DOWNSTREAM_CONNECTION_TERMINATION, FLAG_DOWNSTREAM_PROTOCOL_ERROR, FLAG_DOWNSTREAM_REMOTE_RESET,
  FLAG_DROP_OVERLOAD, FLAG_DURATION_TIMEOUT, FLAG_FAILED_LOCAL_HEALTH_CHECK, FLAG_FAULT_INJECTED, FLAG_INVALID_ENVOY_REQUEST_HEADERS,
  FLAG_LOCAL_RESET, FLAG_NO_CLUSTER_FOUND, FLAG_NO_FILTER_CONFIG_FOUND, FLAG_NO_HEALTHY_UPSTREAM, FLAG_NO_ROUTE_FOUND,
  FLAG_OVERLOAD_MANAGER, FLAG_RATE_LIMITED, FLAG_RATE_LIMIT_SERVICE_ERROR, FLAG_STREAM_IDLE_TIMEOUT,
  FLAG_UNAUTHORIZED_EXTERNAL_SERVICE, FLAG_UPSTREAM_CONNECTION_FAILURE, FLAG_UPSTREAM_CONNECTION_TERMINATION,
  FLAG_UPSTREAM_MAX_STREAM_DURATION_REACHED, FLAG_UPSTREAM_OVERFLOW, FLAG_UPSTREAM_PROTOCOL_ERROR, FLAG_UPSTREAM_REMOTE_RESET,
  FLAG_UPSTREAM_REQUEST_TIMEOUT, FLAG_UPSTREAM_RETRY_LIMIT_EXCEEDED, RESPONSE_FLAGS,
} from '../../contract/response-flags.ts';
import type { HeaderMap } from '../../contract/header-map.ts';
import type { StreamInfo } from '../../contract/stream-info.ts';
import { statusString } from './codes.ts';

/** `proxy_status_config` of a connection manager, resolved. */
export interface ProxyStatusConfig {
  readonly proxyName: string;
  readonly removeDetails: boolean;
  readonly removeConnectionTerminationDetails: boolean;
  readonly removeResponseFlags: boolean;
  readonly setRecommendedResponseCode: boolean;
}

/** Flag and its error type, in the order in which Envoy looks for them. */
const ERRORS: readonly (readonly [flag: number, error: string])[] = [
  [FLAG_FAILED_LOCAL_HEALTH_CHECK, 'destination_unavailable'],
  [FLAG_NO_HEALTHY_UPSTREAM, 'destination_unavailable'],
  [FLAG_UPSTREAM_REQUEST_TIMEOUT, 'http_response_timeout'],
  [FLAG_DURATION_TIMEOUT, 'connection_timeout'],
  [FLAG_LOCAL_RESET, 'connection_timeout'],
  [FLAG_UPSTREAM_REMOTE_RESET, 'connection_terminated'],
  [FLAG_UPSTREAM_CONNECTION_FAILURE, 'connection_refused'],
  [FLAG_UNAUTHORIZED_EXTERNAL_SERVICE, 'connection_refused'],
  [FLAG_UPSTREAM_CONNECTION_TERMINATION, 'connection_terminated'],
  [FLAG_OVERLOAD_MANAGER, 'connection_limit_reached'],
  [FLAG_DROP_OVERLOAD, 'connection_limit_reached'],
  [FLAG_FAULT_INJECTED, 'http_request_error'],
  [FLAG_DOWNSTREAM_CONNECTION_TERMINATION, 'connection_terminated'],
  [FLAG_DOWNSTREAM_REMOTE_RESET, 'connection_terminated'],
  [FLAG_UPSTREAM_OVERFLOW, 'connection_limit_reached'],
  [FLAG_NO_ROUTE_FOUND, 'destination_not_found'],
  [FLAG_RATE_LIMITED, 'connection_limit_reached'],
  [FLAG_RATE_LIMIT_SERVICE_ERROR, 'connection_limit_reached'],
  [FLAG_UPSTREAM_RETRY_LIMIT_EXCEEDED, 'destination_unavailable'],
  [FLAG_STREAM_IDLE_TIMEOUT, 'http_response_timeout'],
  [FLAG_INVALID_ENVOY_REQUEST_HEADERS, 'http_request_error'],
  [FLAG_DOWNSTREAM_PROTOCOL_ERROR, 'http_request_error'],
  [FLAG_UPSTREAM_MAX_STREAM_DURATION_REACHED, 'http_response_timeout'],
  [FLAG_NO_FILTER_CONFIG_FOUND, 'proxy_configuration_error'],
  [FLAG_UPSTREAM_PROTOCOL_ERROR, 'http_protocol_error'],
  [FLAG_NO_CLUSTER_FOUND, 'destination_unavailable'],
  [FLAG_DNS_RESOLUTION_FAILED, 'dns_error'],
];

/** RFC 9209 section 2.3; errors that are not here recommend nothing. */
const RECOMMENDED: Readonly<Record<string, number>> = {
  connection_timeout: 504,
  http_response_timeout: 504,
  dns_error: 502,
  connection_refused: 502,
  connection_terminated: 502,
  http_protocol_error: 502,
  destination_not_found: 500,
  proxy_configuration_error: 500,
  destination_unavailable: 503,
  connection_limit_reached: 503,
};

/** Adds `proxy-status` (RFC 9209) to a response that went wrong here. */
export function setProxyStatus(headers: HeaderMap, info: StreamInfo, config: ProxyStatusConfig): void {
  const error = proxyStatusError(info);
  if (error === null) return;
  headers.append('proxy-status', proxyStatusValue(error, info, config), ', ');
  const code = config.setRecommendedResponseCode ? RECOMMENDED[error] : undefined;
  if (code !== undefined) headers.set(':status', statusString(code));
}

function proxyStatusError(info: StreamInfo): string | null {
  if (info.responseFlags === 0) return null;
  for (const [flag, error] of ERRORS) if (info.hasResponseFlag(flag)) return error;
  return null;
}

function proxyStatusValue(error: string, info: StreamInfo, config: ProxyStatusConfig): string {
  let value = `${config.proxyName}; error=${error}`;
  if (config.removeDetails || info.responseCodeDetails === '') return value;
  let details = info.responseCodeDetails;
  if (!config.removeConnectionTerminationDetails && info.connectionTerminationDetails !== '') {
    details += `; ${info.connectionTerminationDetails}`;
  }
  if (!config.removeResponseFlags) {
    const flags = RESPONSE_FLAGS.filter((_, flag) => info.hasResponseFlag(flag)).map((flag) => flag.short);
    if (flags.length > 0) details += `; ${flags.join(',')}`;
  }
  value += `; details="${details.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n').replaceAll('\t', '\\t').replaceAll('\r', '\\r')}"`;
  return value;
}
