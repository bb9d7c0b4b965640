import type { Http1ProtocolOptions, HttpProtocolOptions } from '#api/envoy/config/core/v3/protocol_pb.js';
import type { PreserveCaseFormatterConfig } from '#api/envoy/extensions/http/header_formatters/preserve_case/v3/preserve_case_pb.js';
import {
  DEFAULT_HTTP1_CLIENT_SETTINGS,
  DEFAULT_HTTP1_SETTINGS,
  http1Settings,
  KEY_FORMAT_LOWER,
  KEY_FORMAT_PRESERVE_CASE,
  KEY_FORMAT_PROPER_CASE,
} from '../codec/http1/settings.ts';
import type { HeadersWithUnderscoresAction, Http1Settings } from '../codec/http1/settings.ts';
import { ConfigError, configAt } from '../contract/errors.ts';
import type { MessageUnpacker } from '../contract/extension.ts';
import { expectMessage } from '../contract/message.ts';
import { toByteString } from './byte-string.ts';
import { buildStringMatcher } from './matchers/string-matcher.ts';

const PRESERVE_CASE = 'envoy.extensions.http.header_formatters.preserve_case.v3.PreserveCaseFormatterConfig';

/** What surrounds the options of a server connection: fields of the connection manager. */
export interface ServerSurroundings {
  /** `max_request_headers_kb`, KiB; undefined = 60. */
  readonly maxRequestHeadersKb?: number | undefined;
  /** `stream_error_on_invalid_http_message` of the connection manager. */
  readonly streamErrorOnInvalidHttpMessage: boolean;
  /** `use_remote_address` with `xff_num_trusted_hops` 0: an edge, where `https` targets on plain connections are refused. */
  readonly validateScheme: boolean;
}

type Options = Http1ProtocolOptions | undefined;
type CommonOptions = HttpProtocolOptions | undefined;

/** Settings of the connection manager's codec. Throws ConfigError with a path below `http_protocol_options`. */
export function http1SettingsFromConfig(options: Options, common: CommonOptions, unpacker: MessageUnpacker, around: ServerSurroundings): Http1Settings {
  return http1Settings(
    {
      ...shared(options, common, unpacker),
      maxHeadBytes: (around.maxRequestHeadersKb ?? 60) * 1024,
      streamErrorOnInvalidHttpMessage: options?.overrideStreamErrorOnInvalidHttpMessage ?? around.streamErrorOnInvalidHttpMessage,
      validateScheme: around.validateScheme,
    },
    DEFAULT_HTTP1_SETTINGS,
  );
}

/** Settings of a cluster's codec. */
export function http1ClientSettingsFromConfig(options: Options, common: CommonOptions, unpacker: MessageUnpacker): Http1Settings {
  return http1Settings(
    {
      ...shared(options, common, unpacker),
      // Envoy judges the names of requests only.
      headersWithUnderscoresAction: 0,
      maxHeadBytes: (common?.maxResponseHeadersKb ?? 80) * 1024,
      streamErrorOnInvalidHttpMessage: options?.overrideStreamErrorOnInvalidHttpMessage ?? false,
    },
    DEFAULT_HTTP1_CLIENT_SETTINGS,
  );
}

function shared(options: Options, common: CommonOptions, unpacker: MessageUnpacker): Partial<Http1Settings> {
  const action: HeadersWithUnderscoresAction = common?.headersWithUnderscoresAction ?? 0;
  const limits = { maxHeadersCount: common?.maxHeadersCount ?? 100, headersWithUnderscoresAction: action };
  if (options === undefined) return limits;
  return {
    ...limits,
    allowAbsoluteUrl: options.allowAbsoluteUrl ?? true,
    acceptHttp10: options.acceptHttp10,
    defaultHostForHttp10: toByteString(options.defaultHostForHttp10),
    enableTrailers: options.enableTrailers,
    allowChunkedLength: options.allowChunkedLength,
    sendFullyQualifiedUrl: options.sendFullyQualifiedUrl,
    allowCustomMethods: options.allowCustomMethods,
    ignoreUpgrade: ignoredUpgrades(options),
    ...keyFormat(options, unpacker),
  };
}

function ignoredUpgrades(options: Http1ProtocolOptions): ((token: string) => boolean) | null {
  if (options.ignoreHttp11Upgrade.length === 0) return null;
  const matchers = options.ignoreHttp11Upgrade.map((each, i) => configAt(`ignore_http_11_upgrade[${i}]`, () => buildStringMatcher(each)));
  return (token) => matchers.some((matcher) => matcher.matches(token));
}

function keyFormat(options: Http1ProtocolOptions, unpacker: MessageUnpacker): Partial<Http1Settings> {
  const format = options.headerKeyFormat?.headerFormat;
  switch (format?.case) {
    case 'properCaseWords':
      return { headerKeyFormat: KEY_FORMAT_PROPER_CASE };
    case 'statefulFormatter':
      return configAt('header_key_format.stateful_formatter', () => {
        const any = format.value.typedConfig;
        if (any === undefined) throw new ConfigError('typed_config is required', { hint: `set typed_config with @type ${PRESERVE_CASE}` });
        const config = expectMessage<PreserveCaseFormatterConfig>(unpacker.unpack(any, 'typed_config'), PRESERVE_CASE);
        return {
          headerKeyFormat: KEY_FORMAT_PRESERVE_CASE,
          forwardReasonPhrase: config.forwardReasonPhrase,
          properCaseOnEnvoyHeaders: config.formatterTypeOnEnvoyHeaders === 1,
        };
      });
    default:
      return { headerKeyFormat: KEY_FORMAT_LOWER };
  }
}
