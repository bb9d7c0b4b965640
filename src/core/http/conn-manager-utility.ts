import { hasToken, isUpgrade } from '../../codec/http1/connection-header.ts';
import { parseUint } from '../../common/byte-string.ts';
import { portStart } from '../../common/http/host-header.ts';
import type { Address } from '../../contract/address.ts';
import type { HeaderMap } from '../../contract/header-map.ts';
import type { Connection } from '../../contract/network.ts';
import { PROTOCOL_HTTP10, PROTOCOL_HTTP11 } from '../../contract/stream-info.ts';
import type { Protocol, StreamInfo } from '../../contract/stream-info.ts';
import type { RouteConfig } from '../../contract/route.ts';
import { forwardClientCert } from './client-cert.ts';
import { CLIENT_CERT_SANITIZE, STRIP_PORT_ANY, STRIP_PORT_MATCHING } from './conn-manager-config.ts';
import type { ConnectionManagerConfig } from './conn-manager-config.ts';
import { setProxyStatus } from './proxy-status.ts';
import { isValidReferer } from './referer.ts';
import { appendXff, lastAddressFromXff } from './xff.ts';

/**
 * What a request header means to the connection manager. Requests are scanned once: of the forty headers that must be looked at, added to or
 * removed, a usual request has three.
 */
const CONNECTION = 1;
const UPGRADE = 1 << 1;
const TE = 1 << 2;
/** Removed from every request. */
const HOP_BY_HOP = 1 << 3;
const REFERER = 1 << 4;
const FORWARDED_FOR = 1 << 5;
const FORWARDED_PROTO = 1 << 6;
const FORWARDED_PORT = 1 << 7;
const SCHEME = 1 << 8;
const EDGE_ONLY = 1 << 9;
const EXTERNAL = 1 << 10;
const CLIENT_CERT = 1 << 11;

const EDGE_HEADERS = [
  'x-envoy-decorator-operation', 'x-envoy-downstream-service-cluster', 'x-envoy-downstream-service-node', 'x-envoy-original-path',
  'x-envoy-original-host',
];
/** What only internal callers may say to the proxy. */
const EXTERNAL_HEADERS = [
  'x-envoy-retriable-status-codes', 'x-envoy-retriable-header-names', 'x-envoy-retry-on', 'x-envoy-retry-grpc-on', 'x-envoy-max-retries',
  'x-envoy-upstream-alt-stat-name', 'x-envoy-upstream-rq-timeout-ms', 'x-envoy-upstream-rq-per-try-timeout-ms',
  'x-envoy-upstream-rq-timeout-alt-response', 'x-envoy-expected-rq-timeout-ms', 'x-envoy-force-trace', 'x-envoy-ip-tags',
  'x-envoy-original-url', 'x-envoy-hedge-on-per-try-timeout',
];
const HOP_BY_HOP_HEADERS = ['x-envoy-internal', 'keep-alive', 'proxy-connection', 'transfer-encoding'];

const MEANINGS: ReadonlyMap<string, number> = new Map<string, number>([
  ['connection', CONNECTION], ['upgrade', UPGRADE], ['te', TE], ['referer', REFERER], ['x-forwarded-for', FORWARDED_FOR],
  ['x-forwarded-proto', FORWARDED_PROTO], ['x-forwarded-port', FORWARDED_PORT], [':scheme', SCHEME],
  ['x-forwarded-client-cert', CLIENT_CERT],
  ...HOP_BY_HOP_HEADERS.map((name): [string, number] => [name, HOP_BY_HOP]),
  ...EDGE_HEADERS.map((name): [string, number] => [name, EDGE_ONLY]),
  ...EXTERNAL_HEADERS.map((name): [string, number] => [name, EXTERNAL]),
]);

function scan(headers: HeaderMap): number {
  let found = 0;
  for (let i = 0; i < headers.size; i++) found |= MEANINGS.get(headers.nameAt(i)) ?? 0;
  return found;
}

function removeAll(headers: HeaderMap, names: readonly string[]): void {
  for (const name of names) headers.remove(name);
}

/**
 * Makes the request what the rest of the proxy may trust: hop-by-hop headers go, the client's address, scheme and internality are
 * found, headers that this caller may not set are removed, and the proxy's own are added. Returns the client's address for logs and
 * filters. Order as in Envoy (conn_manager_utility).
 */
export function mutateRequestHeaders(
  headers: HeaderMap, connection: Connection, config: ConnectionManagerConfig, routeConfig: RouteConfig, streamInfo: StreamInfo,
): Address {
  for (const mutation of config.earlyHeaderMutations) if (!mutation.mutate(headers, streamInfo)) break;
  const found = scan(headers);
  if ((found & (CONNECTION | UPGRADE | TE)) !== 0 && !isUpgrade(headers)) {
    headers.remove('connection');
    headers.remove('upgrade');
    if ((found & TE) !== 0) sanitizeTe(headers);
  }
  if ((found & HOP_BY_HOP) !== 0) removeAll(headers, HOP_BY_HOP_HEADERS);
  if ((found & REFERER) !== 0) sanitizeReferer(headers);

  const client = detectClient(headers, connection, config, found);
  const internal = client.maybeInternal && client.address !== null && config.isInternalAddress(client.address);
  const address = client.address ?? connection.remoteAddress;
  setProtoAndScheme(headers, connection, config, found);
  const edge = !internal && config.useRemoteAddress;
  if (internal) headers.set('x-envoy-internal', 'true');
  else removeForExternal(headers, edge, found, routeConfig);
  if (config.userAgent !== null) setUserAgent(headers, config, config.userAgent);
  if (config.via !== '') headers.append('via', config.via, ', ');
  if (edge && address.kind === 'ip') headers.set('x-envoy-external-address', address.ip);
  if (config.generateRequestId) config.requestId.set(headers, edge, config.preserveExternalRequestId);
  const certMode = config.forwardClientCert;
  if ((found & CLIENT_CERT) !== 0 || (certMode !== CLIENT_CERT_SANITIZE && connection.ssl !== null)) {
    forwardClientCert(headers, connection, certMode, config.clientCertDetails);
  }
  return address;
}

/** Only `te: trailers` may go on (RFC 9110 section 10.1.4). */
function sanitizeTe(headers: HeaderMap): void {
  const te = headers.getJoined('te') ?? '';
  if (te === '') return;
  for (const value of te.split(',')) {
    if (value.trim() !== 'trailers') continue;
    headers.set('te', 'trailers');
    return;
  }
  headers.remove('te');
}

function sanitizeReferer(headers: HeaderMap): void {
  const at = headers.indexOf('referer');
  if (headers.indexOf('referer', at + 1) >= 0 || !isValidReferer(headers.valueAt(at))) headers.remove('referer');
}

interface Client {
  readonly address: Address | null;
  readonly maybeInternal: boolean;
}

/** Who the client is: the peer (edge), or what trusted proxies before this one say. Appends the peer to x-forwarded-for. */
function detectClient(headers: HeaderMap, connection: Connection, config: ConnectionManagerConfig, found: number): Client {
  const hops = config.xffNumTrustedHops;
  if (config.useRemoteAddress) {
    const maybeInternal = (found & FORWARDED_FOR) === 0;
    let address = hops > 0 ? lastAddressFromXff(headers, hops - 1).address : null;
    address ??= connection.remoteAddress;
    if (!config.skipXffAppend) appendXff(headers, connection.remoteAddress);
    return { address, maybeInternal };
  }
  if (config.originalIpDetection.length === 0) {
    if ((found & FORWARDED_FOR) === 0) return { address: null, maybeInternal: false };
    const result = lastAddressFromXff(headers, hops);
    return { address: result.address, maybeInternal: result.single };
  }
  for (const extension of config.originalIpDetection) {
    const result = extension.detect(headers, connection.remoteAddress);
    if (!result.skipXffAppend) appendXff(headers, connection.remoteAddress);
    if (result.address !== null) return { address: result.address, maybeInternal: result.allowTrustedAddressChecks };
  }
  return { address: null, maybeInternal: false };
}

function setProtoAndScheme(headers: HeaderMap, connection: Connection, config: ConnectionManagerConfig, found: number): void {
  const untrusted = config.useRemoteAddress && config.xffNumTrustedHops === 0;
  if (untrusted || (found & FORWARDED_PROTO) === 0) headers.set('x-forwarded-proto', connectionProto(connection, config));
  if (config.appendXForwardedPort && (untrusted || (found & FORWARDED_PORT) === 0)) {
    const local = connection.streamInfo.downstreamLocalAddress;
    if (local.kind === 'ip') headers.set('x-forwarded-port', String(local.port));
  }
  if (config.schemeToSet !== '') {
    headers.set(':scheme', config.schemeToSet);
    headers.set('x-forwarded-proto', config.schemeToSet);
  } else if ((found & SCHEME) === 0) {
    const proto = headers.get('x-forwarded-proto') ?? '';
    headers.add(':scheme', isScheme(proto) ? proto.toLowerCase() : connection.ssl === null ? 'http' : 'https');
  } else {
    const at = headers.indexOf(':scheme');
    const scheme = headers.valueAt(at);
    if (scheme !== 'http' && scheme !== 'https') headers.setValueAt(at, scheme.toLowerCase());
  }
}

function connectionProto(connection: Connection, config: ConnectionManagerConfig): string {
  if (config.forwardProto !== null && connection.ssl === null) {
    const info = connection.streamInfo;
    // Only a PROXY header (or original destination) tells another port than the listener's own.
    if (info.downstreamLocalAddress !== info.downstreamDirectLocalAddress) {
      if (config.forwardProto.https.includes(info.downstreamLocalAddress.port)) return 'https';
      if (config.forwardProto.http.includes(info.downstreamLocalAddress.port)) return 'http';
    }
  }
  return connection.ssl === null ? 'http' : 'https';
}

/** `http` or `https` in any case. */
export function isScheme(text: string): boolean {
  if (text === 'http' || text === 'https') return true;
  const lower = text.toLowerCase();
  return lower === 'http' || lower === 'https';
}

function removeForExternal(headers: HeaderMap, edge: boolean, found: number, routeConfig: RouteConfig): void {
  if (edge && (found & EDGE_ONLY) !== 0) removeAll(headers, EDGE_HEADERS);
  if ((found & EXTERNAL) !== 0) removeAll(headers, EXTERNAL_HEADERS);
  const internalOnly = routeConfig.internalOnlyHeaders;
  for (let i = 0; i < internalOnly.length; i++) headers.remove(internalOnly[i]);
}

function setUserAgent(headers: HeaderMap, config: ConnectionManagerConfig, userAgent: string): void {
  headers.set('x-envoy-downstream-service-cluster', userAgent);
  if ((headers.get('user-agent') ?? '') === '') headers.set('user-agent', userAgent);
  if (config.nodeId !== '') headers.set('x-envoy-downstream-service-node', config.nodeId);
}

const RESPONSE_HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection', 'upgrade', 'transfer-encoding', 'keep-alive', 'proxy-connection',
]);

/** Takes the upstream's connection headers out of a response and adds the proxy's. `via` empty = not for this head (1xx). */
export function mutateResponseHeaders(
  headers: HeaderMap, request: HeaderMap | null, config: ConnectionManagerConfig, via: string, streamInfo: StreamInfo,
): void {
  let hopByHop = false;
  for (let i = 0; i < headers.size; i++) {
    if (RESPONSE_HOP_BY_HOP.has(headers.nameAt(i))) {
      hopByHop = true;
      break;
    }
  }
  if (hopByHop) removeResponseHopByHop(headers, request);
  if (request !== null && (config.alwaysSetRequestIdInResponse || request.has('x-envoy-force-trace'))) {
    config.requestId.setInResponse(headers, request);
  }
  if (via !== '') headers.append('via', via, ', ');
  if (config.proxyStatus !== null) setProxyStatus(headers, streamInfo, config.proxyStatus);
}

function removeResponseHopByHop(headers: HeaderMap, request: HeaderMap | null): void {
  if (request !== null && isUpgrade(request) && isUpgrade(headers)) {
    const noBody = !headers.has('transfer-encoding') && !headers.has('content-length');
    // Content-length is forbidden in 1xx (RFC 9110 section 8.6).
    if (noBody && !(headers.get(':status') ?? '').startsWith('1')) headers.set('content-length', '0');
  } else {
    headers.remove('connection');
    headers.remove('upgrade');
  }
  headers.remove('transfer-encoding');
  headers.remove('keep-alive');
  headers.remove('proxy-connection');
}

/** Whether the request asks for the connection to end with its response (RFC 9112 section 9.3). */
export function shouldCloseConnection(protocol: Protocol, headers: HeaderMap): boolean {
  const connection = headers.get('connection');
  if (protocol === PROTOCOL_HTTP10 && (connection === undefined || !hasToken(connection, 'keep-alive'))) return true;
  if (protocol === PROTOCOL_HTTP11 && connection !== undefined && hasToken(connection, 'close')) return true;
  if (protocol > PROTOCOL_HTTP11) return false;
  // Not a standard header, but one that HTTP/1 parsers have always honoured.
  const proxyConnection = headers.get('proxy-connection');
  return proxyConnection !== undefined && hasToken(proxyConnection, 'close');
}

/** Host header as routes see it: trailing dot and port taken off where configured. Returns the port that was taken off, or -1. */
export function normalizeHost(headers: HeaderMap, config: ConnectionManagerConfig, localPort: number): number {
  if (config.stripTrailingHostDot) stripTrailingDot(headers);
  if (config.stripPort === STRIP_PORT_ANY) return stripPort(headers, -1);
  return config.stripPort === STRIP_PORT_MATCHING ? stripPort(headers, localPort) : -1;
}

function stripTrailingDot(headers: HeaderMap): void {
  const host = headers.get(':authority');
  const dot = host?.lastIndexOf('.') ?? -1;
  if (host === undefined || dot < 0) return;
  if (dot === host.length - 1) headers.set(':authority', host.slice(0, -1));
  else if (host[dot + 1] === ':') headers.set(':authority', host.slice(0, dot) + host.slice(dot + 1));
}

/** `port` -1 = any. Returns the port that it took off, or -1. */
function stripPort(headers: HeaderMap, port: number): number {
  const host = headers.get(':authority');
  if (host === undefined) return -1;
  const at = portStart(host);
  if (at < 0) return -1;
  const given = parseUint(host.slice(at + 1));
  if (given < 0 || (port >= 0 && given !== port)) return -1;
  headers.set(':authority', host.slice(0, at));
  return given;
}
