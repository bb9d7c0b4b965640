import type { VirtualCluster as VirtualClusterMessage, VirtualHost as VirtualHostMessage } from '#api/envoy/config/route/v3/route_components_pb.js';
import { toByteString } from '../../../common/byte-string.ts';
import { buildHeaderMatchers, matchHeaders } from '../../../common/matchers/header-matcher.ts';
import type { HeaderMatcher } from '../../../common/matchers/header-matcher.ts';
import { notYet, refuseFields } from '../../../common/not-yet.ts';
import { ConfigError, configAt } from '../../../contract/errors.ts';
import type { HeaderMap } from '../../../contract/header-map.ts';
import type { HedgePolicy, RetryPolicy, ShadowPolicy, VirtualCluster, VirtualHost } from '../../../contract/route.ts';
import { buildHedgePolicy, buildRetryPolicy, buildShadowPolicies } from './policies.ts';
import { buildLevel, plainMetadata } from './route-level.ts';
import type { PlainMetadata, RouteLevel } from './route-level.ts';
import type { TableFacts } from './table-facts.ts';

/** VirtualHost.TlsRequirementType. */
export const TLS_NONE = 0;
export const TLS_EXTERNAL_ONLY = 1;
export const TLS_ALL = 2;

interface VirtualClusterEntry extends VirtualCluster {
  readonly headers: readonly HeaderMatcher[];
}

const OTHER: VirtualCluster = Object.freeze({ name: 'other' });

/** A virtual host without its routes. */
export class VirtualHostFacts implements VirtualHost {
  readonly name: string;
  readonly routeConfigName: string;
  readonly includeRequestAttemptCount: boolean;
  readonly includeAttemptCountInResponse: boolean;
  readonly includeIsTimeoutRetryHeader: boolean;
  readonly metadata: PlainMetadata | null;
  readonly table: TableFacts;
  readonly level: RouteLevel;
  readonly requireTls: number;
  readonly retryPolicy: RetryPolicy | null;
  readonly hedgePolicy: HedgePolicy | null;
  readonly shadowPolicies: readonly ShadowPolicy[];
  /** request_body_buffer_limit, and the older field that a route's own new one beats; -1 = not set. */
  readonly bodyBufferLimit: number;
  readonly legacyBufferLimit: number;
  private readonly virtualClusters: readonly VirtualClusterEntry[];

  constructor(message: VirtualHostMessage, table: TableFacts) {
    refuse(message);
    this.name = toByteString(message.name);
    this.routeConfigName = table.name;
    this.includeRequestAttemptCount = message.includeRequestAttemptCount;
    this.includeAttemptCountInResponse = message.includeAttemptCountInResponse;
    this.includeIsTimeoutRetryHeader = message.includeIsTimeoutRetryHeader;
    this.metadata = configAt('metadata', () => plainMetadata(message.metadata));
    this.table = table;
    this.level = buildLevel(message, table.context);
    this.requireTls = message.requireTls;
    const retry = message.retryPolicy;
    this.retryPolicy = retry === undefined ? null : configAt('retry_policy', () => buildRetryPolicy(retry));
    const hedge = message.hedgePolicy;
    this.hedgePolicy = hedge === undefined ? null : configAt('hedge_policy', () => buildHedgePolicy(hedge));
    const shadows = buildShadowPolicies(message.requestMirrorPolicies, table.context.dispatcher);
    this.shadowPolicies = shadows.length === 0 ? table.shadowPolicies : shadows;
    this.bodyBufferLimit = message.requestBodyBufferLimit === undefined ? -1 : Number(message.requestBodyBufferLimit);
    this.legacyBufferLimit = message.perRequestBufferLimitBytes ?? -1;
    this.virtualClusters = message.virtualClusters.map((each, i) =>
      configAt(`virtual_clusters[${i}]`, () => virtualClusterOf(each)));
  }

  virtualCluster(headers: HeaderMap): VirtualCluster | null {
    const clusters = this.virtualClusters;
    for (let i = 0; i < clusters.length; i++) if (matchHeaders(clusters[i].headers, headers)) return clusters[i];
    return clusters.length === 0 ? null : OTHER;
  }
}

function virtualClusterOf(message: VirtualClusterMessage): VirtualClusterEntry {
  if (message.headers.length === 0) throw new ConfigError("virtual clusters must define 'headers'", { path: 'headers' });
  return Object.freeze({ name: toByteString(message.name), headers: buildHeaderMatchers(message.headers, 'headers') });
}

function refuse(message: VirtualHostMessage): void {
  if (message.matcher !== undefined) {
    if (message.routes.length > 0) throw new ConfigError('cannot set both matcher and routes on virtual host', { path: 'matcher' });
    throw notYet('xds.type.matcher.v3.Matcher', 'matcher');
  }
  refuseFields(message, 'envoy.config.route.v3.VirtualHost', {
    rateLimits: 'rate_limits', cors: 'cors', retryPolicyTypedConfig: 'retry_policy_typed_config', routeSpecifiers: 'route_specifiers',
  });
}
