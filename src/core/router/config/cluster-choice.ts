import type { HeaderMap } from '../../../contract/header-map.ts';
import type { Route, RouteEntry } from '../../../contract/route.ts';
import type { StreamInfo } from '../../../contract/stream-info.ts';
import type { CompiledRoute } from './compiled-route.ts';
import type { PerFilterConfigs } from './per-filter-configs.ts';

/** Chooses what a matched route gives when that depends on the request. */
export interface ClusterChoice {
  choose(headers: HeaderMap, streamInfo: StreamInfo, random: number): Route | null;
}

/** A route with another entry in place of its own: a weighted cluster, or one named by a header. */
export class ChosenRoute implements Route {
  readonly name: string;
  readonly virtualHost: Route['virtualHost'];
  readonly directResponse: null;
  readonly routeEntry: RouteEntry;
  readonly metadata: Route['metadata'];
  readonly origin: Route['origin'];
  private readonly parent: CompiledRoute;
  private readonly perFilter: PerFilterConfigs | null;

  constructor(parent: CompiledRoute, entry: RouteEntry, perFilter: PerFilterConfigs | null) {
    this.name = parent.name;
    this.virtualHost = parent.virtualHost;
    this.directResponse = null;
    this.routeEntry = entry;
    this.metadata = parent.metadata;
    this.origin = parent.origin;
    this.parent = parent;
    this.perFilter = perFilter;
  }

  mostSpecificPerFilterConfig(filterName: string): object | null {
    return this.perFilter?.get(filterName) ?? this.parent.mostSpecificPerFilterConfig(filterName);
  }

  perFilterConfigs(filterName: string): readonly object[] {
    const own = this.perFilter?.get(filterName) ?? null;
    const inherited = this.parent.perFilterConfigs(filterName);
    return own === null ? inherited : [...inherited, own];
  }

  filterDisabled(filterName: string): boolean | null {
    return this.perFilter?.disabled(filterName) ?? this.parent.filterDisabled(filterName);
  }
}

/** cluster_header: the first value of a header names the cluster. It is sent by the client: empty when missing. */
export class HeaderChoice implements ClusterChoice {
  private readonly parent: CompiledRoute;
  private readonly header: string;
  private readonly entryFor: (cluster: string) => RouteEntry;

  constructor(parent: CompiledRoute, header: string, entryFor: (cluster: string) => RouteEntry) {
    this.parent = parent;
    this.header = header;
    this.entryFor = entryFor;
  }

  choose(headers: HeaderMap): Route {
    return new ChosenRoute(this.parent, this.entryFor(headers.get(this.header) ?? ''), null);
  }
}
