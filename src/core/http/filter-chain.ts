import type { HttpFilterFactoryCb } from '../../contract/http-filter.ts';
import type { Route } from '../../contract/route.ts';
import type { FilterChainFactory, FilterManager } from './filter-manager.ts';

/** One entry of `http_filters`. */
export interface HttpFilterEntry {
  /** Name in the configuration. */
  readonly name: string;
  readonly create: HttpFilterFactoryCb;
  /** Off unless a route switches it on. */
  readonly disabled: boolean;
}

/** One entry of `upgrade_configs`. */
export interface UpgradeEntry {
  readonly enabled: boolean;
  /** Null = the connection manager's own filters. */
  readonly filters: readonly HttpFilterEntry[] | null;
}

/** The filters of a connection manager, and those of its upgrades by lower-case type. */
export class HttpFilterChain implements FilterChainFactory {
  private readonly filters: readonly HttpFilterEntry[];
  private readonly upgrades: ReadonlyMap<string, UpgradeEntry>;

  constructor(filters: readonly HttpFilterEntry[], upgrades: ReadonlyMap<string, UpgradeEntry>) {
    this.filters = filters;
    this.upgrades = upgrades;
  }

  createFilterChain(manager: FilterManager, route: Route | null): void {
    addFilters(this.filters, manager, route);
  }

  createUpgradeFilterChain(upgradeType: string, manager: FilterManager, route: Route | null): boolean {
    const type = upgradeType.toLowerCase();
    const byRoute = route?.routeEntry?.upgradeMap?.get(type);
    if (byRoute === false) return false;
    const entry = this.upgrades.get(type);
    if (byRoute !== true && entry?.enabled !== true) return false;
    addFilters(entry?.filters ?? this.filters, manager, route);
    return true;
  }
}

function addFilters(filters: readonly HttpFilterEntry[], manager: FilterManager, route: Route | null): void {
  for (let i = 0; i < filters.length; i++) {
    const filter = filters[i];
    const disabled = route === null ? filter.disabled : (route.filterDisabled(filter.name) ?? filter.disabled);
    if (disabled) continue;
    manager.setFilterName(filter.name);
    filter.create(manager);
  }
}
