import type {
  HttpConnectionManager, HttpFilter,
} from '#api/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import { asciiLowerCase } from '../../../../common/byte-string.ts';
import { notYet } from '../../../../common/not-yet.ts';
import { ConfigError, configAt } from '../../../../contract/errors.ts';
import type { FactoryContext, HttpFilterFactory } from '../../../../contract/extension.ts';
import { LOG_WARNING } from '../../../../contract/logger.ts';
import { HttpFilterChain } from '../../../../core/http/filter-chain.ts';
import type { HttpFilterEntry, UpgradeEntry } from '../../../../core/http/filter-chain.ts';

/** `http_filters` and `upgrade_configs`. */
export function buildFilterChain(config: HttpConnectionManager, statPrefix: string, context: FactoryContext): HttpFilterChain {
  const filters = buildFilters(config.httpFilters, 'http_filters', 'http', statPrefix, context);
  const upgrades = new Map<string, UpgradeEntry>();
  config.upgradeConfigs.forEach((upgrade, i) => {
    const path = `upgrade_configs[${i}]`;
    const type = asciiLowerCase(upgrade.upgradeType);
    if (upgrades.has(type)) throw new ConfigError(`Error: multiple upgrade configs with the same name: '${upgrade.upgradeType}'`, { path });
    const own = upgrade.filters.length === 0 ? null : buildFilters(upgrade.filters, `${path}.filters`, 'http upgrade', statPrefix, context);
    upgrades.set(type, { enabled: upgrade.enabled ?? true, filters: own });
  });
  return new HttpFilterChain(filters, upgrades);
}

function buildFilters(
  filters: readonly HttpFilter[], path: string, chain: string, statPrefix: string, context: FactoryContext,
): readonly HttpFilterEntry[] {
  const entries: HttpFilterEntry[] = [];
  filters.forEach((filter, i) => {
    const entry = configAt(`${path}[${i}]`, () => buildFilter(filter, i === filters.length - 1, chain, statPrefix, context));
    if (entry !== null) entries.push(entry);
  });
  return entries;
}

/** Null for an optional filter that nuncio does not have. */
function buildFilter(filter: HttpFilter, isLast: boolean, chain: string, statPrefix: string, context: FactoryContext): HttpFilterEntry | null {
  if (filter.configType.case === 'configDiscovery') {
    throw notYet('ECDS (config_discovery of an HTTP filter)', 'config_discovery', 'give the configuration in typed_config');
  }
  const factory = findFactory(filter, context);
  if (factory === null) return null;
  if (factory.terminal && !isLast) {
    throw new ConfigError(`Error: terminal filter named ${filter.name} of type ${factory.name} must be the last filter in a ${chain} filter chain.`);
  }
  if (!factory.terminal && isLast) {
    throw new ConfigError(
      `Error: non-terminal filter named ${filter.name} of type ${factory.name} is the last filter in a ${chain} filter chain.`,
      { hint: 'end http_filters with envoy.filters.http.router' },
    );
  }
  if (isLast && filter.disabled) {
    throw new ConfigError(`Error: the last (terminal) filter (${filter.name}) in the chain cannot be disabled by default.`);
  }
  const any = filter.configType.value;
  if (any === undefined) throw new ConfigError('typed_config is required');
  const message = context.messages.unpack(any, 'typed_config');
  const create = configAt('typed_config', () => factory.create(message, statPrefix, context));
  return { name: filter.name, create, disabled: filter.disabled };
}

function findFactory(filter: HttpFilter, context: FactoryContext): HttpFilterFactory | null {
  const any = filter.configType.case === 'typedConfig' ? filter.configType.value : undefined;
  try {
    return context.registry.httpFilter(any, filter.name);
  } catch (error) {
    if (!filter.isOptional || !(error instanceof ConfigError)) throw error;
    const logger = context.loggers.get('config');
    logger.log(LOG_WARNING, `Didn't find a registered factory for the optional http filter ${filter.name}: ${error.why}`);
    return null;
  }
}
