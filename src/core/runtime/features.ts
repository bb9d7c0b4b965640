/**
 * Defaults of `envoy.reloadable_features.*` and `envoy.restart_features.*` (source/common/runtime/runtime_features.cc, with the guards
 * that the change logs up to 1.40 name). Nearly all are on: what is listed is what is off.
 */
const OFF_RELOADABLE: readonly string[] = [
  'test_feature_false', 'unified_mux', 'runtime_initialized', 'always_use_v6', 'quic_reject_all', 'enable_universal_header_validator',
  'reresolve_null_addresses', 'reresolve_if_no_connections', 'dns_cache_set_ip_version_to_remove',
  'dns_cache_filter_unusable_ip_version', 'drain_pools_on_network_change', 'quic_no_tcp_delay', 'http3_happy_eyeballs',
  'use_canonical_suffix_for_quic_brokenness', 'use_canonical_suffix_for_srtt', 'use_canonical_suffix_for_initial_rtt_estimate',
  'log_ip_families_on_network_error', 'mobile_ipv6_probe_simple_filtering', 'mobile_ipv6_probe_advanced_filtering',
  'connection_close_through_filter_manager', 'xdstp_based_config_singleton_subscriptions', 'google_grpc_disable_tls_13',
  'allow_multiplexed_upstream_half_close', 'ext_proc_graceful_grpc_close', 'getaddrinfo_no_ai_flags', 'remove_legacy_route_formatter',
  'reverse_conn_force_local_reply', 'abort_when_accessing_dead_decoder', 'http_11_proxy_connect_legacy_format',
  'fixed_heap_use_allocated', 'reject_early_connect_data', 'http2_use_oghttp2',
];
const OFF_RESTART: readonly string[] = [
  'upstream_http_filters_with_tcp_proxy', 'xds_failover_support', 'use_cached_grpc_client_for_xds',
];

export const RELOADABLE_PREFIX = 'envoy.reloadable_features.';
export const RESTART_PREFIX = 'envoy.restart_features.';

const off = new Set<string>([
  ...OFF_RELOADABLE.map((name) => RELOADABLE_PREFIX + name),
  ...OFF_RESTART.map((name) => RESTART_PREFIX + name),
]);

/** Built-in default of a feature given by its full name. */
export function featureDefault(name: string): boolean {
  return !off.has(name);
}
