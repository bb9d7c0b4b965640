/**
 * Response flags: what happened to a request besides its status (Envoy's CoreResponseFlag, access log `%RESPONSE_FLAGS%`).
 * A set of flags is two 32-bit masks in Envoy's order; a flag is its index in `RESPONSE_FLAGS`.
 */
export const FLAG_FAILED_LOCAL_HEALTH_CHECK = 0;
export const FLAG_NO_HEALTHY_UPSTREAM = 1;
export const FLAG_UPSTREAM_REQUEST_TIMEOUT = 2;
export const FLAG_LOCAL_RESET = 3;
export const FLAG_UPSTREAM_REMOTE_RESET = 4;
export const FLAG_UPSTREAM_CONNECTION_FAILURE = 5;
export const FLAG_UPSTREAM_CONNECTION_TERMINATION = 6;
export const FLAG_UPSTREAM_OVERFLOW = 7;
export const FLAG_NO_ROUTE_FOUND = 8;
export const FLAG_DELAY_INJECTED = 9;
export const FLAG_FAULT_INJECTED = 10;
export const FLAG_RATE_LIMITED = 11;
export const FLAG_UNAUTHORIZED_EXTERNAL_SERVICE = 12;
export const FLAG_RATE_LIMIT_SERVICE_ERROR = 13;
export const FLAG_DOWNSTREAM_CONNECTION_TERMINATION = 14;
export const FLAG_UPSTREAM_RETRY_LIMIT_EXCEEDED = 15;
export const FLAG_STREAM_IDLE_TIMEOUT = 16;
export const FLAG_INVALID_ENVOY_REQUEST_HEADERS = 17;
export const FLAG_DOWNSTREAM_PROTOCOL_ERROR = 18;
export const FLAG_UPSTREAM_MAX_STREAM_DURATION_REACHED = 19;
export const FLAG_RESPONSE_FROM_CACHE_FILTER = 20;
export const FLAG_NO_FILTER_CONFIG_FOUND = 21;
export const FLAG_DURATION_TIMEOUT = 22;
export const FLAG_UPSTREAM_PROTOCOL_ERROR = 23;
export const FLAG_NO_CLUSTER_FOUND = 24;
export const FLAG_OVERLOAD_MANAGER = 25;
export const FLAG_DNS_RESOLUTION_FAILED = 26;
export const FLAG_DROP_OVERLOAD = 27;
export const FLAG_DOWNSTREAM_REMOTE_RESET = 28;
export const FLAG_UNCONDITIONAL_DROP_OVERLOAD = 29;

export interface ResponseFlagName {
  readonly short: string;
  readonly long: string;
}

/** Index = flag; the order in which several are printed. */
export const RESPONSE_FLAGS: readonly ResponseFlagName[] = [
  { short: 'LH', long: 'FailedLocalHealthCheck' },
  { short: 'UH', long: 'NoHealthyUpstream' },
  { short: 'UT', long: 'UpstreamRequestTimeout' },
  { short: 'LR', long: 'LocalReset' },
  { short: 'UR', long: 'UpstreamRemoteReset' },
  { short: 'UF', long: 'UpstreamConnectionFailure' },
  { short: 'UC', long: 'UpstreamConnectionTermination' },
  { short: 'UO', long: 'UpstreamOverflow' },
  { short: 'NR', long: 'NoRouteFound' },
  { short: 'DI', long: 'DelayInjected' },
  { short: 'FI', long: 'FaultInjected' },
  { short: 'RL', long: 'RateLimited' },
  { short: 'UAEX', long: 'UnauthorizedExternalService' },
  { short: 'RLSE', long: 'RateLimitServiceError' },
  { short: 'DC', long: 'DownstreamConnectionTermination' },
  { short: 'URX', long: 'UpstreamRetryLimitExceeded' },
  { short: 'SI', long: 'StreamIdleTimeout' },
  { short: 'IH', long: 'InvalidEnvoyRequestHeaders' },
  { short: 'DPE', long: 'DownstreamProtocolError' },
  { short: 'UMSDR', long: 'UpstreamMaxStreamDurationReached' },
  { short: 'RFCF', long: 'ResponseFromCacheFilter' },
  { short: 'NFCF', long: 'NoFilterConfigFound' },
  { short: 'DT', long: 'DurationTimeout' },
  { short: 'UPE', long: 'UpstreamProtocolError' },
  { short: 'NC', long: 'NoClusterFound' },
  { short: 'OM', long: 'OverloadManagerTerminated' },
  { short: 'DF', long: 'DnsResolutionFailed' },
  { short: 'DO', long: 'DropOverload' },
  { short: 'DR', long: 'DownstreamRemoteReset' },
  { short: 'UDO', long: 'UnconditionalDropOverload' },
];
