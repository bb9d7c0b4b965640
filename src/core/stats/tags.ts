import type { StatsConfig } from '#api/envoy/config/metrics/v3/stats_pb.js';
import { ConfigError } from '../../contract/errors.ts';
import { DEFAULT_TAG_EXTRACTORS } from './default-tags.ts';

/**
 * Tag extraction: `cluster.foo.upstream_rq_200` is the metric `cluster.upstream_rq` with envoy.cluster_name=foo and
 * envoy.response_code=200. Extractors all look at the whole name; what they capture is cut out of it together at the end.
 * Source: Envoy's statistics architecture page and `StatsConfig`.
 */
export interface Tag {
  readonly name: string;
  readonly value: string;
}

export interface TaggedName {
  readonly extracted: string;
  readonly tags: readonly Tag[];
}

/** What one extractor found: the tag's value and the characters [start, end) to cut. */
interface Found {
  readonly value: string;
  readonly start: number;
  readonly end: number;
}

/** A rule as configured. Exactly one of `regex` and `tokens` is set. */
export interface TagExtractorRule {
  readonly name: string;
  /** First group is cut out, second (if any) is the value. */
  readonly regex?: RegExp;
  /** `http.*.user_agent.$.**`: `$` the value, `*` one token, `**` any number. */
  readonly tokens?: string;
  /** The name must contain it; quick rejection. */
  readonly substring?: string;
  /** A value that does not count as a match. */
  readonly except?: string;
}

interface Extractor {
  readonly name: string;
  /** First token that a name must have, or empty for any. */
  readonly firstToken: string;
  extract(statName: string, tokens: readonly string[]): Found | null;
}

export class TagProducer {
  private readonly fixedTags: readonly Tag[];
  private readonly anyFirst: readonly Extractor[];
  private readonly byFirst: ReadonlyMap<string, readonly Extractor[]>;
  private readonly cache = new Map<string, TaggedName>();

  /** `cliTags` come from `--stats-tag name:value`. Throws ConfigError. */
  constructor(config: StatsConfig | undefined, cliTags: readonly Tag[]) {
    const rules = config?.useAllDefaultTags === false ? [] : DEFAULT_TAG_EXTRACTORS.map(compile);
    const fixed: Tag[] = [...cliTags];
    (config?.statsTags ?? []).forEach((specifier, i) => {
      const { tagName, tagValue } = specifier;
      if (tagValue.case === 'fixedValue') fixed.push({ name: tagName, value: tagValue.value });
      else rules.push(...specified(tagName, tagValue.case === 'regex' ? tagValue.value : '', `stats_config.stats_tags[${i}]`));
    });
    this.fixedTags = fixed;
    this.anyFirst = rules.filter((rule) => rule.firstToken === '');
    const byFirst = new Map<string, Extractor[]>();
    for (const rule of rules) {
      if (rule.firstToken === '') continue;
      const list = byFirst.get(rule.firstToken);
      if (list === undefined) byFirst.set(rule.firstToken, [rule]);
      else list.push(rule);
    }
    this.byFirst = byFirst;
  }

  /** Takes a stat name apart. Results are kept for names up to a bound, because scrapes ask for the same names again. */
  produce(statName: string): TaggedName {
    const known = this.cache.get(statName);
    if (known !== undefined) return known;
    const made = this.extract(statName);
    if (this.cache.size < 100_000) this.cache.set(statName, made);
    return made;
  }

  private extract(statName: string): TaggedName {
    const tokens = statName.split('.');
    const tags: Tag[] = [];
    const cuts: Found[] = [];
    const seen = new Set<string>();
    const run = (extractor: Extractor): void => {
      if (seen.has(extractor.name)) return;
      const found = extractor.extract(statName, tokens);
      if (found === null) return;
      seen.add(extractor.name);
      tags.push({ name: extractor.name, value: found.value });
      cuts.push(found);
    };
    this.anyFirst.forEach(run);
    if (tokens.length > 1) this.byFirst.get(tokens[0])?.forEach(run);
    tags.push(...this.fixedTags);
    return { extracted: cut(statName, cuts), tags };
  }
}

function cut(name: string, cuts: readonly Found[]): string {
  if (cuts.length === 0) return name;
  const sorted = cuts.toSorted((a, b) => a.start - b.start);
  let kept = '';
  let at = 0;
  for (const { start, end } of sorted) {
    if (start > at) kept += name.slice(at, start);
    if (end > at) at = end;
  }
  return kept + name.slice(at);
}

function specified(name: string, regex: string, path: string): Extractor[] {
  if (regex !== '') {
    try {
      return [compile({ name, regex: new RegExp(regex, 'd') })];
    } catch (error) {
      throw new ConfigError(`Invalid regex '${regex}': ${error instanceof Error ? error.message : String(error)}`, { path });
    }
  }
  const found = DEFAULT_TAG_EXTRACTORS.filter((rule) => rule.name === name);
  if (found.length === 0) {
    throw new ConfigError(`No regex specified for tag specifier and no default regex for name: '${name}'`, { path });
  }
  return found.map(compile);
}

function compile(rule: TagExtractorRule): Extractor {
  if (rule.tokens !== undefined) return tokenExtractor(rule.name, rule.tokens.split('.'));
  const { name, regex, substring = '', except } = rule;
  if (regex === undefined) throw new ConfigError(`tag ${name} has neither regex nor tokens`);
  return {
    name,
    firstToken: /^\^(\w+)\\\./.exec(regex.source)?.[1] ?? '',
    extract(statName) {
      if (substring !== '' && !statName.includes(substring)) return null;
      const match = regex.exec(statName);
      const cutAt = match?.indices?.[1];
      if (match === null || cutAt === undefined || cutAt[0] === cutAt[1]) return null;
      const value = match[2] === undefined || match[2] === '' ? match[1] : match[2];
      return value === except ? null : { value, start: cutAt[0], end: cutAt[1] };
    },
  };
}

function tokenExtractor(name: string, pattern: readonly string[]): Extractor {
  const first = pattern[0];
  return {
    name,
    firstToken: first === '$' || first === '*' || first === '**' ? '' : first,
    extract(_statName, tokens) {
      const index = matchTokens(pattern, 0, tokens, 0);
      if (index < 0) return null;
      let start = 0;
      for (let i = 0; i < index; i++) start += tokens[i].length + 1;
      const end = start + tokens[index].length;
      // The dot goes too: the one behind, or the one before the last token.
      return index < tokens.length - 1 ? { value: tokens[index], start, end: end + 1 } : { value: tokens[index], start: Math.max(0, start - 1), end };
    },
  };
}

/** Returns the index of the token captured by `$`, or -1. Patterns have exactly one `$`. */
function matchTokens(pattern: readonly string[], p: number, tokens: readonly string[], t: number): number {
  let captured = -1;
  for (; p < pattern.length && t < tokens.length; p++, t++) {
    const expected = pattern[p];
    if (expected === '**') {
      if (p === pattern.length - 1) return captured < 0 ? tokens.length : captured;
      for (let from = t; from < tokens.length; from++) {
        const rest = matchTokens(pattern, p + 1, tokens, from);
        if (rest >= 0) return captured >= 0 ? captured : rest;
      }
      return -1;
    }
    if (expected === '$') captured = t;
    else if (expected !== '*' && expected !== tokens[t]) return -1;
  }
  if (p !== pattern.length || t !== tokens.length) return -1;
  return captured < 0 ? tokens.length : captured;
}
