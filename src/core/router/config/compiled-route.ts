import type { Route as RouteMessage } from '#api/envoy/config/route/v3/route_components_pb.js';
import { toByteString } from '../../../common/byte-string.ts';
import { notYet, refuseFields } from '../../../common/not-yet.ts';
import { ConfigError, configAt } from '../../../contract/errors.ts';
import type { AccessLogOrigin } from '../../../contract/access-log.ts';
import type { HeaderMap } from '../../../contract/header-map.ts';
import type { DirectResponseEntry, Route, RouteEntry } from '../../../contract/route.ts';
import type { StreamInfo } from '../../../contract/stream-info.ts';
import { buildClusterRoute } from './cluster-route.ts';
import type { ClusterChoice } from './cluster-choice.ts';
import { buildDirectResponse } from './direct-response.ts';
import { HeaderLevels } from './header-levels.ts';
import type { PerFilterConfigs } from './per-filter-configs.ts';
import { buildConditions, buildPathMatch, isConnectRequest, PATH_CONNECT } from './route-match.ts';
import type { PathMatch, RouteConditions } from './route-match.ts';
import { buildLevel, plainMetadata } from './route-level.ts';
import type { PlainMetadata, RouteLevel } from './route-level.ts';
import type { VirtualHostFacts } from './virtual-host.ts';

/** One route of the table: its match, and what a match gives. */
export class CompiledRoute implements Route {
  readonly name: string;
  readonly virtualHost: VirtualHostFacts;
  readonly directResponse: DirectResponseEntry | null;
  readonly routeEntry: RouteEntry | null;
  readonly metadata: PlainMetadata | null;
  readonly origin: AccessLogOrigin | null;
  readonly path: PathMatch;
  private readonly conditions: RouteConditions | null;
  private readonly perFilter: PerFilterConfigs;
  /** Null when every match of the route is the same object: this one. */
  private readonly choice: ClusterChoice | null;

  constructor(message: RouteMessage, virtualHost: VirtualHostFacts, index: number) {
    refuse(message);
    const { context } = virtualHost.table;
    const match = message.match;
    if (match === undefined) throw new ConfigError('a match is required', { path: 'match' });
    this.name = toByteString(message.name);
    this.virtualHost = virtualHost;
    this.path = configAt('match', () => buildPathMatch(match));
    this.conditions = configAt('match', () => buildConditions(match, context));
    const level = buildLevel(message, context);
    this.perFilter = level.perFilter;
    this.metadata = configAt('metadata', () => plainMetadata(message.metadata));
    this.origin = Object.freeze({ routeConfig: virtualHost.routeConfigName, index });
    const levels = orderedLevels(virtualHost, level);
    const action = message.action;
    if (action.case === 'route') {
      const route = configAt('route', () => buildClusterRoute(message, action.value, virtualHost, this.path, levels, this));
      this.directResponse = null;
      this.routeEntry = route.entry;
      this.choice = route.choice;
    } else {
      this.directResponse = buildDirectResponse(action, this.path, virtualHost.table, levels);
      this.routeEntry = null;
      this.choice = null;
    }
  }

  /** What the route gives for a request whose path has been found to match, or null when its conditions do not hold. */
  resolve(headers: HeaderMap, streamInfo: StreamInfo, random: number): Route | null {
    if (this.path.kind === PATH_CONNECT && !isConnectRequest(headers)) return null;
    if (this.conditions !== null && !this.conditions.match(headers, streamInfo, random)) return null;
    return this.choice === null ? this : this.choice.choose(headers, streamInfo, random);
  }

  mostSpecificPerFilterConfig(filterName: string): object | null {
    return this.perFilter.get(filterName) ?? this.virtualHost.level.perFilter.get(filterName) ?? this.virtualHost.table.perFilter.get(filterName);
  }

  perFilterConfigs(filterName: string): readonly object[] {
    const configs: object[] = [];
    for (const level of [this.virtualHost.table.perFilter, this.virtualHost.level.perFilter, this.perFilter]) {
      const config = level.get(filterName);
      if (config !== null) configs.push(config);
    }
    return configs;
  }

  filterDisabled(filterName: string): boolean | null {
    return (
      this.perFilter.disabled(filterName) ?? this.virtualHost.level.perFilter.disabled(filterName) ??
      this.virtualHost.table.perFilter.disabled(filterName)
    );
  }
}

/** The request and response header changes of the three levels, in their order. */
export interface OrderedLevels {
  readonly request: HeaderLevels;
  readonly response: HeaderLevels;
}

function orderedLevels(virtualHost: VirtualHostFacts, route: RouteLevel): OrderedLevels {
  const { table } = virtualHost;
  const request = [table.requestHeaders, virtualHost.level.requestHeaders, route.requestHeaders];
  const response = [table.responseHeaders, virtualHost.level.responseHeaders, route.responseHeaders];
  // The last to write wins: by default that is the table.
  if (!table.mostSpecificWins) {
    request.reverse();
    response.reverse();
  }
  const { dispatcher } = table.context;
  return { request: new HeaderLevels(request, dispatcher), response: new HeaderLevels(response, dispatcher) };
}

function refuse(message: RouteMessage): void {
  const action = message.action;
  if (action.case === 'filterAction' || action.case === 'nonForwardingAction') {
    throw notYet(action.value.$typeName, action.case === 'filterAction' ? 'filter_action' : 'non_forwarding_action');
  }
  refuseFields(message, 'envoy.config.route.v3.Route', {
    decorator: 'decorator', tracing: 'tracing', routeSpecifiers: 'route_specifiers',
  });
}
