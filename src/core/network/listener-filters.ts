import type {
  ListenerFilter as ListenerFilterMessage,
  ListenerFilterChainMatchPredicate,
} from '#api/envoy/config/listener/v3/listener_components_pb.js';
import type { Listener } from '#api/envoy/config/listener/v3/listener_pb.js';
import { notYet } from '../../common/not-yet.ts';
import type { Address } from '../../contract/address.ts';
import { ConfigError, configAt } from '../../contract/errors.ts';
import type { ExtensionFactory, FactoryContext } from '../../contract/extension.ts';
import type { ListenerFilter, ListenerFilterFactory, ListenerFilterFactoryCb } from '../../contract/listener-filter.ts';
import { durationMs } from '../../contract/message.ts';

/** Milliseconds, Envoy's `listener_filters_timeout`. */
const DEFAULT_TIMEOUT = 15_000;

/** Whether a filter is skipped for a connection to this address. */
type Disabled = (local: Address) => boolean;

interface Entry {
  readonly create: ListenerFilterFactoryCb;
  /** Null = never. */
  readonly disabled: Disabled | null;
}

/** The listener filters of one listener. Immutable. */
export class ListenerFilters {
  /** Milliseconds; 0 = none. */
  readonly timeout: number;
  readonly continueOnTimeout: boolean;
  private readonly entries: readonly Entry[];

  constructor(entries: readonly Entry[], timeout: number, continueOnTimeout: boolean) {
    this.entries = entries;
    this.timeout = timeout;
    this.continueOnTimeout = continueOnTimeout;
  }

  /** Fresh filters for one connection. */
  create(local: Address): ListenerFilter[] {
    const filters: ListenerFilter[] = [];
    for (const { create, disabled } of this.entries) {
      if (disabled === null || !disabled(local)) filters.push(create());
    }
    return filters;
  }
}

/** Null when there are none: then connections are never looked into. */
export function buildListenerFilters(message: Listener, context: FactoryContext): ListenerFilters | null {
  const entries = message.listenerFilters.map((filter, i) => configAt(`listener_filters[${i}]`, () => buildEntry(filter, context)));
  if (entries.length === 0) return null;
  return new ListenerFilters(entries, durationMs(message.listenerFiltersTimeout, DEFAULT_TIMEOUT), message.continueOnListenerFiltersTimeout);
}

function buildEntry(filter: ListenerFilterMessage, context: FactoryContext): Entry {
  if (filter.configType.case === 'configDiscovery') throw notYet('ListenerFilter.config_discovery', 'config_discovery');
  const any = filter.configType.value;
  const factory = context.registry.find('envoy.filters.listener', any, filter.name);
  if (!isListenerFilter(factory)) throw new ConfigError(`${factory.name} is not a listener filter`);
  if (any === undefined) throw new ConfigError('typed_config is required', { path: 'typed_config' });
  const config = context.messages.unpack(any, 'typed_config');
  return {
    create: configAt('typed_config', () => factory.create(config, context)),
    disabled: filter.filterDisabled === undefined ? null : buildPredicate(filter.filterDisabled),
  };
}

function isListenerFilter(factory: ExtensionFactory): factory is ListenerFilterFactory {
  return factory.category === 'envoy.filters.listener' && 'create' in factory;
}

/** Port ranges hold connections to IP addresses only. */
function buildPredicate(predicate: ListenerFilterChainMatchPredicate): Disabled {
  const { rule } = predicate;
  switch (rule.case) {
    case 'anyMatch': return () => true;
    case 'notMatch': {
      const inner = buildPredicate(rule.value);
      return (local) => !inner(local);
    }
    case 'andMatch': {
      const all = rule.value.rules.map(buildPredicate);
      return (local) => all.every((each) => each(local));
    }
    case 'orMatch': {
      const some = rule.value.rules.map(buildPredicate);
      return (local) => some.some((each) => each(local));
    }
    case 'destinationPortRange': {
      const { start, end } = rule.value;
      return (local) => local.kind === 'ip' && local.port >= start && local.port < end;
    }
    default: throw new ConfigError('a rule is required', { path: 'filter_disabled' });
  }
}
