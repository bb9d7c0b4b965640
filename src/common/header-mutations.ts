import type { HeaderMutation as HeaderMutationMessage } from '#api/envoy/config/common/mutation_rules/v3/mutation_rules_pb.js';
import type { LogContext } from '../contract/access-log.ts';
import { ConfigError, configAt } from '../contract/errors.ts';
import type { HeaderMap } from '../contract/header-map.ts';
import { addHeader, INLINE_REQUEST_HEADERS, overwriteHeader } from './http/inline-headers.ts';
import { asciiLowerCase, toByteString } from './byte-string.ts';
import { ADD_IF_ABSENT, APPEND_IF_EXISTS_OR_ADD, HeaderValueTemplate, OVERWRITE_IF_EXISTS } from './header-value.ts';
import { buildStringMatcher } from './matchers/string-matcher.ts';
import type { StringMatcher } from './matchers/string-matcher.ts';

interface Mutation {
  apply(headers: HeaderMap, context: LogContext): void;
}

/**
 * A list of envoy.config.common.mutation_rules.v3.HeaderMutation, applied one after the other: later ones see what earlier ones did
 * (unlike HeaderParser).
 */
export class HeaderMutations {
  private readonly mutations: readonly Mutation[];

  /** `path` is the name of the list, for errors; `inline` the headers that have one entry only where these mutations apply. */
  constructor(messages: readonly HeaderMutationMessage[], path: string, inline: ReadonlySet<string> = INLINE_REQUEST_HEADERS) {
    this.mutations = messages.map((message, i) => configAt(`${path}[${i}]`, () => mutationOf(message, inline)));
  }

  get isEmpty(): boolean {
    return this.mutations.length === 0;
  }

  evaluate(headers: HeaderMap, context: LogContext): void {
    const mutations = this.mutations;
    for (let i = 0; i < mutations.length; i++) mutations[i].apply(headers, context);
  }
}

function mutationOf(message: HeaderMutationMessage, inline: ReadonlySet<string>): Mutation {
  const action = message.action;
  switch (action.case) {
    case 'append': return new Append(configAt('append', () => new HeaderValueTemplate(action.value)), inline);
    case 'remove': return new Remove(asciiLowerCase(toByteString(action.value)));
    case 'removeOnMatch': {
      const matcher = action.value.keyMatcher;
      if (matcher === undefined) throw new ConfigError('a matcher is required', { path: 'remove_on_match.key_matcher' });
      return new RemoveOnMatch(configAt('remove_on_match.key_matcher', () => buildStringMatcher(matcher)));
    }
    default: throw new ConfigError('a mutation needs one of append, remove, remove_on_match');
  }
}

class Append implements Mutation {
  private readonly template: HeaderValueTemplate;
  private readonly inline: ReadonlySet<string>;

  constructor(template: HeaderValueTemplate, inline: ReadonlySet<string>) {
    this.template = template;
    this.inline = inline;
  }

  apply(headers: HeaderMap, context: LogContext): void {
    const template = this.template;
    const value = template.value(context);
    if (value === '' && !template.keepEmpty) return;
    if (template.action === APPEND_IF_EXISTS_OR_ADD) {
      addHeader(headers, template.name, value, this.inline);
      return;
    }
    const exists = headers.has(template.name);
    if (template.action === ADD_IF_ABSENT) {
      if (!exists) headers.add(template.name, value);
    } else if (exists || template.action !== OVERWRITE_IF_EXISTS) overwriteHeader(headers, template.name, value);
  }
}

class Remove implements Mutation {
  private readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  apply(headers: HeaderMap): void {
    headers.remove(this.name);
  }
}

class RemoveOnMatch implements Mutation {
  private readonly matcher: StringMatcher;

  constructor(matcher: StringMatcher) {
    this.matcher = matcher;
  }

  apply(headers: HeaderMap): void {
    for (let i = headers.size - 1; i >= 0; i--) if (this.matcher.matches(headers.nameAt(i))) headers.removeAt(i);
  }
}
