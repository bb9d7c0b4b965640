import { hostname } from 'node:os';
import { crypto } from '../../base/crypto.ts';
import type { LogContext } from '../../contract/access-log.ts';
import { ConfigError } from '../../contract/errors.ts';
import { RESPONSE_FLAGS } from '../../contract/response-flags.ts';
import { PROTOCOL_NAMES, PROTOCOL_NONE } from '../../contract/stream-info.ts';
import type { BytesMeter, Protocol, StreamInfo } from '../../contract/stream-info.ts';
import { toByteString } from '../byte-string.ts';
import { withoutPort } from '../http/host-header.ts';
import { COMMAND_ONLY, LENGTH_ALLOWED, PARAMS_OPTIONAL, PARAMS_REQUIRED } from './command.ts';
import type { Command, CommandTable } from './command.ts';
import { NumberOperator, TextOperator, truncate } from './operator.ts';
import type { NumberReader, Operator, TextReader } from './operator.ts';

function text(read: TextReader): Command {
  return { syntax: COMMAND_ONLY, create: () => new TextOperator(read) };
}

function number(read: NumberReader): Command {
  return { syntax: COMMAND_ONLY, create: () => new NumberOperator(read) };
}

/** Empty text = no value. */
function orNull(value: string): string | null {
  return value === '' ? null : value;
}

function protocolName(protocol: Protocol): string | null {
  return protocol === PROTOCOL_NONE ? null : PROTOCOL_NAMES[protocol];
}

function downstreamMeter(field: keyof BytesMeter): Command {
  return number((context) => context.streamInfo.downstreamMeter[field]);
}

function upstreamMeter(field: keyof BytesMeter): Command {
  return number((context) => context.streamInfo.upstream?.meter?.[field] ?? 0);
}

/** Names of the flags that are set, in the order in which they were, joined with commas; `-` when there is none. */
function flagNames(info: StreamInfo, long: boolean): string {
  let order = info.responseFlagOrder;
  if (order === 0) return '-';
  let out = '';
  for (; order > 0; order = Math.floor(order / 32)) {
    const flag = RESPONSE_FLAGS[(order % 32) - 1];
    const name = long ? flag.long : flag.short;
    out = out === '' ? name : `${name},${out}`;
  }
  return out;
}

function codeDetails(option: string): Operator {
  if (option === 'ALLOW_WHITESPACES') return new TextOperator((context) => orNull(context.streamInfo.responseCodeDetails));
  return new TextOperator((context) => underscored(context.streamInfo.responseCodeDetails));
}

/** Blanks as `_`, so that a field of a log line stays one word; null when empty. */
function underscored(value: string): string | null {
  if (value === '') return null;
  return /\s/.test(value) ? value.replace(/\s/g, '_') : value;
}

function hostName(info: StreamInfo): string | null {
  const host = info.upstream?.host;
  if (host === null || host === undefined) return null;
  return host.hostname === '' ? host.address.text : host.hostname;
}

function environment(name: string, max: number): Operator {
  const value = process.env[name];
  const fixed = value === undefined ? '-' : truncate(toByteString(value), max);
  return new TextOperator(() => fixed);
}

/** A list of attempted hosts, joined with commas. */
function attempted(read: (host: NonNullable<StreamInfo['upstream']>['attemptedHosts'][number]) => string): Command {
  return text((context) => {
    const hosts = context.streamInfo.upstream?.attemptedHosts;
    return hosts === undefined || hosts.length === 0 ? null : hosts.map(read).join(',');
  });
}

const SERVER_NAME_OPTIONS = ['', 'SNI_ONLY', 'SNI_FIRST', 'HOST_FIRST'];

/** Characters that a host name cannot have become `_`: a client picks its SNI freely (CVE-2024-45808). */
function safeHostname(name: string): string {
  return name.replace(/[^A-Za-z0-9.\-_:[\]]/g, '_');
}

function requestedServerName(parameter: string): Operator {
  const [option, source = ''] = parameter.split(':');
  if (!SERVER_NAME_OPTIONS.includes(option)) {
    throw new ConfigError(
      `Invalid REQUESTED_SERVER_NAME option: '${option}', only 'SNI_ONLY'/'SNI_FIRST'/'HOST_FIRST' are allowed`,
    );
  }
  const host = (context: LogContext): string => {
    const headers = context.requestHeaders;
    const original = source === 'ORIG' || source === 'ORIG_OR_HOST' || source === '' ? headers?.get('x-envoy-original-host') : undefined;
    return original ?? (source === 'ORIG' ? '' : (headers?.get(':authority') ?? ''));
  };
  return new TextOperator((context) => {
    const sni = context.streamInfo.requestedServerName;
    if (option === 'HOST_FIRST') return orNull(safeHostname(host(context) || sni));
    if (option === 'SNI_FIRST') return orNull(safeHostname(sni || host(context)));
    return orNull(safeHostname(sni));
  });
}

/** Commands over StreamInfo that are neither times nor addresses. */
export const STREAM_COMMANDS: CommandTable = {
  PROTOCOL: text((context) => protocolName(context.streamInfo.protocol)),
  UPSTREAM_PROTOCOL: text((context) => protocolName(context.streamInfo.upstream?.protocol ?? PROTOCOL_NONE)),
  RESPONSE_CODE: number((context) => context.streamInfo.responseCode),
  RESPONSE_CODE_DETAILS: { syntax: PARAMS_OPTIONAL, create: codeDetails },
  CONNECTION_TERMINATION_DETAILS: text((context) => orNull(context.streamInfo.connectionTerminationDetails)),
  RESPONSE_FLAGS: text((context) => flagNames(context.streamInfo, false)),
  RESPONSE_FLAGS_LONG: text((context) => flagNames(context.streamInfo, true)),
  // Nothing sets custom flags yet; Envoy prints an empty text then.
  CUSTOM_FLAGS: text(() => ''),
  BYTES_RECEIVED: number((context) => context.streamInfo.bytesReceived),
  BYTES_SENT: number((context) => context.streamInfo.bytesSent),
  // Only QUIC retransmits above the kernel.
  BYTES_RETRANSMITTED: number(() => 0),
  PACKETS_RETRANSMITTED: number(() => 0),
  DOWNSTREAM_WIRE_BYTES_SENT: downstreamMeter('wireBytesSent'),
  DOWNSTREAM_WIRE_BYTES_RECEIVED: downstreamMeter('wireBytesReceived'),
  DOWNSTREAM_HEADER_BYTES_SENT: downstreamMeter('headerBytesSent'),
  DOWNSTREAM_HEADER_BYTES_RECEIVED: downstreamMeter('headerBytesReceived'),
  // HTTP/1 heads are not compressed. The received ones are refused: nothing counts them without their first line yet.
  DOWNSTREAM_DECOMPRESSED_HEADER_BYTES_SENT: downstreamMeter('headerBytesSent'),
  UPSTREAM_WIRE_BYTES_SENT: upstreamMeter('wireBytesSent'),
  UPSTREAM_WIRE_BYTES_RECEIVED: upstreamMeter('wireBytesReceived'),
  UPSTREAM_HEADER_BYTES_SENT: upstreamMeter('headerBytesSent'),
  UPSTREAM_HEADER_BYTES_RECEIVED: upstreamMeter('headerBytesReceived'),
  UPSTREAM_DECOMPRESSED_HEADER_BYTES_SENT: upstreamMeter('headerBytesSent'),
  UPSTREAM_HOST_NAME: text((context) => hostName(context.streamInfo)),
  UPSTREAM_HOST_NAME_WITHOUT_PORT: text((context) => {
    const name = hostName(context.streamInfo);
    return name === null ? null : withoutPort(name);
  }),
  UPSTREAM_HOSTS_ATTEMPTED: attempted((host) => host.address.text),
  UPSTREAM_HOSTS_ATTEMPTED_WITHOUT_PORT: attempted((host) => host.address.ip),
  UPSTREAM_HOST_NAMES_ATTEMPTED: attempted((host) => host.hostname || host.address.text),
  UPSTREAM_HOST_NAMES_ATTEMPTED_WITHOUT_PORT: attempted((host) => withoutPort(host.hostname || host.address.text)),
  UPSTREAM_CONNECTION_ID: number((context) => context.streamInfo.upstream?.connectionId ?? 0),
  UPSTREAM_CLUSTER: text((context) => orNull(context.streamInfo.upstreamCluster?.observabilityName ?? '')),
  UPSTREAM_CLUSTER_RAW: text((context) => orNull(context.streamInfo.upstreamCluster?.name ?? '')),
  UPSTREAM_REQUEST_ATTEMPT_COUNT: number((context) => context.streamInfo.attemptCount),
  UPSTREAM_TRANSPORT_FAILURE_REASON: text((context) => underscored(context.streamInfo.upstream?.transportFailureReason ?? '')),
  DOWNSTREAM_TRANSPORT_FAILURE_REASON: text((context) => underscored(context.streamInfo.downstreamTransportFailureReason)),
  CONNECTION_ID: number((context) => context.streamInfo.connectionId),
  TLS_JA3_FINGERPRINT: text((context) => orNull(context.streamInfo.ja3Hash)),
  TLS_JA4_FINGERPRINT: text((context) => orNull(context.streamInfo.ja4Hash)),
  REQUESTED_SERVER_NAME: { syntax: PARAMS_OPTIONAL, create: requestedServerName },
  ROUTE_NAME: text((context) => orNull(context.streamInfo.routeName)),
  VIRTUAL_CLUSTER_NAME: text((context) => orNull(context.streamInfo.virtualClusterName)),
  FILTER_CHAIN_NAME: text((context) => orNull(context.streamInfo.filterChainName)),
  LISTENER_NAME: text((context) => orNull(context.streamInfo.listenerName)),
  HOSTNAME: { syntax: COMMAND_ONLY, create: () => fixedText(hostname()) },
  STREAM_ID: text((context) => orNull(context.streamInfo.requestId)),
  UNIQUE_ID: text(() => crypto().randomUUID()),
  ENVIRONMENT: { syntax: PARAMS_REQUIRED | LENGTH_ALLOWED, create: environment },
};

function fixedText(value: string): Operator {
  return new TextOperator(() => value);
}
