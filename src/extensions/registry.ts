import { ExtensionRegistry } from './extension-registry.ts';
import type { AnyFactory } from './extension-registry.ts';
import { BUILT_IN } from './built-in.ts';
import { fileAccessLog } from './access_loggers/file/index.ts';
import { stderrAccessLog, stdoutAccessLog } from './access_loggers/stream/index.ts';
import { bufferFilter } from './filters/http/buffer/index.ts';
import { connectGrpcBridgeFilter } from './filters/http/connect_grpc_bridge/index.ts';
import { grpcFieldExtractionFilter } from './filters/http/grpc_field_extraction/index.ts';
import { grpcHttp1BridgeFilter } from './filters/http/grpc_http1_bridge/index.ts';
import { grpcHttp1ReverseBridgeFilter } from './filters/http/grpc_http1_reverse_bridge/index.ts';
import { grpcJsonReverseTranscoderFilter } from './filters/http/grpc_json_reverse_transcoder/index.ts';
import { grpcJsonTranscoderFilter } from './filters/http/grpc_json_transcoder/index.ts';
import { grpcStatsFilter } from './filters/http/grpc_stats/index.ts';
import { grpcWebFilter } from './filters/http/grpc_web/index.ts';
import { headerMutationFilter } from './filters/http/header_mutation/index.ts';
import { healthCheckFilter } from './filters/http/health_check/index.ts';
import { routerFilter } from './filters/http/router/index.ts';
import { connectionLimitFilter } from './filters/network/connection_limit/index.ts';
import { httpInspector } from './filters/listener/http_inspector/index.ts';
import { proxyProtocolFilter } from './filters/listener/proxy_protocol/index.ts';
import { tlsInspector } from './filters/listener/tls_inspector/index.ts';
import { directResponseFilter } from './filters/network/direct_response/index.ts';
import { echoFilter } from './filters/network/echo/index.ts';
import { httpConnectionManager } from './filters/network/http_connection_manager/index.ts';
import { localRateLimitFilter } from './filters/network/local_ratelimit/index.ts';
import { networkRbacFilter } from './filters/network/rbac/index.ts';
import { setFilterStateFilter } from './filters/network/set_filter_state/index.ts';
import { sniClusterFilter } from './filters/network/sni_cluster/index.ts';
import { tcpProxyFilter } from './filters/network/tcp_proxy/index.ts';
import { earlyHeaderMutation } from './http/early_header_mutation/header_mutation/index.ts';
import { xffOriginalIpDetection } from './http/original_ip_detection/xff/index.ts';
import { uuidRequestId } from './request_id/uuid/index.ts';
import { rawBufferDownstream, rawBufferUpstream } from './transport_sockets/raw_buffer/index.ts';
import { tlsDownstream, tlsUpstream } from './transport_sockets/tls/index.ts';

/**
 * All extensions of nuncio: the one explicit list (no registration by import). docs/user/status.md is made from it. An extension is added
 * by one line here.
 */
export const EXTENSIONS: readonly AnyFactory[] = [
  // envoy.filters.http
  bufferFilter,
  connectGrpcBridgeFilter,
  grpcFieldExtractionFilter,
  grpcHttp1BridgeFilter,
  grpcHttp1ReverseBridgeFilter,
  grpcJsonReverseTranscoderFilter,
  grpcJsonTranscoderFilter,
  grpcStatsFilter,
  grpcWebFilter,
  headerMutationFilter,
  healthCheckFilter,
  routerFilter,
  // envoy.filters.listener
  httpInspector,
  proxyProtocolFilter,
  tlsInspector,
  // envoy.filters.network
  connectionLimitFilter,
  directResponseFilter,
  echoFilter,
  httpConnectionManager,
  localRateLimitFilter,
  networkRbacFilter,
  setFilterStateFilter,
  sniClusterFilter,
  tcpProxyFilter,
  // parts of the connection manager
  earlyHeaderMutation,
  xffOriginalIpDetection,
  uuidRequestId,
  rawBufferDownstream,
  rawBufferUpstream,
  tlsDownstream,
  tlsUpstream,
  // envoy.access_loggers
  fileAccessLog,
  stdoutAccessLog,
  stderrAccessLog,
  ...BUILT_IN,
];

/** The extensions of this program, by type. */
export const registry = new ExtensionRegistry(EXTENSIONS);
