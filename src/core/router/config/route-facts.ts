import type { Route as RouteMessage, RouteAction } from '#api/envoy/config/route/v3/route_components_pb.js';
import { FormatContext } from '../../../common/format-context.ts';
import { asciiLowerCase, toByteString } from '../../../common/byte-string.ts';
import { ORIGINAL_CONNECT_PORT } from '../../../common/http/connect.ts';
import { portStart } from '../../../common/http/host-header.ts';
import { removeQueryAndFragment } from '../../../common/http/path.ts';
import { notYet, refuseFields } from '../../../common/not-yet.ts';
import type { Formatter } from '../../../contract/access-log.ts';
import type { Dispatcher } from '../../../contract/dispatcher.ts';
import { ConfigError, configAt } from '../../../contract/errors.ts';
import type { HeaderMap } from '../../../contract/header-map.ts';
import type { ConnectConfig, HashPolicy, HedgePolicy, ResourcePriority, RetryPolicy, ShadowPolicy } from '../../../contract/route.ts';
import type { StreamInfo } from '../../../contract/stream-info.ts';
import type { OrderedLevels } from './compiled-route.ts';
import { RouteHashPolicy } from './hash-policy.ts';
import { buildHostRewrite, rewriteFormatter, updateAuthority } from './host-rewrite.ts';
import { PathRewrite, RegexSubstitution } from './path-rewrite.ts';
import { buildHedgePolicy, buildRetryPolicy, buildShadowPolicies, optionalMs } from './policies.ts';
import { lbMetadata } from './route-level.ts';
import type { PlainMetadata } from './route-level.ts';
import type { PathMatch } from './route-match.ts';
import type { VirtualHostFacts } from './virtual-host.ts';

const DEFAULT_TIMEOUT_MS = 15_000;
/** Index = RouteAction.ClusterNotFoundResponseCode. */
const CLUSTER_NOT_FOUND: readonly number[] = [503, 404, 500];

/** Everything of a `route` action but which cluster: shared by all its entries. */
export class RouteFacts {
  readonly clusterNotFoundResponseCode: number;
  readonly priority: ResourcePriority;
  readonly timeout: number;
  readonly idleTimeout: number;
  readonly flushTimeout: number;
  readonly maxStreamDuration: number;
  readonly grpcTimeoutHeaderMax: number;
  readonly grpcTimeoutHeaderOffset: number;
  readonly maxGrpcTimeout: number;
  readonly grpcTimeoutOffset: number;
  readonly retryPolicy: RetryPolicy | null;
  readonly hedgePolicy: HedgePolicy | null;
  readonly shadowPolicies: readonly ShadowPolicy[];
  readonly hashPolicy: HashPolicy | null;
  readonly metadataMatch: PlainMetadata | null;
  readonly requestBodyBufferLimit: number;
  readonly autoHostRewrite: boolean;
  readonly appendXForwardedHost: boolean;
  readonly upgradeMap: ReadonlyMap<string, boolean> | null;
  readonly connectConfig: ConnectConfig | null;
  readonly includeVirtualHostRateLimits: boolean;
  readonly routeStatsPrefix: string;
  readonly levels: OrderedLevels;
  private readonly hostRewrite: ReturnType<typeof buildHostRewrite>;
  private readonly pathRewrite: PathRewrite;
  private readonly pathFormatter: Formatter | null;
  private readonly dispatcher: Dispatcher;

  constructor(route: RouteMessage, action: RouteAction, virtualHost: VirtualHostFacts, path: PathMatch, levels: OrderedLevels) {
    refuse(action);
    const stream = action.maxStreamDuration;
    this.clusterNotFoundResponseCode = CLUSTER_NOT_FOUND[action.clusterNotFoundResponseCode] ?? 503;
    this.priority = action.priority === 1 ? 1 : 0;
    this.timeout = action.timeout === undefined ? DEFAULT_TIMEOUT_MS : optionalMs(action.timeout);
    this.idleTimeout = optionalMs(action.idleTimeout);
    this.flushTimeout = optionalMs(action.flushTimeout);
    this.maxStreamDuration = optionalMs(stream?.maxStreamDuration);
    this.grpcTimeoutHeaderMax = optionalMs(stream?.grpcTimeoutHeaderMax);
    this.grpcTimeoutHeaderOffset = optionalMs(stream?.grpcTimeoutHeaderOffset);
    this.maxGrpcTimeout = optionalMs(action.maxGrpcTimeout);
    this.grpcTimeoutOffset = optionalMs(action.grpcTimeoutOffset);
    const retry = action.retryPolicy;
    this.retryPolicy = retry === undefined ? virtualHost.retryPolicy : configAt('retry_policy', () => buildRetryPolicy(retry));
    const hedge = action.hedgePolicy;
    this.hedgePolicy = hedge === undefined ? virtualHost.hedgePolicy : configAt('hedge_policy', () => buildHedgePolicy(hedge));
    const shadows = buildShadowPolicies(action.requestMirrorPolicies, virtualHost.table.context.dispatcher);
    this.shadowPolicies = shadows.length === 0 ? virtualHost.shadowPolicies : shadows;
    this.hashPolicy = action.hashPolicy.length === 0 ? null : new RouteHashPolicy(action.hashPolicy);
    this.metadataMatch = configAt('metadata_match', () => lbMetadata(action.metadataMatch));
    this.requestBodyBufferLimit = bodyLimit(route, virtualHost);
    const host = action.hostRewriteSpecifier;
    this.autoHostRewrite = host.case === 'autoHostRewrite' && host.value.value;
    this.appendXForwardedHost = action.appendXForwardedHost;
    this.upgradeMap = upgrades(action);
    this.connectConfig = connectConfig(action);
    this.includeVirtualHostRateLimits = action.includeVhRateLimits ?? false;
    this.routeStatsPrefix = toByteString(route.statPrefix);
    this.levels = levels;
    this.dispatcher = virtualHost.table.context.dispatcher;
    this.hostRewrite = buildHostRewrite(host, this.dispatcher);
    this.pathFormatter = action.pathRewrite === '' ? null : rewriteFormatter('path', action.pathRewrite, true);
    this.pathRewrite = pathRewriteOf(action, path);
  }

  /** Host and path rewrites; after the header changes, which they may depend on. */
  rewrite(headers: HeaderMap, streamInfo: StreamInfo, keepOriginal: boolean): void {
    if (streamInfo.filterState !== null) restoreConnectPort(headers, streamInfo.filterState);
    if (this.hostRewrite !== null) {
      const host = this.hostRewrite.host(headers, streamInfo);
      if (host !== '') updateAuthority(headers, host, this.appendXForwardedHost, keepOriginal);
    }
    const old = headers.get(':path');
    if (old === undefined) return;
    const path = this.rewrittenPath(old, headers, streamInfo);
    if (path === '') return;
    if (keepOriginal) headers.set('x-envoy-original-path', old);
    headers.set(':path', path);
  }

  private rewrittenPath(path: string, headers: HeaderMap, streamInfo: StreamInfo): string {
    if (this.pathFormatter === null) return this.pathRewrite.isEmpty ? '' : this.pathRewrite.rewrite(path);
    const changed = this.pathFormatter.format(new FormatContext(streamInfo, this.dispatcher.now(), headers));
    return changed === '' ? '' : changed + path.slice(removeQueryAndFragment(path).length);
  }
}

function restoreConnectPort(headers: HeaderMap, state: ReadonlyMap<string, unknown>): void {
  const port = state.get(ORIGINAL_CONNECT_PORT);
  const host = headers.get(':authority') ?? '';
  if (port !== undefined && portStart(host) < 0) headers.set(':authority', `${host}:${String(port)}`);
}

function refuse(action: RouteAction): void {
  if (action.pathRewritePolicy !== undefined) {
    const type = action.pathRewritePolicy.typedConfig?.typeUrl ?? action.pathRewritePolicy.name;
    throw notYet(type.slice(type.lastIndexOf('/') + 1), 'path_rewrite_policy');
  }
  refuseFields(action, 'envoy.config.route.v3.RouteAction', {
    earlyDataPolicy: 'early_data_policy', retryPolicyTypedConfig: 'retry_policy_typed_config', rateLimits: 'rate_limits', cors: 'cors',
    internalRedirectPolicy: 'internal_redirect_policy', internalRedirectAction: 'internal_redirect_action',
    maxInternalRedirects: 'max_internal_redirects',
  });
}

function pathRewriteOf(action: RouteAction, path: PathMatch): PathRewrite {
  const given = [action.prefixRewrite !== '', action.regexRewrite !== undefined, action.pathRewrite !== ''];
  if (given.filter(Boolean).length > 1) {
    throw new ConfigError('Specify only one of prefix_rewrite, regex_rewrite or path_rewrite_policy');
  }
  const regex = action.regexRewrite;
  return new PathRewrite(
    action.prefixRewrite, regex === undefined ? null : configAt('regex_rewrite', () => new RegexSubstitution(regex)), path);
}

/** The route's own limit, the virtual host's, then the older fields of both; -1 = none. */
function bodyLimit(route: RouteMessage, virtualHost: VirtualHostFacts): number {
  if (route.requestBodyBufferLimit !== undefined) return Number(route.requestBodyBufferLimit);
  if (virtualHost.bodyBufferLimit >= 0) return virtualHost.bodyBufferLimit;
  return route.perRequestBufferLimitBytes ?? virtualHost.legacyBufferLimit;
}

function upgrades(action: RouteAction): ReadonlyMap<string, boolean> | null {
  if (action.upgradeConfigs.length === 0) return null;
  const map = new Map<string, boolean>();
  action.upgradeConfigs.forEach((each, i) => {
    const path = `upgrade_configs[${i}]`;
    const type = asciiLowerCase(toByteString(each.upgradeType));
    if (map.has(type)) throw new ConfigError(`Duplicate upgrade ${each.upgradeType}`, { path });
    if (each.connectConfig !== undefined) {
      if (type !== 'connect' && type !== 'connect-udp') {
        throw new ConfigError(`Non-CONNECT upgrade type ${each.upgradeType} has ConnectConfig`, { path });
      }
    }
    map.set(type, each.enabled ?? true);
  });
  return map;
}

/** Of all `upgrade_configs` with a connect_config the last one holds, as in Envoy; TLVs of its PROXY header are ignored there too. */
function connectConfig(action: RouteAction): ConnectConfig | null {
  const found = action.upgradeConfigs.findLast((each) => each.connectConfig !== undefined)?.connectConfig;
  if (found === undefined) return null;
  const proxy = found.proxyProtocolConfig;
  return Object.freeze({ allowPost: found.allowPost, proxyProtocolVersion: proxy === undefined ? 0 : proxy.version === 0 ? 1 : 2 });
}
