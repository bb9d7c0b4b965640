import type { TagExtractorRule } from './tags.ts';

/**
 * Envoy 1.40's default tags, in the order in which they are tried (reference: stats, "Default tag extraction"). Tags with a regular
 * expression come before those with tokens.
 */
const ADDRESS = String.raw`(?:(?:\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[[a-fA-F_\d]+\])_\d+)`;
const VALUE = String.raw`[^\.]+`;
const OWNER = String.raw`(?:listener|cluster)\..*?`;

function regex(name: string, source: string, options: { substring?: string; except?: string } = {}): TagExtractorRule {
  return { name, regex: new RegExp(source, 'd'), ...options };
}

function tokens(name: string, pattern: string): TagExtractorRule {
  return { name, tokens: pattern };
}

export const DEFAULT_TAG_EXTRACTORS: readonly TagExtractorRule[] = [
  regex('envoy.response_code', String.raw`_rq(_(\d{3}))$`, { substring: '_rq_' }),
  regex('envoy.response_code_class', String.raw`_rq_((\d))xx$`, { substring: '_rq_' }),
  regex('envoy.dynamo_partition_id', String.raw`^http\.${VALUE}\.dynamodb\.table\.${VALUE}\.capacity\.${VALUE}(\.__partition_id=(\w{7}))$`, { substring: '.dynamodb.table.' }),
  regex('envoy.dynamo_operation', String.raw`^http\.${VALUE}\.dynamodb.(?:operation|table\.${VALUE}\.capacity)(\.(${VALUE}))(?:\.|$)`, { substring: '.dynamodb.' }),
  regex('envoy.dynamo_table', String.raw`^http\.${VALUE}\.dynamodb.(?:table|error)\.((${VALUE})\.)`, { substring: '.dynamodb.' }),
  regex('envoy.ssl_cipher', String.raw`^listener\..*?\.ssl\.ciphers(\.([\w-]+))$`, { substring: '.ssl.ciphers.' }),
  regex('envoy.ssl_curve', String.raw`^${OWNER}\.ssl\.curves(\.([\w-]+))$`, { substring: '.ssl.curves.' }),
  regex('envoy.ssl_sigalg', String.raw`^${OWNER}\.ssl\.sigalgs(\.([\w-]+))$`, { substring: '.ssl.sigalgs.' }),
  regex('envoy.ssl_version', String.raw`^${OWNER}\.ssl\.versions(\.(TLSv\d\.\d))$`, { substring: '.ssl.versions.' }),
  regex('cipher_suite', String.raw`^cluster\.${VALUE}\.ssl\.ciphers(\.([\w-]+))$`, { substring: '.ssl.ciphers.' }),
  regex('envoy.http_conn_manager_prefix', String.raw`^listener\..*?\.http\.((${VALUE})\.)`, { substring: '.http.' }),
  regex('envoy.worker_id', String.raw`^(?:listener\.(?:${ADDRESS}|${VALUE})|server|listener_manager|thread_local_cluster_manager)\.worker_((\d+)\.)`),
  regex('envoy.listener_address', String.raw`^listener\.((${ADDRESS}|${VALUE})\.)`, { except: 'admin' }),
  regex('envoy.rds_route_config', String.raw`^http\.${VALUE}\.rds\.(([\w-\./]+)\.)\w+?$`, { substring: '.rds.' }),
  regex('envoy.scoped_rds_config', String.raw`^http\.${VALUE}\.scoped_rds\.(([\w-\.]+)\.)\w+?$`, { substring: '.scoped_rds.' }),
  regex('envoy.rbac_policy_name', String.raw`^http\.${VALUE}\.rbac\.(?:${VALUE}\.)?policy\.((${VALUE})\.)(allowed|shadow_allowed|denied|shadow_denied)$`),
  regex('envoy.rbac_http_prefix', String.raw`^http\.${VALUE}\.rbac\.((${VALUE})\.).*?`, { except: 'policy' }),
  regex('envoy.proxy_protocol_prefix', String.raw`^proxy_proto\.((${VALUE})\.).+$`, { except: 'versions' }),
  regex('envoy.proxy_protocol_version', String.raw`^proxy_proto\.((?:${VALUE}\.)?versions\.v(\d)\.)\w+$`),
  regex('envoy.tls_certificate', String.raw`^${OWNER}\.ssl\.certificate\.((${VALUE})\.).*$`, { substring: '.ssl.certificate' }),
  regex('envoy.xds_resource_name', String.raw`^sds\.((${VALUE})\.).+`),
  tokens('envoy.mongo_callsite', 'mongo.*.collection.*.callsite.$.query.**'),
  tokens('envoy.mongo_collection', 'mongo.*.collection.$.**.query.*'),
  tokens('envoy.mongo_cmd', 'mongo.*.cmd.$.**'),
  tokens('envoy.grpc_bridge_method', 'cluster.*.grpc.*.$.**'),
  tokens('envoy.http_user_agent', 'http.*.user_agent.$.**'),
  tokens('envoy.virtual_cluster', 'vhost.*.vcluster.$.**'),
  tokens('envoy.fault_downstream_cluster', 'http.*.fault.$.**'),
  tokens('envoy.grpc_bridge_service', 'cluster.*.grpc.$.**'),
  tokens('envoy.tcp_prefix', 'tcp.$.**'),
  tokens('envoy.udp_prefix', 'udp.$.**'),
  tokens('envoy.clientssl_prefix', 'auth.clientssl.$.**'),
  tokens('envoy.ratelimit_prefix', 'ratelimit.$.**'),
  tokens('envoy.cluster_name', 'cluster.$.**'),
  tokens('envoy.ext_authz_prefix', 'cluster.*.ext_authz.$.**'),
  tokens('envoy.ext_authz_prefix', 'http.*.ext_authz.$.**'),
  tokens('envoy.http_conn_manager_prefix', 'http.$.**'),
  tokens('envoy.virtual_host', 'vhost.$.**'),
  tokens('envoy.mongo_prefix', 'mongo.$.**'),
  tokens('envoy.route', 'vhost.*.route.$.**'),
  tokens('envoy.thrift_prefix', 'thrift.$.**'),
  tokens('envoy.redis_prefix', 'redis.$.**'),
  tokens('envoy.local_http_ratelimit_prefix', '$.http_local_rate_limit.**'),
  tokens('envoy.local_network_ratelimit_prefix', 'local_rate_limit.$.**'),
  tokens('envoy.local_listener_ratelimit_prefix', 'listener_local_ratelimit.$.**'),
  tokens('envoy.dns_filter_prefix', 'dns_filter.$.**'),
  tokens('envoy.connection_limit_prefix', 'connection_limit.$.**'),
  tokens('envoy.rbac_prefix', '$.rbac.**'),
  tokens('envoy.google_grpc_client_prefix', 'grpc.$.**'),
];
