import type { Any } from '@bufbuild/protobuf/wkt';
// Not config/index.ts: a worker needs no YAML reader and no checks, and they are a quarter of its modules.
import { api } from '../config/api/registry.ts';
import { typeAnswer } from '../config/api/type-answer.ts';
import { configTypeOf, typeNameOf } from '../config/unpack-any.ts';
import type { ExtensionLookup } from '../config/index.ts';
import { closest } from '../config/message/did-you-mean.ts';
import { notYet } from '../common/not-yet.ts';
import { ConfigError } from '../contract/errors.ts';
import type { ListenerFilterFactory } from '../contract/listener-filter.ts';
import type {
  AccessLogFactory, DownstreamTransportSocketConfigFactory, ExtensionCategory, ExtensionFactory, FactoryLookup, HttpFilterFactory, NetworkFilterFactory,
  UpstreamTransportSocketConfigFactory,
} from '../contract/extension.ts';

/** Any factory that may stand in the list. */
export type AnyFactory =
  | ExtensionFactory
  | HttpFilterFactory
  | NetworkFilterFactory
  | ListenerFilterFactory
  | AccessLogFactory
  | DownstreamTransportSocketConfigFactory
  | UpstreamTransportSocketConfigFactory;

/**
 * Finds factories by the type of their configuration message. A typed_config is answered in one of three ways: a factory; known to
 * Envoy, not in nuncio yet; unknown, with the closest name that exists.
 */
export class ExtensionRegistry implements FactoryLookup, ExtensionLookup {
  readonly factories: readonly AnyFactory[];
  private readonly byType = new Map<string, AnyFactory[]>();
  private readonly perRouteTypes = new Set<string>();
  private readonly disabled: ReadonlySet<string>;

  /** `disabled`: `category/name` of factories that answer as if they were not there (`--disable-extensions`). */
  constructor(factories: readonly AnyFactory[], disabled: ReadonlySet<string> = new Set()) {
    this.factories = factories;
    this.disabled = disabled;
    const names = new Set<string>();
    for (const factory of factories) {
      const key = keyOf(factory);
      if (names.has(key)) throw new Error(`two extensions are called ${key}`);
      names.add(key);
      for (const type of factory.configTypes) this.register(type, factory);
      if (isHttpFilter(factory) && factory.perRouteConfigType !== undefined) this.perRouteTypes.add(factory.perRouteConfigType);
    }
  }

  /** Whether a factory takes this type as configuration or per-route configuration; a type URL or a bare message name. */
  has(typeUrl: string): boolean {
    const name = typeNameOf(typeUrl);
    return this.byType.has(name) || this.perRouteTypes.has(name);
  }

  /** The same list with some factories disabled. */
  without(names: readonly string[]): ExtensionRegistry {
    return names.length === 0 ? this : new ExtensionRegistry(this.factories, new Set(names));
  }

  /** Whether there is a factory called `category/name`. */
  knows(name: string): boolean {
    return this.factories.some((factory) => keyOf(factory) === name);
  }

  /** All factories of one category, in the order of the list. */
  inCategory(category: ExtensionCategory): readonly AnyFactory[] {
    return this.factories.filter((factory) => factory.category === category);
  }

  httpFilter(any: Any | undefined, name: string): HttpFilterFactory {
    const factory = this.find('envoy.filters.http', any, name);
    if (!isHttpFilter(factory)) throw new ConfigError(`${factory.name} is not an HTTP filter`);
    return factory;
  }

  networkFilter(any: Any | undefined, name: string): NetworkFilterFactory {
    const factory = this.find('envoy.filters.network', any, name);
    if (!isNetworkFilter(factory)) throw new ConfigError(`${factory.name} is not a network filter`);
    return factory;
  }

  accessLog(any: Any | undefined, name: string): AccessLogFactory {
    const factory = this.find('envoy.access_loggers', any, name);
    if (!isAccessLog(factory)) throw new ConfigError(`${factory.name} is not an access logger`);
    return factory;
  }

  downstreamTransportSocket(any: Any | undefined, name: string): DownstreamTransportSocketConfigFactory {
    const factory = this.find('envoy.transport_sockets.downstream', any, name);
    if (!isDownstreamTransportSocket(factory)) throw new ConfigError(`${factory.name} is not a downstream transport socket`);
    return factory;
  }

  upstreamTransportSocket(any: Any | undefined, name: string): UpstreamTransportSocketConfigFactory {
    const factory = this.find('envoy.transport_sockets.upstream', any, name);
    if (!isUpstreamTransportSocket(factory)) throw new ConfigError(`${factory.name} is not an upstream transport socket`);
    return factory;
  }

  find<C extends ExtensionCategory>(category: C, any: Any | undefined, name: string): ExtensionFactory {
    if (any === undefined || any.typeUrl === '') throw notFound(name, '', 'add typed_config with its "@type"');
    const type = configTypeOf(any);
    const factory = this.byType.get(type)?.find((each) => each.category === category);
    if (factory === undefined) throw this.missing(category, type, name);
    this.requireEnabled(factory, type, name);
    return factory;
  }

  perRouteHttpFilter(any: Any, name: string, optional: boolean): HttpFilterFactory | null {
    const type = configTypeOf(any);
    for (const factory of this.factories) {
      if (!isHttpFilter(factory) || !takesPerRoute(factory, type)) continue;
      if (optional && this.disabled.has(keyOf(factory))) return null;
      this.requireEnabled(factory, type, name);
      return factory;
    }
    if (optional) return null;
    throw this.missing('envoy.filters.http', type, name);
  }

  private requireEnabled(factory: AnyFactory, type: string, name: string): void {
    if (!this.disabled.has(keyOf(factory))) return;
    throw notFound(name, type, `${factory.name} is disabled by --disable-extensions`);
  }

  private register(type: string, factory: AnyFactory): void {
    const list = this.byType.get(type);
    if (list === undefined) this.byType.set(type, [factory]);
    else list.push(factory);
  }

  private missing(category: ExtensionCategory, type: string, name: string): ConfigError {
    const others = this.byType.get(type);
    if (others !== undefined) {
      return notFound(name, type, `${others[0].name} belongs to ${others[0].category}, which is not what stands here (${category})`);
    }
    const answer = typeAnswer(type, api());
    if (answer.descriptor === undefined) return notFound(name, type, answer.hint || this.nearest(type));
    const near = this.inCategory(category).map((each) => each.name).join(', ');
    return notYet(type, 'typed_config', near === '' ? '' : `nuncio has: ${near}`);
  }

  private nearest(type: string): string {
    const near = closest(type, [...this.byType.keys()]);
    return near === undefined ? '' : `did you mean type.googleapis.com/${near}?`;
  }
}

function keyOf(factory: AnyFactory): string {
  return `${factory.category}/${factory.name}`;
}

function notFound(name: string, type: string, hint: string): ConfigError {
  return new ConfigError(`Didn't find a registered implementation for '${name}' with type URL: '${type}'`, { hint });
}

/** Envoy finds the filter by its per-route type, or by its own type when it has no other. */
function takesPerRoute(factory: HttpFilterFactory, type: string): boolean {
  return factory.perRouteConfigType === undefined ? factory.configTypes.includes(type) : factory.perRouteConfigType === type;
}

export function isHttpFilter(factory: ExtensionFactory): factory is HttpFilterFactory {
  return factory.category === 'envoy.filters.http' && 'create' in factory;
}

function isNetworkFilter(factory: ExtensionFactory): factory is NetworkFilterFactory {
  return factory.category === 'envoy.filters.network' && 'create' in factory;
}

function isDownstreamTransportSocket(factory: ExtensionFactory): factory is DownstreamTransportSocketConfigFactory {
  return factory.category === 'envoy.transport_sockets.downstream' && 'create' in factory;
}

function isUpstreamTransportSocket(factory: ExtensionFactory): factory is UpstreamTransportSocketConfigFactory {
  return factory.category === 'envoy.transport_sockets.upstream' && 'create' in factory;
}

function isAccessLog(factory: ExtensionFactory): factory is AccessLogFactory {
  return factory.category === 'envoy.access_loggers' && 'create' in factory;
}
