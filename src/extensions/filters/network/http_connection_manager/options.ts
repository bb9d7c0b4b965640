import type { HttpConnectionManager } from '#api/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import type { UuidRequestIdConfig } from '#api/envoy/extensions/request_id/uuid/v3/uuid_pb.js';
import { toByteString } from '../../../../common/byte-string.ts';
import { ConfigError, configAt } from '../../../../contract/errors.ts';
import type { FactoryContext } from '../../../../contract/extension.ts';
import { durationMs, expectMessage } from '../../../../contract/message.ts';
import type { ConnectionManagerConfig } from '../../../../core/http/conn-manager-config.ts';
import { PATH_KEEP_UNCHANGED, PATH_REJECT_REQUEST, PATH_UNESCAPE_AND_FORWARD, PATH_UNESCAPE_AND_REDIRECT } from '../../../../core/http/path-util.ts';
import type { EscapedSlashesAction, PathOptions } from '../../../../core/http/path-util.ts';
import type { ProxyStatusConfig } from '../../../../core/http/proxy-status.ts';
import { UuidRequestId } from '../../../../core/http/request-id.ts';

/** Milliseconds, whole as Envoy takes them. */
function wholeMs(duration: { readonly seconds: bigint; readonly nanos: number } | undefined, fallback: number): number {
  return Math.trunc(durationMs(duration, fallback));
}

const HOUR_MS = 3_600_000;
const STREAM_IDLE_MS = 300_000;

type Durations = Pick<
  ConnectionManagerConfig,
  | 'idleTimeout' | 'maxConnectionDuration' | 'maxConnectionDurationJitter' | 'http1SafeMaxConnectionDuration' | 'maxStreamDuration'
  | 'streamIdleTimeout' | 'streamFlushTimeout' | 'flushFollowsIdle' | 'requestTimeout' | 'requestHeadersTimeout' | 'drainTimeout' | 'drainTimeoutJitter'
  | 'delayedCloseTimeout' | 'maxRequestsPerConnection'
>;

export function durations(config: HttpConnectionManager): Durations {
  const common = config.commonHttpProtocolOptions;
  const streamIdle = wholeMs(config.streamIdleTimeout, STREAM_IDLE_MS);
  return {
    idleTimeout: wholeMs(common?.idleTimeout, HOUR_MS),
    maxConnectionDuration: wholeMs(common?.maxConnectionDuration, 0),
    maxConnectionDurationJitter: (common?.maxConnectionDurationJitter?.value ?? 0) / 100,
    http1SafeMaxConnectionDuration: config.http1SafeMaxConnectionDuration,
    maxStreamDuration: wholeMs(common?.maxStreamDuration, 0),
    streamIdleTimeout: streamIdle,
    streamFlushTimeout: wholeMs(config.streamFlushTimeout, streamIdle),
    flushFollowsIdle: config.streamFlushTimeout === undefined,
    requestTimeout: wholeMs(config.requestTimeout, 0),
    requestHeadersTimeout: wholeMs(config.requestHeadersTimeout, 0),
    drainTimeout: wholeMs(config.drainTimeout, 5_000),
    drainTimeoutJitter: (config.drainTimeoutJitter?.value ?? 0) / 100,
    delayedCloseTimeout: wholeMs(config.delayedCloseTimeout, 1_000),
    maxRequestsPerConnection: common?.maxRequestsPerConnection ?? 0,
  };
}

export function pathOptions(config: HttpConnectionManager, context: FactoryContext): PathOptions {
  const runtime = context.runtime.snapshot();
  return Object.freeze({
    normalizePath: config.normalizePath ?? drawnAtLoad('http_connection_manager.normalize_path', false, context),
    mergeSlashes: config.mergeSlashes,
    escapedSlashes: escapedSlashes(config.pathWithEscapedSlashesAction, context),
    rejectFragment: runtime.runtimeFeatureEnabled('envoy.reloadable_features.http_reject_path_with_fragment'),
  });
}

/** Index = PathWithEscapedSlashesAction; 0 = by runtime. */
const ACTIONS: readonly EscapedSlashesAction[] = [
  PATH_KEEP_UNCHANGED, PATH_KEEP_UNCHANGED, PATH_REJECT_REQUEST, PATH_UNESCAPE_AND_REDIRECT, PATH_UNESCAPE_AND_FORWARD,
];

/** A runtime fraction that is drawn once, as in Envoy. Without a value there is nothing to draw, and no random number to be had. */
function drawnAtLoad(key: string, byDefault: boolean, context: FactoryContext): boolean {
  const runtime = context.runtime.snapshot();
  if (runtime.getString(key) === undefined) return byDefault;
  return runtime.featureEnabled(key, { numerator: byDefault ? 100 : 0, denominator: 100 }, context.dispatcher.random.uint32());
}

function escapedSlashes(action: number, context: FactoryContext): EscapedSlashesAction {
  const runtime = context.runtime.snapshot();
  const key = 'http_connection_manager.path_with_escaped_slashes_action';
  if (!drawnAtLoad(`${key}_enabled`, true, context)) return PATH_KEEP_UNCHANGED;
  return ACTIONS[action === 0 ? runtime.getInteger(key, 0) : action] ?? PATH_KEEP_UNCHANGED;
}

export function proxyStatusConfig(config: HttpConnectionManager, context: FactoryContext): ProxyStatusConfig | null {
  const status = config.proxyStatusConfig;
  if (status === undefined) return null;
  const name = status.proxyName;
  const serverName = config.serverName === '' ? 'envoy' : config.serverName;
  const proxyName = name.case === 'literalProxyName' ? name.value : name.case === 'useNodeId' ? context.localInfo.nodeId : serverName;
  return Object.freeze({
    proxyName: toByteString(proxyName),
    removeDetails: status.removeDetails,
    removeConnectionTerminationDetails: status.removeConnectionTerminationDetails,
    removeResponseFlags: status.removeResponseFlags,
    setRecommendedResponseCode: status.setRecommendedResponseCode,
  });
}

const UUID_CONFIG = 'envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig';

export function requestIdOf(config: HttpConnectionManager, context: FactoryContext): UuidRequestId {
  const any = config.requestIdExtension?.typedConfig;
  const random = context.dispatcher.random;
  if (any === undefined) return new UuidRequestId(random, true, true);
  return configAt('request_id_extension', () => {
    context.registry.find('envoy.request_id', any, '');
    const uuid = expectMessage<UuidRequestIdConfig>(context.messages.unpack(any, 'typed_config'), UUID_CONFIG);
    return new UuidRequestId(random, uuid.packTraceReason ?? true, uuid.useRequestIdForTraceSampling ?? true);
  });
}

type AccessLogOptions = Pick<
  ConnectionManagerConfig, 'flushAccessLogOnNewRequest' | 'flushAccessLogOnTunnelEstablished' | 'accessLogFlushInterval'
>;

export function accessLogOptions(config: HttpConnectionManager): AccessLogOptions {
  const options = config.accessLogOptions;
  if (options === undefined) {
    return {
      flushAccessLogOnNewRequest: config.flushAccessLogOnNewRequest,
      flushAccessLogOnTunnelEstablished: false,
      accessLogFlushInterval: wholeMs(config.accessLogFlushInterval, 0),
    };
  }
  if (config.flushAccessLogOnNewRequest) throw onlyOne('flush_access_log_on_new_request');
  if (config.accessLogFlushInterval !== undefined) throw onlyOne('access_log_flush_interval');
  return {
    flushAccessLogOnNewRequest: options.flushAccessLogOnNewRequest,
    flushAccessLogOnTunnelEstablished: options.flushLogOnTunnelSuccessfullyEstablished,
    accessLogFlushInterval: wholeMs(options.accessLogFlushInterval, 0),
  };
}

function onlyOne(field: string): ConfigError {
  return new ConfigError(`Only one of ${field} or access_log_options can be specified.`, { path: field });
}
