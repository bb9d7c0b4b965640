import type { HttpConnectionManager } from '#api/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import { Http1ServerConnection } from '../../../../codec/http1/index.ts';
import type { Http1CodecStats } from '../../../../codec/http1/index.ts';
import { Http2ServerConnection } from '../../../../codec/http2/index.ts';
import type { Http2CodecStats, Http2ConnectionOptions } from '../../../../codec/http2/index.ts';
import { http1SettingsFromConfig } from '../../../../common/http1-settings.ts';
import { SAFE_HTTP2_OPTIONS, http2SettingsFromConfig } from '../../../../common/http2-settings.ts';
import { notYet } from '../../../../common/not-yet.ts';
import { configAt } from '../../../../contract/errors.ts';
import type { FactoryContext } from '../../../../contract/extension.ts';
import type { Connection } from '../../../../contract/network.ts';
import type { Scope } from '../../../../contract/stats.ts';
import type { ConnectionManagerConfig } from '../../../../core/http/conn-manager-config.ts';
import { bindHttp2Stats } from '../../../../core/http/http2-stats.ts';
import { startsAsHttp2 } from '../../../../core/http/preface.ts';

/** HttpConnectionManager.CodecType */
const AUTO = 0;
const HTTP1 = 1;
const HTTP2 = 2;
const HTTP3 = 3;

const DEFAULT_MAX_REQUEST_HEADERS_KB = 60;
const DEFAULT_MAX_HEADERS = 100;

type CodecOptions = Pick<ConnectionManagerConfig, 'createCodec' | 'inspectPreface' | 'http2Keepalive' | 'http2Stats'>;

/** `codec_type` and the options of the codecs. */
export function codecOptions(config: HttpConnectionManager, context: FactoryContext): CodecOptions {
  const type = Number(config.codecType);
  if (type === HTTP3) throw notYet('HTTP/3 (codec_type: HTTP3)', 'codec_type', 'AUTO serves HTTP/1.1 and HTTP/2');
  const http1 = configAt('http_protocol_options', () =>
    http1SettingsFromConfig(config.httpProtocolOptions, config.commonHttpProtocolOptions, context.messages, {
      maxRequestHeadersKb: config.maxRequestHeadersKb,
      streamErrorOnInvalidHttpMessage: config.streamErrorOnInvalidHttpMessage ?? false,
      validateScheme: config.xffNumTrustedHops === 0 && (config.useRemoteAddress ?? false),
    }));
  const http2 = configAt('http2_protocol_options', () =>
    http2SettingsFromConfig(config.http2ProtocolOptions, {
      streamErrorOnInvalidHttpMessage: config.streamErrorOnInvalidHttpMessage,
      safeDefaults: context.runtime.snapshot().runtimeFeatureEnabled(SAFE_HTTP2_OPTIONS),
    }));
  const common = config.commonHttpProtocolOptions;
  const limits: Omit<Http2ConnectionOptions, 'listener'> = {
    clock: context.dispatcher,
    maxHeadersBytes: (config.maxRequestHeadersKb ?? DEFAULT_MAX_REQUEST_HEADERS_KB) * 1024,
    maxHeadersCount: common?.maxHeadersCount ?? DEFAULT_MAX_HEADERS,
    headersWithUnderscoresAction: common?.headersWithUnderscoresAction ?? 0,
  };
  const http1Stats = bindHttp1Stats(context.rootScope);
  const http2Stats = lazyHttp2Stats(context.rootScope);
  return {
    inspectPreface: type === AUTO,
    http2Keepalive: http2.connectionKeepalive,
    http2Stats,
    createCodec: (connection, callbacks, firstBytes, network) => {
      if (type === HTTP2 || (type !== HTTP1 && speaksHttp2(network, firstBytes))) {
        return new Http2ServerConnection(connection, callbacks, http2, http2Stats(), { ...limits, listener: callbacks });
      }
      return new Http1ServerConnection(connection, callbacks, http1, http1Stats, { isSecure: network.ssl !== null, bufferLimit: network.bufferLimit });
    },
  };
}

/** What ALPN has agreed on, else what the first bytes say. */
function speaksHttp2(network: Connection, firstBytes: Buffer): boolean {
  const alpn = network.ssl?.alpn ?? '';
  return alpn === '' ? startsAsHttp2(firstBytes) : alpn === 'h2';
}

function lazyHttp2Stats(root: Scope): () => Http2CodecStats {
  let stats: Http2CodecStats | null = null;
  return () => (stats ??= bindHttp2Stats(root));
}

/** Codec statistics are the process's, not the connection manager's. */
function bindHttp1Stats(root: Scope): Http1CodecStats {
  const scope = root.scope('http1');
  return {
    droppedHeadersWithUnderscores: scope.counter('dropped_headers_with_underscores'),
    metadataNotSupportedError: scope.counter('metadata_not_supported_error'),
    requestsRejectedWithUnderscoresInHeaders: scope.counter('requests_rejected_with_underscores_in_headers'),
    responseFlood: scope.counter('response_flood'),
  };
}
