import type { Any } from '@bufbuild/protobuf/wkt';
import type { Cluster } from '#api/envoy/config/cluster/v3/cluster_pb.js';
import type { Http1ProtocolOptions, Http2ProtocolOptions, HttpProtocolOptions as CommonOptions } from '#api/envoy/config/core/v3/protocol_pb.js';
import type { HttpProtocolOptions } from '#api/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.js';
import { DEFAULT_HTTP1_CLIENT_SETTINGS } from '../../codec/http1/settings.ts';
import type { Http1Settings } from '../../codec/http1/settings.ts';
import { DEFAULT_HTTP2_SETTINGS } from '../../codec/http2/index.ts';
import type { Http2Settings } from '../../codec/http2/index.ts';
import { http1ClientSettingsFromConfig } from '../../common/http1-settings.ts';
import { SAFE_HTTP2_OPTIONS, http2SettingsFromConfig } from '../../common/http2-settings.ts';
import { notYet, refuseFields } from '../../common/not-yet.ts';
import { ConfigError, configAt } from '../../contract/errors.ts';
import type { FactoryContext } from '../../contract/extension.ts';
import { durationMs, expectMessage } from '../../contract/message.ts';
import { PROTOCOL_HTTP2 } from '../../contract/stream-info.ts';
import type { Protocol } from '../../contract/stream-info.ts';

/** What a cluster's upstream connections speak, every default resolved. */
export interface UpstreamHttpOptions {
  /** 0 = off. */
  readonly idleTimeout: number;
  /** -1 = none. */
  readonly maxConnectionDuration: number;
  /** Percent of the duration added at random; 0 = none. */
  readonly maxConnectionDurationJitter: number;
  readonly maxHeadersCount: number;
  /** Of HTTP/1: 80 KiB unless set. */
  readonly maxResponseHeadersBytes: number;
  /** Of HTTP/2: 60 KiB unless set. */
  readonly maxHttp2HeadersBytes: number;
  /** -1 = none. */
  readonly maxStreamDuration: number;
  /** 0 = unlimited. */
  readonly maxRequestsPerConnection: number;
  readonly headersWithUnderscoresAction: number;
  readonly http1: Http1Settings;
  readonly http2: Http2Settings;
  readonly choice: ProtocolChoice;
}

/** What connections speak. */
export interface ProtocolChoice {
  /** HTTP/2 where the downstream does not decide. */
  readonly http2: boolean;
  /** The protocol in which the request came. */
  readonly asDownstream: boolean;
}

/** Whether a request that came over `downstream` goes out over HTTP/2. */
export function usesHttp2(choice: ProtocolChoice, downstream: Protocol): boolean {
  return choice.asDownstream && downstream >= 0 ? downstream >= PROTOCOL_HTTP2 : choice.http2;
}

const TYPE_NAME = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
const DEFAULT_IDLE_TIMEOUT = 3_600_000;
const DEFAULT_MAX_HEADERS = 100;
const DEFAULT_RESPONSE_KB = 80;
const DEFAULT_HTTP2_RESPONSE_KB = 60;
const HTTP1_ONLY: ProtocolChoice = { http2: false, asDownstream: false };
/** Cluster.ClusterProtocolSelection */
const USE_DOWNSTREAM_PROTOCOL = 1;

/** Without any options: HTTP/1.1 with Envoy's defaults. Shared, since most clusters of a big configuration have none. */
const DEFAULTS: UpstreamHttpOptions = resolve(undefined, DEFAULT_HTTP1_CLIENT_SETTINGS, DEFAULT_HTTP2_SETTINGS, HTTP1_ONLY, 0);

/**
 * Reads typed_extension_protocol_options and the deprecated fields of the cluster itself. `upstream_http_protocol_options` (SNI and names
 * of certificates) says nothing to plain connections, as in Envoy.
 */
export function readHttpOptions(cluster: Cluster, context: FactoryContext): UpstreamHttpOptions {
  const typed = readTyped(cluster.typedExtensionProtocolOptions, context);
  const clusterMax = cluster.maxRequestsPerConnection;
  if (typed === null) {
    if (!hasOwnOptions(cluster)) return DEFAULTS;
    const common = cluster.commonHttpProtocolOptions;
    return resolve(
      common,
      http1ClientSettingsFromConfig(cluster.httpProtocolOptions, common, context.messages),
      configAt('http2_protocol_options', () => readHttp2(cluster.http2ProtocolOptions, context)),
      ownChoice(cluster),
      clusterMax ?? 0,
    );
  }
  refuseFields(typed, 'HttpProtocolOptions', {
    httpFilters: 'http_filters',
    outlierDetection: 'outlier_detection',
    requestMirrorPolicies: 'request_mirror_policies',
    hashPolicy: 'hash_policy',
    retryPolicy: 'retry_policy',
  });
  if (typed.headerValidationConfig !== undefined) {
    const name = typed.headerValidationConfig.name;
    throw new ConfigError(`This Envoy binary does not support header validator extensions: '${name}'`, { path: 'header_validation_config' });
  }
  const common = typed.commonHttpProtocolOptions;
  if (clusterMax !== undefined && common?.maxRequestsPerConnection !== undefined) {
    const why = 'Only one of max_requests_per_connection from Cluster or HttpProtocolOptions can be specified';
    throw new ConfigError(why, { path: 'max_requests_per_connection' });
  }
  const { http1, http2, choice } = readProtocols(typed, cluster.name, context);
  return resolve(common, http1ClientSettingsFromConfig(http1, common, context.messages), http2, choice, clusterMax ?? 0);
}

function hasOwnOptions(cluster: Cluster): boolean {
  return (
    cluster.commonHttpProtocolOptions !== undefined || cluster.httpProtocolOptions !== undefined || cluster.http2ProtocolOptions !== undefined ||
    cluster.maxRequestsPerConnection !== undefined || Number(cluster.protocolSelection) !== 0
  );
}

/** By the deprecated fields. */
function ownChoice(cluster: Cluster): ProtocolChoice {
  const asDownstream = Number(cluster.protocolSelection) === USE_DOWNSTREAM_PROTOCOL;
  if (!asDownstream && cluster.httpProtocolOptions !== undefined && cluster.http2ProtocolOptions !== undefined) {
    const why = "cluster: Both HTTP1 and HTTP2 options may only be configured with non-default 'protocol_selection' values";
    throw new ConfigError(why, { path: 'protocol_selection' });
  }
  return { http2: cluster.http2ProtocolOptions !== undefined, asDownstream };
}

function readHttp2(options: Http2ProtocolOptions | undefined, context: FactoryContext): Http2Settings {
  return http2SettingsFromConfig(options, { safeDefaults: context.runtime.snapshot().runtimeFeatureEnabled(SAFE_HTTP2_OPTIONS) });
}

function readTyped(options: { readonly [key: string]: Any }, context: FactoryContext): HttpProtocolOptions | null {
  let found: HttpProtocolOptions | null = null;
  for (const [name, any] of Object.entries(options)) {
    const path = `typed_extension_protocol_options[${name}]`;
    if (!any.typeUrl.endsWith(`/${TYPE_NAME}`)) {
      configAt(path, () => context.registry.find('envoy.upstream_options', any, name));
      throw notYet(`protocol options ${name}`, path);
    }
    if (name !== TYPE_NAME) {
      throw new ConfigError(`Didn't find a registered network or http filter or protocol options implementation for name: '${name}'`, {
        path,
        hint: `the key is '${TYPE_NAME}'`,
      });
    }
    found = configAt(path, () => expectMessage<HttpProtocolOptions>(context.messages.unpack(any, ''), TYPE_NAME));
  }
  return found;
}

interface Protocols {
  readonly http1: Http1ProtocolOptions | undefined;
  readonly http2: Http2Settings;
  readonly choice: ProtocolChoice;
}

function readProtocols(message: HttpProtocolOptions, cluster: string, context: FactoryContext): Protocols {
  const options = message.upstreamProtocolOptions;
  if (options.case === 'explicitHttpConfig') {
    const protocol = options.value.protocolConfig;
    if (protocol.case === 'http3ProtocolOptions') throw notYet('HTTP/3 upstreams', 'explicit_http_config');
    const isHttp2 = protocol.case === 'http2ProtocolOptions';
    const http2 = configAt('explicit_http_config.http2_protocol_options', () => readHttp2(isHttp2 ? protocol.value : undefined, context));
    return { http1: isHttp2 ? undefined : protocol.value, http2, choice: { http2: isHttp2, asDownstream: false } };
  }
  if (options.case === 'useDownstreamProtocolConfig') {
    const path = 'use_downstream_protocol_config';
    const { httpProtocolOptions, http2ProtocolOptions, http3ProtocolOptions } = options.value;
    if (http3ProtocolOptions !== undefined) throw notYet('HTTP/3 upstreams', `${path}.http3_protocol_options`);
    const http2 = configAt(`${path}.http2_protocol_options`, () => readHttp2(http2ProtocolOptions, context));
    return { http1: httpProtocolOptions, http2, choice: { http2: http2ProtocolOptions !== undefined, asDownstream: true } };
  }
  if (options.case === 'autoConfig') {
    // It is ALPN that chooses, and only TLS has that.
    throw new ConfigError(`ALPN configured for cluster ${cluster} which has a non-ALPN transport socket`, {
      path: 'auto_config', hint: 'use explicit_http_config or use_downstream_protocol_config on plain connections',
    });
  }
  return { http1: undefined, http2: readHttp2(undefined, context), choice: HTTP1_ONLY };
}

function resolve(
  common: CommonOptions | undefined, http1: Http1Settings, http2: Http2Settings, choice: ProtocolChoice, clusterMaxRequests: number,
): UpstreamHttpOptions {
  if (common?.maxConnectionDuration !== undefined && durationMs(common.maxConnectionDuration, 0) <= 0) {
    throw new ConfigError('max_connection_duration must be greater than 0', { path: 'common_http_protocol_options.max_connection_duration' });
  }
  return {
    idleTimeout: durationMs(common?.idleTimeout, DEFAULT_IDLE_TIMEOUT),
    maxConnectionDuration: durationMs(common?.maxConnectionDuration, -1),
    maxConnectionDurationJitter: common?.maxConnectionDurationJitter?.value ?? 0,
    maxHeadersCount: common?.maxHeadersCount ?? DEFAULT_MAX_HEADERS,
    maxResponseHeadersBytes: (common?.maxResponseHeadersKb ?? DEFAULT_RESPONSE_KB) * 1_024,
    maxHttp2HeadersBytes: (common?.maxResponseHeadersKb ?? DEFAULT_HTTP2_RESPONSE_KB) * 1_024,
    maxStreamDuration: durationMs(common?.maxStreamDuration, -1),
    maxRequestsPerConnection: common?.maxRequestsPerConnection ?? clusterMaxRequests,
    headersWithUnderscoresAction: common?.headersWithUnderscoresAction ?? 0,
    http1,
    http2,
    choice,
  };
}
