import type { Any } from '@bufbuild/protobuf/wkt';
import type { Cluster } from '#api/envoy/config/cluster/v3/cluster_pb.js';
import type { Http1ProtocolOptions, HttpProtocolOptions as CommonOptions } from '#api/envoy/config/core/v3/protocol_pb.js';
import type { HttpProtocolOptions } from '#api/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.js';
import { DEFAULT_HTTP1_CLIENT_SETTINGS } from '../../codec/http1/settings.ts';
import type { Http1Settings } from '../../codec/http1/settings.ts';
import { http1ClientSettingsFromConfig } from '../../common/http1-settings.ts';
import { notYet, refuseFields } from '../../common/not-yet.ts';
import { ConfigError, configAt } from '../../contract/errors.ts';
import type { FactoryContext } from '../../contract/extension.ts';
import { durationMs, expectMessage } from '../../contract/message.ts';

/** What a cluster's upstream connections speak, every default resolved. */
export interface UpstreamHttpOptions {
  /** 0 = off. */
  readonly idleTimeout: number;
  /** -1 = none. */
  readonly maxConnectionDuration: number;
  /** Percent of the duration added at random; 0 = none. */
  readonly maxConnectionDurationJitter: number;
  readonly maxHeadersCount: number;
  readonly maxResponseHeadersBytes: number;
  /** -1 = none. */
  readonly maxStreamDuration: number;
  /** 0 = unlimited. */
  readonly maxRequestsPerConnection: number;
  readonly headersWithUnderscoresAction: number;
  readonly http1: Http1Settings;
}

const TYPE_NAME = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
const DEFAULT_IDLE_TIMEOUT = 3_600_000;
const DEFAULT_MAX_HEADERS = 100;
const DEFAULT_RESPONSE_KB = 80;

/** Without any options: HTTP/1.1 with Envoy's defaults. Shared, since most clusters of a big configuration have none. */
const DEFAULTS: UpstreamHttpOptions = resolve(undefined, DEFAULT_HTTP1_CLIENT_SETTINGS, 0);

/** Reads typed_extension_protocol_options and the deprecated fields of the cluster itself. */
export function readHttpOptions(cluster: Cluster, context: FactoryContext): UpstreamHttpOptions {
  const typed = readTyped(cluster.typedExtensionProtocolOptions, context);
  if (typed === null) {
    if (cluster.commonHttpProtocolOptions === undefined && cluster.httpProtocolOptions === undefined && cluster.maxRequestsPerConnection === undefined) {
      return DEFAULTS;
    }
    const common = cluster.commonHttpProtocolOptions;
    return resolve(common, http1ClientSettingsFromConfig(cluster.httpProtocolOptions, common, context.messages), cluster.maxRequestsPerConnection ?? 0);
  }
  refuseFields(typed, 'HttpProtocolOptions', {
    upstreamHttpProtocolOptions: 'upstream_http_protocol_options',
    httpFilters: 'http_filters',
    headerValidationConfig: 'header_validation_config',
    outlierDetection: 'outlier_detection',
    requestMirrorPolicies: 'request_mirror_policies',
    hashPolicy: 'hash_policy',
    retryPolicy: 'retry_policy',
  });
  const common = typed.commonHttpProtocolOptions;
  return resolve(common, http1ClientSettingsFromConfig(readHttp1(typed), common, context.messages), cluster.maxRequestsPerConnection ?? 0);
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

function readHttp1(message: HttpProtocolOptions): Http1ProtocolOptions | undefined {
  const choice = message.upstreamProtocolOptions;
  if (choice.case === 'explicitHttpConfig') {
    const protocol = choice.value.protocolConfig;
    if (protocol.case === 'httpProtocolOptions') return protocol.value;
    throw notYet(protocol.case === 'http3ProtocolOptions' ? 'HTTP/3 upstreams' : 'HTTP/2 upstreams', 'explicit_http_config');
  }
  if (choice.case === 'useDownstreamProtocolConfig') return choice.value.httpProtocolOptions;
  if (choice.case === 'autoConfig') throw notYet('auto_config (ALPN)', 'auto_config');
  return undefined;
}

function resolve(common: CommonOptions | undefined, http1: Http1Settings, clusterMaxRequests: number): UpstreamHttpOptions {
  if (common?.maxConnectionDuration !== undefined && durationMs(common.maxConnectionDuration, 0) <= 0) {
    throw new ConfigError('max_connection_duration must be greater than 0', { path: 'common_http_protocol_options.max_connection_duration' });
  }
  return {
    idleTimeout: durationMs(common?.idleTimeout, DEFAULT_IDLE_TIMEOUT),
    maxConnectionDuration: durationMs(common?.maxConnectionDuration, -1),
    maxConnectionDurationJitter: common?.maxConnectionDurationJitter?.value ?? 0,
    maxHeadersCount: common?.maxHeadersCount ?? DEFAULT_MAX_HEADERS,
    maxResponseHeadersBytes: (common?.maxResponseHeadersKb ?? DEFAULT_RESPONSE_KB) * 1_024,
    maxStreamDuration: durationMs(common?.maxStreamDuration, -1),
    maxRequestsPerConnection: common?.maxRequestsPerConnection ?? clusterMaxRequests,
    headersWithUnderscoresAction: common?.headersWithUnderscoresAction ?? 0,
    http1,
  };
}
