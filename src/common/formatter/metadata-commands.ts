import type { LogContext } from '../../contract/access-log.ts';
import { ConfigError } from '../../contract/errors.ts';
import type { FilterStateObject } from '../../contract/stream-info.ts';
import { toByteString } from '../byte-string.ts';
import { metadataValue } from '../matchers/value-matcher.ts';
import type { MetadataSource } from '../matchers/value-matcher.ts';
import { notYet } from '../not-yet.ts';
import { LENGTH_ALLOWED, PARAMS_OPTIONAL, PARAMS_REQUIRED } from './command.ts';
import type { Command, CommandTable } from './command.ts';
import { jsonOfValue, jsonString } from './json-text.ts';
import { TextOperator, truncate } from './operator.ts';
import type { Operator } from './operator.ts';

type SourceReader = (context: LogContext) => MetadataSource;

/** A value of metadata: text as it is, everything else as JSON. A length cuts text; in JSON output it cuts strings only (1.40). */
class MetadataOperator implements Operator {
  private readonly source: SourceReader;
  private readonly namespace: string;
  private readonly path: readonly string[];
  private readonly max: number;

  constructor(source: SourceReader, namespace: string, path: readonly string[], max: number) {
    this.source = source;
    this.namespace = namespace;
    this.path = path;
    this.max = max;
  }

  text(context: LogContext): string | null {
    const value = this.read(context);
    if (value === undefined || value === null) return null;
    return truncate(typeof value === 'string' ? toByteString(value) : jsonOfValue(value), this.max);
  }

  json(context: LogContext): string {
    const value = this.read(context);
    return typeof value === 'string' ? jsonString(truncate(toByteString(value), this.max)) : jsonOfValue(value);
  }

  private read(context: LogContext): unknown {
    return metadataValue(this.source(context), this.namespace, this.path);
  }
}

/** `NS:KEY:KEY`, or the older form `["NS","KEY"]`. */
function splitPath(parameter: string): string[] {
  if (parameter.startsWith('[')) {
    try {
      const list: unknown = JSON.parse(parameter);
      if (Array.isArray(list) && list.every((each) => typeof each === 'string')) return list;
    } catch {
      // Not JSON: taken as it stands, as Envoy does.
    }
  }
  return parameter.split(':');
}

function metadataOperator(source: SourceReader, parameter: string, max: number): Operator {
  const [namespace, ...path] = splitPath(parameter);
  return new MetadataOperator(source, namespace, path, max);
}

function command(source: SourceReader, syntax: number): Command {
  return { syntax, create: (parameter, max) => metadataOperator(source, parameter, max) };
}

const dynamic: SourceReader = (context) => context.streamInfo.dynamicMetadata;
const cluster: SourceReader = (context) => context.streamInfo.upstreamCluster?.metadata ?? null;
const upstreamHost: SourceReader = (context) => context.streamInfo.upstream?.host?.metadata ?? null;
const route: SourceReader = (context) => context.streamInfo.route?.metadata ?? null;
const virtualHost: SourceReader = (context) => context.streamInfo.route?.virtualHost.metadata ?? null;

const METADATA_TYPES: Readonly<Record<string, SourceReader>> = {
  DYNAMIC: dynamic, CLUSTER: cluster, ROUTE: route, UPSTREAM_HOST: upstreamHost, VIRTUAL_HOST: virtualHost,
};

function anyMetadata(parameter: string, max: number): Operator {
  const colon = parameter.indexOf(':');
  const type = colon < 0 ? parameter : parameter.slice(0, colon);
  const source = METADATA_TYPES[type];
  if (source !== undefined) return metadataOperator(source, colon < 0 ? '' : parameter.slice(colon + 1), max);
  if (type === 'LISTENER' || type === 'LISTENER_FILTER_CHAIN') throw notYet(`%METADATA(${type}:…)%`);
  throw new ConfigError(`${type} is not supported type of metadata`);
}

/** `KEY:PLAIN|TYPED|FIELD:FIELD_NAME`. Objects of filter state are plain values here. */
function filterState(parameter: string, max: number): Operator {
  const [key, kind = '', field = ''] = parameter.split(':');
  if (key === '') throw new ConfigError('Invalid filter state configuration, key cannot be empty.');
  if (kind !== '' && kind !== 'PLAIN' && kind !== 'TYPED' && kind !== 'FIELD') {
    throw new ConfigError('Invalid filter state serialize type, only support PLAIN/TYPED/FIELD.');
  }
  if ((kind === 'FIELD') !== (field !== '')) {
    throw new ConfigError('Invalid filter state serialize type, FIELD should be used with the field name.');
  }
  return new FilterStateOperator(key, kind === '' ? 'TYPED' : kind, field, max);
}

class FilterStateOperator implements Operator {
  private readonly key: string;
  private readonly kind: string;
  private readonly field: string;
  private readonly max: number;

  constructor(key: string, kind: string, field: string, max: number) {
    this.key = key;
    this.kind = kind;
    this.field = field;
    this.max = max;
  }

  text(context: LogContext): string | null {
    const text = this.kind === 'TYPED' ? this.typedJson(context, true) : this.plain(context);
    return text === null ? null : truncate(text, this.max);
  }

  json(context: LogContext): string {
    if (this.kind === 'TYPED') return this.typedJson(context, false) ?? 'null';
    const text = this.text(context);
    return text === null ? 'null' : jsonString(text);
  }

  private plain(context: LogContext): string | null {
    const value = context.streamInfo.filterState?.get(this.key);
    if (this.kind === 'FIELD') return fieldText(value, this.field);
    return isFilterStateObject(value) ? value.filterStateText() : plainText(value);
  }

  private typedJson(context: LogContext, camelCase: boolean): string | null {
    const value = context.streamInfo.filterState?.get(this.key);
    const json = isFilterStateObject(value) ? value.filterStateJson(camelCase) : value;
    return json === undefined || json === null ? null : jsonOfValue(json);
  }
}

function isFilterStateObject(value: unknown): value is FilterStateObject {
  return typeof value === 'object' && value !== null && 'filterStateText' in value;
}

function plainText(value: unknown): string | null {
  if (typeof value === 'string') return toByteString(value);
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : null;
}

function fieldText(value: unknown, field: string): string | null {
  if (isFilterStateObject(value)) return value.filterStateField?.(field) ?? null;
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, field)) return null;
  return plainText(Reflect.get(value, field));
}

export const METADATA_COMMANDS: CommandTable = {
  DYNAMIC_METADATA: command(dynamic, PARAMS_REQUIRED | LENGTH_ALLOWED),
  CLUSTER_METADATA: command(cluster, PARAMS_REQUIRED),
  UPSTREAM_METADATA: command(upstreamHost, PARAMS_REQUIRED),
  METADATA: { syntax: PARAMS_REQUIRED | LENGTH_ALLOWED, create: anyMetadata },
  FILTER_STATE: { syntax: PARAMS_OPTIONAL | LENGTH_ALLOWED, create: filterState },
  // Upstream streams have no filter state of their own yet: there is never a value.
  UPSTREAM_FILTER_STATE: {
    syntax: PARAMS_OPTIONAL | LENGTH_ALLOWED,
    create: (parameter, max) => {
      filterState(parameter, max);
      return new TextOperator(() => null);
    },
  },
};
