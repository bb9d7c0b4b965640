import type { HealthCheck, HealthCheck_GrpcHealthCheck, HealthCheck_HttpHealthCheck, HealthCheck_TcpHealthCheck } from '#api/envoy/config/core/v3/health_check_pb.js';
import type { HealthCheckEventFileSink } from '#api/envoy/extensions/health_check/event_sinks/file/v3/file_pb.js';
import { toByteString } from '../../common/byte-string.ts';
import { buildHeaderParser } from '../../common/header-parser.ts';
import type { HeaderParser } from '../../common/header-parser.ts';
import { buildStringMatcher } from '../../common/matchers/string-matcher.ts';
import type { StringMatcher } from '../../common/matchers/string-matcher.ts';
import { notYet, refusedFields } from '../../common/not-yet.ts';
import { ConfigError, ConfigErrors, configAt } from '../../contract/errors.ts';
import type { FactoryContext } from '../../contract/extension.ts';
import { durationMs, expectMessage } from '../../contract/message.ts';
import type { UpstreamSocketOptions } from '../../contract/transport-socket.ts';
import { alpnOverride } from '../upstream/socket-options.ts';
import { readPayload, readPayloads } from './payload.ts';
import type { StatusRange } from './status-ranges.ts';
import { readStatusRanges } from './status-ranges.ts';

/** `http_health_check`, defaults resolved. */
export interface HttpCheck {
  readonly kind: 'http';
  /** Empty = the endpoint's or the cluster's name. */
  readonly host: string;
  readonly path: string;
  readonly method: string;
  /** Null = no body. */
  readonly send: Buffer | null;
  readonly receive: readonly Buffer[];
  /** Bytes of the response looked at; 0 = all. */
  readonly responseBufferSize: number;
  readonly headers: HeaderParser | null;
  readonly expected: readonly StatusRange[];
  readonly retriable: readonly StatusRange[];
  readonly http2: boolean;
  /** Of `x-envoy-upstream-healthchecked-cluster`. */
  readonly serviceName: StringMatcher | null;
}

/** `tcp_health_check`. */
export interface TcpCheck {
  readonly kind: 'tcp';
  readonly send: Buffer | null;
  /** Empty = a connection is enough. */
  readonly receive: readonly Buffer[];
  /** Version of the PROXY protocol header sent first; 0 = none. */
  readonly proxyProtocol: 0 | 1 | 2;
}

/** `grpc_health_check`. */
export interface GrpcCheck {
  readonly kind: 'grpc';
  readonly serviceName: string;
  /** Empty = the endpoint's or the cluster's name. */
  readonly authority: string;
  readonly headers: HeaderParser | null;
}

/** A HealthCheck message, defaults resolved; times in milliseconds. */
export interface HealthCheckConfig {
  /** Empty only where a cluster has one check. */
  readonly name: string;
  readonly check: HttpCheck | TcpCheck | GrpcCheck;
  readonly timeout: number;
  readonly interval: number;
  readonly initialJitter: number;
  readonly intervalJitter: number;
  readonly intervalJitterPercent: number;
  readonly unhealthyThreshold: number;
  readonly healthyThreshold: number;
  readonly reuseConnection: boolean;
  readonly noTrafficInterval: number;
  readonly noTrafficHealthyInterval: number;
  readonly unhealthyInterval: number;
  readonly unhealthyEdgeInterval: number;
  readonly healthyEdgeInterval: number;
  /** Files of events. */
  readonly eventLogPaths: readonly string[];
  readonly alwaysLogFailures: boolean;
  readonly alwaysLogSuccess: boolean;
  /** Of the connections of checks; null = as the cluster's connections. */
  readonly socketOptions: UpstreamSocketOptions | null;
}

const FILE_SINK = 'envoy.extensions.health_check.event_sinks.file.v3.HealthCheckEventFileSink';
const DEFAULT_NO_TRAFFIC_MS = 60_000;
const DEFAULT_RESPONSE_BUFFER = 1_024;
const CODEC_HTTP2 = 1;
const CODEC_HTTP3 = 2;
/** RequestMethod; a body makes no sense with those of NO_BODY (Envoy's list). */
const METHODS = ['GET', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH'];
const NO_BODY = ['GET', 'HEAD', 'DELETE', 'TRACE'];

/** Reads a HealthCheck message. `http2` = the cluster speaks HTTP/2 (Envoy asks for that with gRPC). Throws ConfigError(s). */
export function readHealthCheck(message: HealthCheck, http2: boolean, context: FactoryContext): HealthCheckConfig {
  const refused = refusedFields(message, 'HealthCheck', {
    altPort: 'alt_port', eventService: 'event_service', transportSocketMatchCriteria: 'transport_socket_match_criteria',
  });
  if (refused.length === 1) throw refused[0];
  if (refused.length > 1) throw new ConfigErrors(refused);
  const interval = wholeMs(message.interval, 0);
  const noTraffic = wholeMs(message.noTrafficInterval, DEFAULT_NO_TRAFFIC_MS);
  const unhealthy = wholeMs(message.unhealthyInterval, interval);
  return Object.freeze({
    name: message.name,
    check: readCheck(message, http2, context),
    timeout: wholeMs(message.timeout, 0),
    interval,
    initialJitter: wholeMs(message.initialJitter, 0),
    intervalJitter: wholeMs(message.intervalJitter, 0),
    intervalJitterPercent: message.intervalJitterPercent,
    unhealthyThreshold: message.unhealthyThreshold ?? 0,
    healthyThreshold: message.healthyThreshold ?? 0,
    reuseConnection: message.reuseConnection ?? true,
    noTrafficInterval: noTraffic,
    noTrafficHealthyInterval: wholeMs(message.noTrafficHealthyInterval, noTraffic),
    unhealthyInterval: unhealthy,
    unhealthyEdgeInterval: wholeMs(message.unhealthyEdgeInterval, unhealthy),
    healthyEdgeInterval: wholeMs(message.healthyEdgeInterval, interval),
    eventLogPaths: readEventLogs(message, context),
    alwaysLogFailures: message.alwaysLogHealthCheckFailures,
    alwaysLogSuccess: message.alwaysLogHealthCheckSuccess,
    socketOptions: alpnOverride(message.tlsOptions?.alpnProtocols ?? []),
  });
}

function wholeMs(duration: Parameters<typeof durationMs>[0], fallback: number): number {
  return Math.trunc(durationMs(duration, fallback));
}

function readCheck(message: HealthCheck, http2: boolean, context: FactoryContext): HttpCheck | TcpCheck | GrpcCheck {
  const checker = message.healthChecker;
  switch (checker.case) {
    case 'httpHealthCheck': return configAt('http_health_check', () => readHttp(checker.value));
    case 'tcpHealthCheck': return configAt('tcp_health_check', () => readTcp(checker.value));
    case 'grpcHealthCheck':
      if (!http2) {
        throw new ConfigError('cluster must support HTTP/2 for gRPC healthchecking', {
          path: 'grpc_health_check',
          hint: 'typed_extension_protocol_options with explicit_http_config: { http2_protocol_options: {} }',
        });
      }
      return configAt('grpc_health_check', () => readGrpc(checker.value));
    case 'customHealthCheck': {
      const { configType, name } = checker.value;
      configAt('custom_health_check', () => context.registry.find('envoy.health_checkers', configType.value, name));
      throw notYet(`health checker ${name}`, 'custom_health_check');
    }
    default: throw new ConfigError('invalid cluster config: a health check needs one of http_, tcp_, grpc_ or custom_health_check');
  }
}

function readHttp(message: HealthCheck_HttpHealthCheck): HttpCheck {
  if (message.useAlpnProtocol) throw notYet('use_alpn_protocol: health checks over TLS', 'use_alpn_protocol');
  if (Number(message.codecClientType) === CODEC_HTTP3) throw notYet('health checks over HTTP/3', 'codec_client_type');
  const method = METHODS[Number(message.method)] ?? 'GET';
  const { send } = message;
  if (send !== undefined && NO_BODY.includes(method)) {
    throw new ConfigError(
      `HTTP health check cannot specify a request payload with method '${method}'. Only methods that support a request body (POST, PUT, PATCH, OPTIONS) can be used with payload.`,
      { path: 'send' },
    );
  }
  const receive = readPayloads(message.receive, 'receive');
  const size = message.responseBufferSize === undefined ? DEFAULT_RESPONSE_BUFFER : Number(message.responseBufferSize);
  const wanted = receive.reduce((sum, each) => sum + each.length, 0);
  if (size !== 0 && wanted > size) {
    throw new ConfigError(`The expected response length '${wanted}' is over than http health response buffer size '${size}'`, { path: 'receive' });
  }
  const matcher = message.serviceNameMatcher;
  return Object.freeze({
    kind: 'http',
    host: toByteString(message.host),
    path: toByteString(message.path),
    method,
    send: send === undefined ? null : readPayload(send, 'send'),
    receive,
    responseBufferSize: size,
    headers: buildHeaderParser(message.requestHeadersToAdd, message.requestHeadersToRemove, 'request_headers'),
    expected: readStatusRanges(message.expectedStatuses, 'expected', [{ start: 200, end: 201 }]),
    retriable: readStatusRanges(message.retriableStatuses, 'retriable', []),
    http2: Number(message.codecClientType) === CODEC_HTTP2,
    serviceName: matcher === undefined ? null : configAt('service_name_matcher', () => buildStringMatcher(matcher)),
  });
}

function readTcp(message: HealthCheck_TcpHealthCheck): TcpCheck {
  const proxy = message.proxyProtocolConfig;
  if (proxy !== undefined) {
    const refused = refusedFields(proxy, 'ProxyProtocolConfig', { passThroughTlvs: 'pass_through_tlvs', addedTlvs: 'added_tlvs' });
    if (refused.length > 0) throw refused[0].under('proxy_protocol_config');
  }
  // Envoy takes `text` only: a `binary` payload to send is not sent.
  const send = message.send?.payload.case === 'text' ? message.send : undefined;
  if (message.send !== undefined && send === undefined && message.send.payload.value?.length !== 0) {
    throw notYet('tcp_health_check.send.binary (Envoy does not send it either)', 'send.binary', 'write it as text, in hexadecimal');
  }
  return Object.freeze({
    kind: 'tcp',
    send: send === undefined ? null : readPayload(send, 'send'),
    receive: readPayloads(message.receive, 'receive'),
    proxyProtocol: proxy === undefined ? 0 : Number(proxy.version) === 1 ? 2 : 1,
  });
}

function readGrpc(message: HealthCheck_GrpcHealthCheck): GrpcCheck {
  return Object.freeze({
    kind: 'grpc',
    serviceName: message.serviceName,
    authority: toByteString(message.authority),
    headers: configAt('initial_metadata', () => buildHeaderParser(message.initialMetadata, [], 'request_headers')),
  });
}

function readEventLogs(message: HealthCheck, context: FactoryContext): readonly string[] {
  const paths = message.eventLogPath === '' ? [] : [message.eventLogPath];
  message.eventLogger.forEach((logger, i) => {
    const path = `event_logger[${i}]`;
    const any = logger.typedConfig;
    if (any === undefined || !any.typeUrl.endsWith(`/${FILE_SINK}`)) throw notYet(`health check event sink ${logger.name}`, path);
    const sink = configAt(path, () => expectMessage<HealthCheckEventFileSink>(context.messages.unpack(any, 'typed_config'), FILE_SINK));
    paths.push(sink.eventLogPath);
  });
  return paths;
}
