import type { HttpRule } from '#api/google/api/http_pb.js';
import { toByteString } from '../byte-string.ts';
import { parseHttpTemplate, SINGLE_PARAMETER, WILD_CARD_PART, WILD_CARD_PATH } from './http-template.ts';
import type { TemplateVariable } from './http-template.ts';
import { UNESCAPE_ALL, UNESCAPE_ALL_EXCEPT_RESERVED, urlUnescape } from './percent-encoding.ts';
import type { UrlUnescapeSpec } from './percent-encoding.ts';

/** A value from the path or the query for a field of the request. */
export interface VariableBinding {
  readonly fieldPath: readonly string[];
  readonly value: string;
}

/** What a path belongs to. */
export interface PathMatch<M> {
  readonly method: M;
  readonly bodyFieldPath: string;
  readonly bindings: readonly VariableBinding[];
}

interface Registration<M> {
  readonly method: M;
  readonly bodyFieldPath: string;
  readonly variables: readonly TemplateVariable[];
  /** Registered more than once: matches, and leads nowhere. */
  ambiguous: boolean;
}

/** The HTTP method of a rule that takes all. */
const ANY_METHOD = '*';
/** Order in which children that are no literal are tried. */
const WILD_CARDS = [SINGLE_PARAMETER, WILD_CARD_PART, WILD_CARD_PATH];
class PathNode<M> {
  readonly children = new Map<string, PathNode<M>>();
  /** By HTTP method and verb together. */
  readonly results = new Map<string, Registration<M>>();
  wildCard = false;

  result(key: string): Registration<M> | undefined {
    return this.results.get(key) ?? this.results.get(ANY_METHOD);
  }
}

export interface PathMatcherOptions {
  readonly urlUnescapeSpec: UrlUnescapeSpec;
  readonly queryParamUnescapePlus: boolean;
  readonly matchUnregisteredCustomVerb: boolean;
  /** Names in the query that are no fields. Byte strings. */
  readonly ignoredQueryParameters: ReadonlySet<string>;
}

export const DEFAULT_PATH_MATCHER_OPTIONS: PathMatcherOptions = {
  urlUnescapeSpec: UNESCAPE_ALL_EXCEPT_RESERVED, queryParamUnescapePlus: false, matchUnregisteredCustomVerb: false,
  ignoredQueryParameters: new Set(),
};

/**
 * Finds the method of a request by the path templates of google.api.http rules: a trie of segments; literals go before `*`, and `*` before
 * `**`. All text is byte strings.
 */
export class PathMatcher<M> {
  private readonly options: PathMatcherOptions;
  private readonly root = new PathNode<M>();
  private readonly verbs = new Set<string>();
  private parts: string[] = [];

  constructor(options: PathMatcherOptions) {
    this.options = options;
  }

  /** False when a template of the rule is no template. */
  registerRule(rule: HttpRule, method: M): boolean {
    const { pattern } = rule;
    let ok = true;
    if (pattern.case === 'custom') ok = this.register(pattern.value.kind, pattern.value.path, rule.body, method);
    else if (pattern.case !== undefined) ok = this.register(pattern.case.toUpperCase(), pattern.value, rule.body, method);
    return ok && rule.additionalBindings.every((each) => this.registerRule(each, method));
  }

  private register(httpMethod: string, path: string, body: string, method: M): boolean {
    const template = parseHttpTemplate(toByteString(path));
    if (template === null) return false;
    let node = this.root;
    for (const segment of template.segments) {
      let child = node.children.get(segment);
      if (child === undefined) node.children.set(segment, (child = new PathNode()));
      if (segment === WILD_CARD_PATH) child.wildCard = true;
      node = child;
    }
    const key = toByteString(httpMethod) + template.verb;
    node.results.set(key, { method, bodyFieldPath: body, variables: template.variables, ambiguous: node.results.has(key) });
    if (template.verb !== '') this.verbs.add(template.verb);
    return true;
  }

  /** `path` and `query` without the `?`. Null when nothing matches. */
  lookup(httpMethod: string, path: string, query: string): PathMatch<M> | null {
    const verb = this.verbOf(path);
    this.parts = splitPath(verb === null ? path : path.slice(0, path.length - verb.length - 1));
    const found = this.search(this.root, 0, httpMethod + (verb ?? ''));
    if (found === undefined || found.ambiguous) return null;
    const bindings: VariableBinding[] = [];
    for (const variable of found.variables) bindings.push(this.bindVariable(variable));
    if (query !== '') this.bindQuery(query, bindings);
    return { method: found.method, bodyFieldPath: found.bodyFieldPath, bindings };
  }

  /** What follows the last colon of the last segment, if it is a verb; else null. */
  private verbOf(path: string): string | null {
    const colon = path.lastIndexOf(':');
    if (colon < 0 || colon < path.lastIndexOf('/')) return null;
    const verb = path.slice(colon + 1);
    return this.options.matchUnregisteredCustomVerb || this.verbs.has(verb) ? verb : null;
  }

  private search(node: PathNode<M>, from: number, key: string): Registration<M> | undefined {
    const { parts } = this;
    let at = from;
    // A `**` takes segments until the rest matches below it.
    for (;; at++) {
      if (at === parts.length) return node.result(key) ?? node.children.get(WILD_CARD_PATH)?.result(key);
      const found = this.searchChild(node, parts[at], at, key);
      if (found !== undefined) return found;
      if (!node.wildCard) break;
    }
    for (const name of WILD_CARDS) {
      const found = this.searchChild(node, name, at, key);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  private searchChild(node: PathNode<M>, name: string, at: number, key: string): Registration<M> | undefined {
    const child = node.children.get(name);
    return child === undefined ? undefined : this.search(child, at + 1, key);
  }

  private bindVariable(variable: TemplateVariable): VariableBinding {
    const { parts } = this;
    const start = variable.startSegment;
    const end = variable.endSegment >= 0 ? variable.endSegment : parts.length + variable.endSegment + 1;
    // One segment has no reserved characters to keep apart from those of the path.
    const spec = end - start > 1 || variable.endSegment < 0 ? this.options.urlUnescapeSpec : UNESCAPE_ALL;
    let value = '';
    for (let i = start; i < end; i++) value += (i > start ? '/' : '') + urlUnescape(parts[i], spec, false);
    return { fieldPath: variable.fieldPath, value };
  }

  private bindQuery(query: string, bindings: VariableBinding[]): void {
    for (const parameter of query.split('&')) {
      const equals = parameter.indexOf('=');
      if (equals <= 0) continue;
      const name = parameter.slice(0, equals);
      if (this.options.ignoredQueryParameters.has(name)) continue;
      const value = urlUnescape(parameter.slice(equals + 1), UNESCAPE_ALL, this.options.queryParamUnescapePlus);
      bindings.push({ fieldPath: name.split('.'), value });
    }
  }
}

/** Segments between the slashes; empty ones at the end do not count. */
function splitPath(path: string): string[] {
  if (path === '') return [];
  const parts = path.slice(1).split('/');
  while (parts.length > 0 && parts[parts.length - 1] === '') parts.pop();
  return parts;
}
