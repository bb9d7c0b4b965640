import type { TcpProxy_TunnelingConfig } from '#api/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.js';
import type { UuidRequestIdConfig } from '#api/envoy/extensions/request_id/uuid/v3/uuid_pb.js';
import { asciiLowerCase, toByteString } from '../../../../common/byte-string.ts';
import { TextFormatter } from '../../../../common/formatter/formatter.ts';
import { buildHeaderParser } from '../../../../common/header-parser.ts';
import type { HeaderParser } from '../../../../common/header-parser.ts';
import { notYet } from '../../../../common/not-yet.ts';
import type { Formatter } from '../../../../contract/access-log.ts';
import { ConfigError, configAt } from '../../../../contract/errors.ts';
import type { FactoryContext } from '../../../../contract/extension.ts';
import { expectMessage } from '../../../../contract/message.ts';
import { UuidRequestId } from '../../../../core/http/request-id.ts';

/** A TunnelingConfig message, defaults resolved: the session's bytes are the body of an HTTP request. */
export interface Tunneling {
  /** `:authority` of the request. */
  readonly hostname: Formatter;
  readonly usePost: boolean;
  /** `:path` of a POST. */
  readonly postPath: string;
  /** Null = none. */
  readonly headersToAdd: HeaderParser | null;
  readonly propagateResponseHeaders: boolean;
  readonly propagateResponseTrailers: boolean;
  /** Null = requests have no id. */
  readonly requestId: UuidRequestId | null;
  readonly requestIdHeader: string;
  readonly requestIdMetadataKey: string;
}

const UUID_CONFIG = 'envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig';

export function readTunneling(message: TcpProxy_TunnelingConfig | undefined, context: FactoryContext): Tunneling | null {
  if (message === undefined) return null;
  if (message.postPath !== '' && !message.usePost) {
    throw new ConfigError("Can't set a post path when POST method isn't used", { path: 'post_path', hint: 'set use_post: true' });
  }
  if (message.formatters.length > 0) throw notYet(`formatter extension '${message.formatters[0].name}'`, 'formatters[0]');
  return Object.freeze({
    hostname: configAt('hostname', () => new TextFormatter(message.hostname, false)),
    usePost: message.usePost,
    postPath: message.postPath === '' ? '/' : toByteString(message.postPath),
    headersToAdd: configAt('headers_to_add', () => buildHeaderParser(message.headersToAdd, [], 'request_headers')),
    propagateResponseHeaders: message.propagateResponseHeaders,
    propagateResponseTrailers: message.propagateResponseTrailers,
    requestId: requestIdOf(message, context),
    requestIdHeader: message.requestIdHeader === '' ? 'x-request-id' : asciiLowerCase(toByteString(message.requestIdHeader)),
    requestIdMetadataKey: message.requestIdMetadataKey === '' ? 'tunnel_request_id' : message.requestIdMetadataKey,
  });
}

function requestIdOf(message: TcpProxy_TunnelingConfig, context: FactoryContext): UuidRequestId | null {
  const any = message.requestIdExtension?.typedConfig;
  if (any === undefined) return null;
  return configAt('request_id_extension', () => {
    context.registry.find('envoy.request_id', any, '');
    const uuid = expectMessage<UuidRequestIdConfig>(context.messages.unpack(any, 'typed_config'), UUID_CONFIG);
    return new UuidRequestId(context.dispatcher.random, uuid.packTraceReason ?? true, uuid.useRequestIdForTraceSampling ?? true);
  });
}
