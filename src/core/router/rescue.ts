import {
  RESET_CONNECTION_TERMINATION, RESET_CONNECTION_TIMEOUT, RESET_CONNECT_ERROR, RESET_HTTP1_PREMATURE_UPSTREAM_HALF_CLOSE,
  RESET_LOCAL_CONNECTION_FAILURE, RESET_LOCAL_REFUSED_STREAM, RESET_LOCAL_RESET, RESET_OVERFLOW, RESET_OVERLOAD_MANAGER,
  RESET_PROTOCOL_ERROR, RESET_REASON_TEXT, RESET_REMOTE_CONNECTION_FAILURE, RESET_REMOTE_REFUSED_STREAM, RESET_REMOTE_RESET,
} from '../../contract/codec.ts';
import type { StreamResetReason } from '../../contract/codec.ts';
import {
  FLAG_LOCAL_RESET, FLAG_NO_CLUSTER_FOUND, FLAG_NO_HEALTHY_UPSTREAM, FLAG_NO_ROUTE_FOUND, FLAG_OVERLOAD_MANAGER,
  FLAG_UPSTREAM_CONNECTION_FAILURE, FLAG_UPSTREAM_CONNECTION_TERMINATION, FLAG_UPSTREAM_MAX_STREAM_DURATION_REACHED,
  FLAG_UPSTREAM_OVERFLOW, FLAG_UPSTREAM_PROTOCOL_ERROR, FLAG_UPSTREAM_REMOTE_RESET, FLAG_UPSTREAM_REQUEST_TIMEOUT,
} from '../../contract/response-flags.ts';
import { POOL_FAILURE_LOCAL_CONNECTION, POOL_FAILURE_OVERFLOW, POOL_FAILURE_REMOTE_CONNECTION } from '../../contract/upstream.ts';
import type { PoolFailureReason } from '../../contract/upstream.ts';

/** How a failure of the upstream side is told to the client, the access log and the statistics. */
export interface Rescue {
  /** 0 = decided where it happens (cluster_not_found_response_code, timeouts by what was asked). */
  readonly status: number;
  /** Response flag, -1 = none. */
  readonly flag: number;
  readonly details: string;
  readonly body: string;
}

/** The one table of what the router answers itself. Bodies are Envoy's to the byte. */
export const RESCUE = {
  noRoute: { status: 404, flag: FLAG_NO_ROUTE_FOUND, details: 'route_not_found', body: '' },
  noCluster: { status: 0, flag: FLAG_NO_CLUSTER_FOUND, details: 'cluster_not_found', body: '' },
  maintenance: { status: 503, flag: FLAG_UPSTREAM_OVERFLOW, details: 'maintenance_mode', body: 'maintenance mode' },
  noHealthyUpstream: { status: 503, flag: FLAG_NO_HEALTHY_UPSTREAM, details: 'no_healthy_upstream', body: 'no healthy upstream' },
  timeout: { status: 504, flag: FLAG_UPSTREAM_REQUEST_TIMEOUT, details: 'response_timeout', body: 'upstream request timeout' },
  perTryTimeout: { status: 504, flag: FLAG_UPSTREAM_REQUEST_TIMEOUT, details: 'upstream_per_try_timeout', body: 'upstream request timeout' },
  perTryIdleTimeout: {
    status: 504, flag: FLAG_UPSTREAM_REQUEST_TIMEOUT, details: 'upstream_per_try_idle_timeout', body: 'upstream request timeout',
  },
  maxStreamDuration: {
    status: 0, flag: FLAG_UPSTREAM_MAX_STREAM_DURATION_REACHED, details: 'upstream_max_stream_duration_reached',
    body: 'upstream max stream duration reached',
  },
  retryBufferExceeded: {
    status: 507, flag: -1, details: 'request_payload_exceeded_retry_buffer_limit',
    body: 'exceeded request buffer limit while retrying upstream',
  },
  closedWhileDecoding: {
    status: 503, flag: -1, details: 'upstream_reset_before_response_started',
    body: 'upstream is closed prematurely during decoding data from downstream',
  },
  earlyConnectData: { status: 400, flag: -1, details: 'early_connect_data', body: '' },
} as const satisfies Record<string, Rescue>;

/** Flag of each reset reason. */
const RESET_FLAGS: Readonly<Record<StreamResetReason, number>> = {
  [RESET_LOCAL_RESET]: FLAG_LOCAL_RESET,
  [RESET_LOCAL_REFUSED_STREAM]: FLAG_LOCAL_RESET,
  [RESET_REMOTE_RESET]: FLAG_UPSTREAM_REMOTE_RESET,
  [RESET_REMOTE_REFUSED_STREAM]: FLAG_UPSTREAM_REMOTE_RESET,
  [RESET_LOCAL_CONNECTION_FAILURE]: FLAG_UPSTREAM_CONNECTION_FAILURE,
  [RESET_REMOTE_CONNECTION_FAILURE]: FLAG_UPSTREAM_CONNECTION_FAILURE,
  [RESET_CONNECTION_TIMEOUT]: FLAG_UPSTREAM_CONNECTION_FAILURE,
  [RESET_CONNECTION_TERMINATION]: FLAG_UPSTREAM_CONNECTION_TERMINATION,
  [RESET_OVERFLOW]: FLAG_UPSTREAM_OVERFLOW,
  [RESET_CONNECT_ERROR]: FLAG_UPSTREAM_REMOTE_RESET,
  [RESET_PROTOCOL_ERROR]: FLAG_UPSTREAM_PROTOCOL_ERROR,
  [RESET_OVERLOAD_MANAGER]: FLAG_OVERLOAD_MANAGER,
  [RESET_HTTP1_PREMATURE_UPSTREAM_HALF_CLOSE]: FLAG_LOCAL_RESET,
};

export function resetFlag(reason: StreamResetReason): number {
  return RESET_FLAGS[reason];
}

/** 502 says that the upstream broke the protocol; everything else is 503. */
export function resetStatus(reason: StreamResetReason): number {
  return reason === RESET_PROTOCOL_ERROR ? 502 : 503;
}

/**
 * An upstream stream was reset, or none could be had. The transport's reason goes to the log, not to the client (since 1.39;
 * guard `hide_transport_failure_reason_in_response_body`).
 */
export function rescueReset(reason: StreamResetReason, failure: string, isRetry: boolean, responseStarted: boolean): Rescue {
  const text = RESET_REASON_TEXT[reason];
  const moment = responseStarted ? 'upstream_reset_after_response_started' : 'upstream_reset_before_response_started';
  return {
    status: resetStatus(reason),
    flag: resetFlag(reason),
    details: `${moment}{${text}${failure === '' ? '' : `|${failure}`}}`.replaceAll(' ', '_'),
    body: `upstream connect error or disconnect/reset before headers. ${isRetry ? 'retried and the latest ' : ''}reset reason: ${text}`,
  };
}

/** What a pool's failure is in terms of a stream. */
export function poolFailureReset(reason: PoolFailureReason): StreamResetReason {
  switch (reason) {
    case POOL_FAILURE_OVERFLOW: return RESET_OVERFLOW;
    case POOL_FAILURE_REMOTE_CONNECTION: return RESET_REMOTE_CONNECTION_FAILURE;
    case POOL_FAILURE_LOCAL_CONNECTION: return RESET_LOCAL_CONNECTION_FAILURE;
    default: return RESET_CONNECTION_TIMEOUT;
  }
}
