import type { DoubleMatcher } from '#api/envoy/type/matcher/v3/number_pb.js';
import type { ValueMatcher as ValueMatcherMessage } from '#api/envoy/type/matcher/v3/value_pb.js';
import type { MetadataMatcher as MetadataMatcherMessage } from '#api/envoy/type/matcher/v3/metadata_pb.js';
import { ConfigError, configAt } from '../../contract/errors.ts';
import { toByteString } from '../byte-string.ts';
import { buildStringMatcher } from './string-matcher.ts';

/** Decides over a JSON-like value of metadata; `undefined` = nothing is there. */
export interface ValueMatcher {
  matches(value: unknown): boolean;
}

/** Nesting of list and or matchers that is followed. */
const MAX_DEPTH = 32;

export function buildValueMatcher(message: ValueMatcherMessage | undefined, depth = 0): ValueMatcher {
  if (depth > MAX_DEPTH) throw new ConfigError(`matchers are nested more than ${MAX_DEPTH} deep`);
  const pattern = message?.matchPattern;
  switch (pattern?.case) {
    case 'nullMatch': return { matches: (value) => value === null };
    case 'boolMatch': return equalTo(pattern.value);
    case 'presentMatch': {
      const present = pattern.value;
      return { matches: (value) => present && value !== undefined };
    }
    case 'doubleMatch': return doubleMatcher(pattern.value);
    case 'stringMatch': {
      const inner = configAt('string_match', () => buildStringMatcher(pattern.value));
      return { matches: (value) => typeof value === 'string' && inner.matches(toByteString(value)) };
    }
    case 'listMatch': {
      const inner = configAt('list_match.one_of', () => buildValueMatcher(listElement(pattern.value), depth + 1));
      return { matches: (value) => Array.isArray(value) && value.some((each) => inner.matches(each)) };
    }
    case 'orMatch': {
      const inner = pattern.value.valueMatchers.map((each, i) =>
        configAt(`or_match.value_matchers[${i}]`, () => buildValueMatcher(each, depth + 1)));
      return { matches: (value) => inner.some((each) => each.matches(value)) };
    }
    default:
      throw new ConfigError('value matcher without a pattern');
  }
}

function listElement(message: { matchPattern: { case: string | undefined; value?: unknown } }): ValueMatcherMessage | undefined {
  return message.matchPattern.case === 'oneOf' ? (message.matchPattern.value as ValueMatcherMessage) : undefined;
}

function doubleMatcher(message: DoubleMatcher): ValueMatcher {
  const pattern = message.matchPattern;
  if (pattern.case === 'range') {
    const { start, end } = pattern.value;
    return { matches: (value) => typeof value === 'number' && value >= start && value < end };
  }
  return equalTo(pattern.value);
}

function equalTo(wanted: unknown): ValueMatcher {
  return { matches: (value) => value === wanted };
}

/** Metadata by namespace, as StreamInfo.dynamicMetadata and the metadata of hosts, clusters and routes hold it. */
export type MetadataSource = ReadonlyMap<string, Readonly<Record<string, unknown>>> | Readonly<Record<string, unknown>> | null;

/** The value under `path` in a namespace; undefined when there is none. An empty path gives the namespace itself. */
export function metadataValue(source: MetadataSource, namespace: string, path: readonly string[]): unknown {
  if (source === null) return undefined;
  let value: unknown = source instanceof Map ? source.get(namespace) : own(source, namespace);
  for (let i = 0; i < path.length && value !== undefined; i++) value = own(value, path[i]);
  return value;
}

function own(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, key)) return undefined;
  return Reflect.get(value, key);
}

/** envoy.type.matcher.v3.MetadataMatcher. */
export class MetadataMatcher {
  private readonly namespace: string;
  private readonly path: readonly string[];
  private readonly value: ValueMatcher;
  private readonly invert: boolean;

  constructor(message: MetadataMatcherMessage) {
    this.namespace = message.filter;
    this.path = message.path.map((segment) => (segment.segment.case === 'key' ? segment.segment.value : ''));
    this.value = configAt('value', () => buildValueMatcher(message.value));
    this.invert = message.invert;
  }

  matches(source: MetadataSource): boolean {
    return this.value.matches(metadataValue(source, this.namespace, this.path)) !== this.invert;
  }
}
