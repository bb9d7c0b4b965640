import type { Any } from '@bufbuild/protobuf/wkt';
import type { FilterConfig } from '#api/envoy/config/route/v3/route_components_pb.js';
import { ConfigError, configAt } from '../../../contract/errors.ts';
import type { FactoryContext } from '../../../contract/extension.ts';
import { expectMessage } from '../../../contract/message.ts';

const FILTER_CONFIG = 'envoy.config.route.v3.FilterConfig';

interface Entry {
  readonly config: object | null;
  readonly disabled: boolean;
}

/** typed_per_filter_config of one level, by the filter's name in the chain. */
export class PerFilterConfigs {
  private readonly entries: ReadonlyMap<string, Entry> | null;

  /** `path` of errors begins at the map. */
  constructor(configs: Readonly<Record<string, Any>>, context: FactoryContext) {
    const names = Object.keys(configs);
    this.entries = names.length === 0 ? null : new Map(names.map((name) =>
      [name, configAt(`typed_per_filter_config[${JSON.stringify(name)}]`, () => entryOf(name, configs[name], context))]));
  }

  get(name: string): object | null {
    return this.entries === null ? null : (this.entries.get(name)?.config ?? null);
  }

  /** True or false when this level says so; a filter configured here is enabled. */
  disabled(name: string): boolean | null {
    return this.entries === null ? null : (this.entries.get(name)?.disabled ?? null);
  }
}

function entryOf(name: string, any: Any, context: FactoryContext): Entry {
  if (!any.typeUrl.endsWith(`/${FILTER_CONFIG}`)) return { config: routeConfig(name, any, false, context), disabled: false };
  const wrapper = expectMessage<FilterConfig>(context.messages.unpack(any, ''), FILTER_CONFIG);
  if (wrapper.disabled) return { config: null, disabled: true };
  const inner = wrapper.config;
  if (inner === undefined) {
    throw new ConfigError(`Empty route/virtual host per filter configuration for ${name} filter`, { path: 'config' });
  }
  if (inner.typeUrl === '') return { config: null, disabled: false };
  return { config: configAt('config', () => routeConfig(name, inner, wrapper.isOptional, context)), disabled: false };
}

function routeConfig(name: string, any: Any, optional: boolean, context: FactoryContext): object | null {
  const factory = context.registry.perRouteHttpFilter(any, name, optional);
  if (factory === null) return null;
  if (factory.createPerRoute === undefined) {
    if (optional) return null;
    throw new ConfigError(`The filter ${name} doesn't support virtual host or route specific configurations`);
  }
  return factory.createPerRoute(context.messages.unpack(any, ''), context);
}
