/**
 * What replaces a field that Envoy's API once had. The first column is the message's full name, or its last part(s) after a `*`
 * for a field that was removed from many messages.
 */
const REMOVED: readonly (readonly [string, string, string])[] = [
  ['envoy.config.listener.v3.FilterChain', 'tls_context', 'v2 field; use transport_socket with name envoy.transport_sockets.tls and a typed_config of type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext'],
  ['envoy.config.cluster.v3.Cluster', 'tls_context', 'v2 field; use transport_socket with name envoy.transport_sockets.tls and a typed_config of type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext'],
  ['envoy.config.cluster.v3.Cluster', 'hosts', 'v2 field; use load_assignment: {cluster_name: ..., endpoints: [{lb_endpoints: [{endpoint: {address: ...}}]}]}'],
  ['envoy.config.cluster.v3.Cluster', 'extension_protocol_options', 'v2 field; use typed_extension_protocol_options'],
  ['envoy.config.listener.v3.Filter', 'config', 'v2 field; use typed_config with "@type"'],
  ['envoy.config.listener.v3.Filter', 'deprecated_v1', 'v1 field; use typed_config with "@type"'],
  ['envoy.config.listener.v3.ListenerFilter', 'config', 'v2 field; use typed_config with "@type"'],
  ['envoy.config.listener.v3.FilterChainMatch', 'sni_domains', 'v2 field; use server_names'],
  ['envoy.config.listener.v3.Listener', 'deprecated_v1', 'v1 field; use bind_to_port'],
  ['envoy.config.core.v3.TransportSocket', 'config', 'v2 field; use typed_config with "@type"'],
  ['envoy.config.core.v3.HealthCheck.CustomHealthCheck', 'config', 'v2 field; use typed_config with "@type"'],
  ['envoy.config.core.v3.HealthCheck.HttpHealthCheck', 'use_http2', 'v2 field; use codec_client_type: HTTP2'],
  ['envoy.config.core.v3.HealthCheck.HttpHealthCheck', 'service_name', 'v2 field; use service_name_matcher: {prefix: ...}'],
  ['envoy.config.core.v3.GrpcService.GoogleGrpc.CallCredentials.MetadataCredentialsFromPlugin', 'config', 'v2 field; use typed_config with "@type"'],
  ['envoy.config.accesslog.v3.AccessLog', 'config', 'v2 field; use typed_config with "@type"'],
  ['envoy.config.accesslog.v3.ExtensionFilter', 'config', 'v2 field; use typed_config with "@type"'],
  ['envoy.config.metrics.v3.StatsSink', 'config', 'v2 field; use typed_config with "@type"'],
  ['envoy.config.trace.v3.Tracing.Http', 'config', 'v2 field; use typed_config with "@type"'],
  ['envoy.config.overload.v3.ResourceMonitor', 'config', 'v2 field; use typed_config with "@type"'],
  ['envoy.config.cluster.v3.Cluster.CustomClusterType', 'config', 'v2 field; use typed_config with "@type"'],
  ['envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter', 'config', 'v2 field; use typed_config with "@type"'],
  ['envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter', 'deprecated_v1', 'v1 field; use typed_config with "@type"'],
  ['envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager', 'ratelimit', 'rate limits are a filter: add envoy.filters.http.ratelimit to http_filters, and rate_limits to the routes'],
  ['envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager', 'rate_limits', 'rate limits belong to a virtual host or a route, not to the connection manager'],
  ['envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager', 'idle_timeout', 'v2 field; use common_http_protocol_options: {idle_timeout: ...}'],
  ['envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.Tracing', 'operation_name', 'v2 field; use traffic_direction of the listener (INBOUND or OUTBOUND)'],
  ['envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.Tracing', 'request_headers_for_tags', 'v2 field; use custom_tags: [{tag: ..., request_header: {name: ...}}]'],
  ['envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy', 'deprecated_v1', 'v1 field; use filter chain matches and one tcp_proxy for each'],
  ['envoy.config.route.v3.VirtualHost', 'per_filter_config', 'v2 field; use typed_per_filter_config, each value with "@type"'],
  ['envoy.config.route.v3.Route', 'per_filter_config', 'v2 field; use typed_per_filter_config, each value with "@type"'],
  ['envoy.config.route.v3.WeightedCluster.ClusterWeight', 'per_filter_config', 'v2 field; use typed_per_filter_config, each value with "@type"'],
  ['envoy.config.route.v3.RouteMatch', 'regex', 'v2 field; use safe_regex: {regex: ...}'],
  ['envoy.config.route.v3.HeaderMatcher', 'regex_match', 'v2 field; use string_match: {safe_regex: {regex: ...}}'],
  ['envoy.config.route.v3.QueryParameterMatcher', 'value', 'v2 field; use string_match: {exact: ...}'],
  ['envoy.config.route.v3.QueryParameterMatcher', 'regex', 'v2 field; use string_match: {safe_regex: {regex: ...}}'],
  ['envoy.config.route.v3.RouteAction', 'request_mirror_policy', 'v2 field; use request_mirror_policies, a list'],
  ['envoy.config.route.v3.RouteAction', 'host_rewrite', 'v2 field; use host_rewrite_literal'],
  ['envoy.config.route.v3.RouteAction', 'auto_host_rewrite_header', 'v2 field; use host_rewrite_header'],
  ['envoy.config.route.v3.RetryPolicy.RetryPriority', 'config', 'v2 field; use typed_config with "@type"'],
  ['envoy.config.route.v3.RetryPolicy.RetryHostPredicate', 'config', 'v2 field; use typed_config with "@type"'],
  ['envoy.config.route.v3.CorsPolicy', 'allow_origin', 'v2 field; use allow_origin_string_match: [{exact: ...}]'],
  ['envoy.config.route.v3.CorsPolicy', 'allow_origin_regex', 'v2 field; use allow_origin_string_match: [{safe_regex: {regex: ...}}]'],
  ['envoy.config.route.v3.CorsPolicy', 'enabled', 'v2 field; use filter_enabled: {default_value: {numerator: 100, denominator: HUNDRED}}'],
  ['envoy.type.matcher.v3.StringMatcher', 'regex', 'v2 field; use safe_regex: {regex: ...}'],
  ['envoy.config.bootstrap.v3.Bootstrap', 'runtime', 'v2 field; use layered_runtime: {layers: [{name: ..., disk_layer: {symlink_root: ..., subdirectory: ...}}]}'],
  ['envoy.config.bootstrap.v3.Bootstrap', 'rate_limit_service', 'v2 field; the rate limit filter names its service: rate_limit_service in its typed_config'],
  ['envoy.config.bootstrap.v3.Bootstrap.DynamicResources', 'deprecated_v1', 'v1 field; use cds_config and lds_config'],
  ['envoy.config.bootstrap.v3.Bootstrap', 'clusters', 'put it under static_resources'],
  ['envoy.config.bootstrap.v3.Bootstrap', 'listeners', 'put it under static_resources'],
  ['envoy.config.bootstrap.v3.Bootstrap', 'secrets', 'put it under static_resources'],
  ['envoy.config.core.v3.Node', 'build_version', 'v2 field; use user_agent_build_version'],
  ['envoy.config.endpoint.v3.ClusterLoadAssignment.Policy', 'disable_overprovisioning', 'v2 field, without a successor'],
  ['envoy.extensions.transport_sockets.tls.v3.CertificateValidationContext', 'verify_subject_alt_name', 'v2 field; use match_typed_subject_alt_names: [{san_type: DNS, matcher: {exact: ...}}]'],
];

const byField = new Map(REMOVED.map(([type, field, hint]) => [`${type} ${field}`, hint]));

/** What to write instead of a field that `typeName` once had, or undefined when it never had it. */
export function removedFieldHint(typeName: string, field: string): string | undefined {
  return byField.get(`${typeName} ${field}`);
}
