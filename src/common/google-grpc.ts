import type { HeaderValue } from '#api/envoy/config/core/v3/base_pb.js';
import type { GrpcService_GoogleGrpc } from '#api/envoy/config/core/v3/grpc_service_pb.js';
import { ConfigError, ConfigErrors, configAt } from '../contract/errors.ts';
import { parseIp } from './network/cidr.ts';
import { notYet, refusedFields } from './not-yet.ts';

/** Where a google_grpc service is. */
export type GoogleGrpcAddress =
  | { readonly kind: 'dns'; readonly host: string; readonly port: number }
  | { readonly kind: 'ip'; readonly addresses: readonly { readonly ip: string; readonly port: number }[] }
  | { readonly kind: 'pipe'; readonly path: string };

/** `google_grpc`, as far as it is honoured: a channel of its own to an address, in clear text. */
export interface GoogleGrpcTarget {
  readonly kind: 'google';
  readonly targetUri: string;
  readonly address: GoogleGrpcAddress;
  readonly authority: string;
  readonly statPrefix: string;
  /** Bytes that a stream may hold before its producer is told to pause. */
  readonly perStreamBufferLimit: number;
  /** Bytes; 0 = no limit. gRPC's default is 4 MiB. */
  readonly maxReceiveMessageLength: number;
  readonly userAgent: string;
  /** Milliseconds, 0 = off. */
  readonly keepaliveTime: number;
  readonly keepaliveTimeout: number;
}

const DEFAULT_STREAM_BUFFER = 1_024 * 1_024;
const DEFAULT_MAX_RECEIVE = 4 * 1_024 * 1_024;
const DEFAULT_KEEPALIVE_TIMEOUT = 20_000;
const DEFAULT_PORT = 443;
const USER_AGENT = 'grpc-nuncio';
const NO_TLS_HINT = 'use envoy_grpc with a cluster that has a transport_socket, or no channel_credentials for clear text';

/** Reads google_grpc. Throws ConfigErrors with paths below it: what cannot be honoured is refused, with what to write instead. */
export function readGoogleGrpc(message: GrpcService_GoogleGrpc, metadata: readonly HeaderValue[]): GoogleGrpcTarget {
  const errors = refusedFields(message, 'GrpcService.GoogleGrpc', {
    channelCredentialsPlugin: 'channel_credentials_plugin', callCredentials: 'call_credentials', callCredentialsPlugin: 'call_credentials_plugin',
    config: 'config',
  });
  const attempt = <T>(path: string, build: () => T, otherwise: T): T => {
    try {
      return configAt(path, build);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      errors.push(error);
      return otherwise;
    }
  };
  if (message.statPrefix === '') errors.push(new ConfigError('value length must be at least 1 characters', { path: 'stat_prefix' }));
  const factory = message.credentialsFactoryName;
  if (factory !== '' && factory !== 'envoy.grpc_credentials.default') {
    errors.push(notYet(`google_grpc credentials factory ${factory}`, 'credentials_factory_name', NO_TLS_HINT));
  }
  const address = attempt<GoogleGrpcAddress>('target_uri', () => parseTarget(message.targetUri), { kind: 'ip', addresses: [] });
  attempt('channel_credentials', () => checkCredentials(message, address), undefined);
  const args = attempt('channel_args', () => readChannelArgs(message.channelArgs?.args ?? {}), NO_ARGS);
  attempt('', () => checkMetadata(metadata), undefined);
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1) throw new ConfigErrors(errors);
  return Object.freeze({
    kind: 'google',
    targetUri: message.targetUri,
    address,
    authority: args.authority === '' ? defaultAuthority(message.targetUri, address) : args.authority,
    statPrefix: message.statPrefix,
    perStreamBufferLimit: message.perStreamBufferLimitBytes ?? DEFAULT_STREAM_BUFFER,
    maxReceiveMessageLength: args.maxReceive,
    userAgent: [args.primaryUserAgent, USER_AGENT, args.secondaryUserAgent].filter((each) => each !== '').join(' '),
    keepaliveTime: args.keepaliveTime,
    keepaliveTimeout: args.keepaliveTimeout,
  });
}

function checkCredentials(message: GrpcService_GoogleGrpc, address: GoogleGrpcAddress): void {
  const credentials = message.channelCredentials?.credentialSpecifier;
  switch (credentials?.case) {
    case undefined: return;
    case 'localCredentials':
      if (address.kind === 'pipe') return;
      throw new ConfigError('local credentials are for Unix domain sockets only', { path: 'local_credentials', hint: 'target_uri: unix:/path' });
    case 'sslCredentials': throw notYet('google_grpc with TLS', 'ssl_credentials', NO_TLS_HINT);
    case 'googleDefault': throw notYet('Google default credentials', 'google_default', NO_TLS_HINT);
  }
}

/** What gRPC's names of schemes mean (https://github.com/grpc/grpc/blob/master/doc/naming.md). */
function parseTarget(uri: string): GoogleGrpcAddress {
  if (uri === '') throw new ConfigError('value length must be at least 1 characters');
  const scheme = /^([a-z][a-z0-9+.-]*):(.*)$/is.exec(uri);
  const name = scheme?.[1].toLowerCase() ?? '';
  const rest = scheme?.[2] ?? '';
  switch (name) {
    case 'unix': {
      const path = rest.startsWith('//') ? rest.slice(2) : rest;
      if (path === '' || (rest.startsWith('//') && !path.startsWith('/'))) throw new ConfigError(`no path in '${uri}'`, { hint: 'unix:/run/service.sock' });
      return { kind: 'pipe', path };
    }
    case 'dns': return parseDns(rest, uri);
    case 'ipv4': case 'ipv6': return { kind: 'ip', addresses: rest.split(',').map((each) => literal(each, name === 'ipv4' ? 4 : 6)) };
    case 'xds': case 'unix-abstract': case 'vsock': case 'google-c2p':
      throw notYet(`gRPC targets of the scheme ${name}`, '', 'dns:///host:port, ipv4:…, ipv6:… or unix:…');
    default: return hostPort(uri);
  }
}

function parseDns(rest: string, uri: string): GoogleGrpcAddress {
  if (!rest.startsWith('//')) return hostPort(rest);
  const slash = rest.indexOf('/', 2);
  if (slash > 2) throw notYet('a DNS server of its own in a gRPC target', '', 'dns:///host:port uses the system\'s');
  if (slash < 0) throw new ConfigError(`no host in '${uri}'`, { hint: 'dns:///host:port, with three slashes' });
  return hostPort(rest.slice(slash + 1));
}

function literal(text: string, family: 4 | 6): { readonly ip: string; readonly port: number } {
  const parsed = splitHostPort(text);
  if (familyOf(parsed.host) !== family) throw new ConfigError(`malformed IP address: ${text}`);
  return { ip: parsed.host, port: parsed.port };
}

function hostPort(text: string): GoogleGrpcAddress {
  const { host, port } = splitHostPort(text);
  return familyOf(host) === 0 ? { kind: 'dns', host, port } : { kind: 'ip', addresses: [{ ip: host, port }] };
}

function splitHostPort(text: string): { readonly host: string; readonly port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:[\]/]+))(?::(\d{1,5}))?$/.exec(text);
  const host = match?.[1] ?? match?.[2] ?? (familyOf(text) === 6 ? text : '');
  const port = match?.[3] === undefined ? DEFAULT_PORT : Number(match[3]);
  if (host === '' || port > 65_535) throw new ConfigError(`malformed target '${text}'`, { hint: 'host:port' });
  return { host, port };
}

function familyOf(text: string): 0 | 4 | 6 {
  const words = parseIp(text);
  return words === null ? 0 : words.length === 1 ? 4 : 6;
}

function defaultAuthority(uri: string, address: GoogleGrpcAddress): string {
  if (address.kind === 'pipe') return 'localhost';
  return uri.replace(/^(?:dns|ipv4|ipv6):(?:\/\/\/)?/i, '').split(',')[0];
}

interface ChannelArgs {
  readonly authority: string;
  readonly maxReceive: number;
  readonly primaryUserAgent: string;
  readonly secondaryUserAgent: string;
  readonly keepaliveTime: number;
  readonly keepaliveTimeout: number;
}

const NO_ARGS: ChannelArgs = {
  authority: '', maxReceive: DEFAULT_MAX_RECEIVE, primaryUserAgent: '', secondaryUserAgent: '', keepaliveTime: 0,
  keepaliveTimeout: DEFAULT_KEEPALIVE_TIMEOUT,
};
const KNOWN_ARGS = [
  'grpc.default_authority', 'grpc.enable_retries', 'grpc.keepalive_permit_without_calls', 'grpc.keepalive_time_ms', 'grpc.keepalive_timeout_ms',
  'grpc.max_receive_message_length', 'grpc.max_send_message_length', 'grpc.primary_user_agent', 'grpc.secondary_user_agent',
];

type ArgValue = { readonly valueSpecifier: { readonly case?: 'stringValue' | 'intValue' | undefined; readonly value?: string | bigint | undefined } };

/** The keys of grpc_types.h that are honoured; others would be ignored, so they are refused. */
function readChannelArgs(args: Readonly<Record<string, ArgValue>>): ChannelArgs {
  for (const key of Object.keys(args)) {
    if (!KNOWN_ARGS.includes(key)) throw notYet(`channel argument ${key}`, `args[${key}]`, `honoured are ${KNOWN_ARGS.join(', ')}`);
  }
  const text = (key: string): string => {
    const value = args[key]?.valueSpecifier.value;
    if (value === undefined || typeof value === 'string') return value ?? '';
    throw new ConfigError(`${key} is a string_value`, { path: `args[${key}]` });
  };
  const number = (key: string, fallback: number): number => {
    const value = args[key]?.valueSpecifier.value;
    if (value === undefined || typeof value === 'bigint') return value === undefined ? fallback : Number(value);
    throw new ConfigError(`${key} is an int_value`, { path: `args[${key}]` });
  };
  const refuseUnless = (holds: boolean, key: string, hint: string): void => {
    if (!holds) throw notYet(`channel argument ${key} with this value`, `args[${key}]`, hint);
  };
  refuseUnless(number('grpc.max_send_message_length', -1) < 0, 'grpc.max_send_message_length', 'only -1, no limit');
  refuseUnless(number('grpc.enable_retries', 0) === 0, 'grpc.enable_retries', 'only 0: there are no service configs');
  const keepaliveTime = number('grpc.keepalive_time_ms', 0);
  if (keepaliveTime > 0) {
    refuseUnless(number('grpc.keepalive_permit_without_calls', 0) === 1, 'grpc.keepalive_permit_without_calls', '1: pings do not wait for calls here');
  }
  const maxReceive = number('grpc.max_receive_message_length', DEFAULT_MAX_RECEIVE);
  return {
    authority: text('grpc.default_authority'),
    maxReceive: Math.max(0, maxReceive),
    primaryUserAgent: text('grpc.primary_user_agent'),
    secondaryUserAgent: text('grpc.secondary_user_agent'),
    keepaliveTime: Math.max(0, keepaliveTime),
    keepaliveTimeout: number('grpc.keepalive_timeout_ms', DEFAULT_KEEPALIVE_TIMEOUT),
  };
}

/** Envoy checks these for google_grpc only. */
function checkMetadata(metadata: readonly HeaderValue[]): void {
  for (const { key, value } of metadata) {
    if (!/^[a-z0-9_.-]*$/i.test(key)) throw new ConfigError(`Illegal characters in gRPC initial metadata header key: ${key}.`);
    if (!key.endsWith('-bin') && !/^[\x20-\x7e]*$/.test(value)) {
      throw new ConfigError(`Illegal ASCII value for gRPC initial metadata header key: ${key}.`);
    }
  }
}
