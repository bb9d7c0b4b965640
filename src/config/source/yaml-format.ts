import { isAlias, isMap, isScalar, isSeq, parseDocument, type Document, type Node, type Scalar, type YAMLMap, type YAMLSeq } from 'yaml';
import { setKey, type Json, type JsonObject } from '../message/json.ts';
import type { Parsed, SourceFormat, SyntaxProblem } from './source.ts';
import type { SourceEntry, SourceNode } from './source-node.ts';
import { indentContinuations } from './continuation-lines.ts';
import { convertScalar, isNullText } from './yaml-scalar.ts';

/** The tag that makes Envoy drop a key: a place for anchors. */
const IGNORE_TAG = '!ignore';
/** YAML nests by recursion here and in the parser below: deeper than any configuration, shallower than the stack. */
const MAX_DEPTH = 500;

class YamlFault extends Error {
  readonly offset: number;
  readonly hint: string;

  constructor(why: string, offset: number, hint = '') {
    super(why);
    this.offset = offset;
    this.hint = hint;
  }
}

/** A parsed document and where its nodes lie in the text. */
interface Parse {
  readonly document: Document;
  readonly original: (offset: number) => number;
}

function parseOnce(text: string): Document {
  // Failsafe: every scalar stays text, and our own rules (yaml-cpp's) make values of them. Not strict: like yaml-cpp, what is clear
  // although indented less than YAML demands is taken.
  return parseDocument(text, { schema: 'failsafe', uniqueKeys: false, prettyErrors: false, logLevel: 'silent', strict: false });
}

/** What the parser says of flow collections and quoted scalars that are indented less than YAML demands. */
function isIndentFault(error: { readonly code: string }): boolean {
  return error.code === 'BAD_INDENT' || error.code === 'MISSING_CHAR' || error.code === 'TAB_AS_INDENT';
}

function parseText(text: string): Parse {
  const document = parseOnce(text);
  const same: Parse = { document, original: (offset) => offset };
  if (!document.errors.some(isIndentFault)) return same;
  const deeper = indentContinuations(text);
  const again = parseOnce(deeper.text);
  return faults(again).length === 0 ? { document: again, original: deeper.original } : same;
}

function offsetOf(node: Node | null | undefined): number {
  return node?.range?.[0] ?? 0;
}

/** Turns nodes into plain values. An anchor's value is made once and shared by its aliases. */
class YamlReader {
  private readonly document: Document;
  private readonly anchored: Map<Node, Json>;
  private depth: number;

  constructor(document: Document) {
    this.document = document;
    this.anchored = new Map();
    this.depth = 0;
  }

  value(node: unknown): Json {
    if (node === null || node === undefined) return null;
    if (isScalar(node)) return scalarValue(node);
    if (isAlias(node)) return this.alias(node);
    if (++this.depth > MAX_DEPTH) throw new YamlFault(`nested more than ${MAX_DEPTH} levels deep`, offsetOf(node as Node));
    const value = isMap(node) ? this.map(node) : isSeq(node) ? this.list(node) : null;
    this.depth--;
    if ((isMap(node) || isSeq(node)) && node.anchor !== undefined) this.anchored.set(node, value);
    return value;
  }

  private alias(node: Node & { source: string; resolve(document: Document): Node | undefined }): Json {
    const target = node.resolve(this.document);
    if (target === undefined) throw new YamlFault(`the referenced anchor is not defined: ${node.source}`, offsetOf(node));
    if (isScalar(target)) return scalarValue(target);
    const known = this.anchored.get(target);
    // An anchor that is not known yet encloses its own alias.
    if (known === undefined) throw new YamlFault(`the anchor ${node.source} contains itself`, offsetOf(node));
    return known;
  }

  private list(node: YAMLSeq): Json {
    const out: Json[] = [];
    for (const item of node.items) out.push(this.value(item));
    return out;
  }

  private map(node: YAMLMap): Json {
    const out: JsonObject = {};
    for (const pair of node.items) {
      const ignored = isScalar(pair.key) && pair.key.tag === IGNORE_TAG;
      // The value of a dropped key is read all the same: its anchors count.
      const value = this.value(pair.value);
      if (!ignored) setKey(out, keyText(pair.key, this.document), value);
    }
    return out;
  }
}

function scalarValue(node: Scalar): Json {
  const text = scalarText(node);
  const plain = node.type === 'PLAIN' || node.type === undefined;
  if (node.tag === undefined || node.tag === '?') {
    if (!plain) return text;
    return isNullText(text) ? null : convertScalar(text);
  }
  // Explicit tags convert like plain text, quoted or not; `!` alone makes a string.
  return node.tag === '!' ? text : convertScalar(text);
}

function scalarText(node: Scalar): string {
  if (typeof node.source === 'string') return node.source;
  return node.value === null || node.value === undefined ? '' : String(node.value);
}

function keyText(key: unknown, document: Document): string {
  if (key === null || key === undefined) return 'null';
  if (isAlias(key)) return keyText(key.resolve(document), document);
  if (!isScalar(key)) throw new YamlFault('a key must be a name, not a list or an object', offsetOf(key as Node));
  const text = scalarText(key);
  const untagged = key.tag === undefined && (key.type === 'PLAIN' || key.type === undefined);
  return untagged && isNullText(text) ? 'null' : text;
}

/** yaml-cpp takes a comment right after a closing bracket. */
const TOLERATED = 'Comments must be separated';

function faults(document: Document): Document['errors'] {
  return document.errors.filter((each) => each.code !== 'MULTIPLE_DOCS' && !each.message.startsWith(TOLERATED));
}

function syntaxProblems(document: Document): SyntaxProblem[] {
  // What comes after the first fault is mostly its consequence.
  return faults(document).slice(0, 1).map((each) => ({ offset: each.pos[0], why: yamlWhy(each.message), hint: yamlHint(each.code) }));
}

function yamlWhy(message: string): string {
  // The parser recurses: what ends its stack is no configuration.
  if (message.startsWith('Maximum call stack')) return 'nested too deeply';
  return message.replace(/\.$/, '');
}

function yamlHint(code: string): string {
  if (code === 'TAB_AS_INDENT') return 'indent with spaces, not with tabs';
  if (code === 'BAD_INDENT') return 'align this line with the others of its list or object';
  if (code === 'BLOCK_AS_IMPLICIT_KEY' || code === 'MULTILINE_IMPLICIT_KEY') return 'put a value that contains ": " in quotes';
  if (code === 'BAD_SCALAR_START') return 'put a value that begins with this character in quotes';
  return '';
}

function parse(text: string): Parsed {
  const { document, original } = parseText(text);
  const problems = syntaxProblems(document);
  if (problems.length > 0) return { problems };
  try {
    return { value: new YamlReader(document).value(document.contents) };
  } catch (fault) {
    if (fault instanceof YamlFault) return { problems: [{ offset: original(fault.offset), why: fault.message, hint: fault.hint }] };
    throw fault;
  }
}

/** Places of nodes; aliases lead to what they stand for, at the place of the alias. */
class PlaceReader {
  private readonly parse: Parse;
  /** Places of what anchors name: aliases share them, or ten lines of aliases could stand for a billion. */
  private readonly anchored: Map<Node, SourceNode>;

  constructor(parse: Parse) {
    this.parse = parse;
    this.anchored = new Map();
  }

  node(node: unknown, depth: number): SourceNode {
    const offset = this.parse.original(offsetOf(node as Node | null));
    if (depth > MAX_DEPTH) return { offset };
    if (isAlias(node)) return { ...this.named(node.resolve(this.parse.document)), offset };
    if (!isMap(node) && !isSeq(node)) return { offset };
    const place = isMap(node) ? { offset, entries: this.entries(node, depth) } : { offset, items: node.items.map((each) => this.node(each, depth + 1)) };
    if (node.anchor !== undefined) this.anchored.set(node, place);
    return place;
  }

  /** What an alias stands for; it has been read before, or its anchor encloses it and the text is refused. */
  private named(target: Node | undefined): SourceNode {
    return (target === undefined ? undefined : this.anchored.get(target)) ?? { offset: 0 };
  }

  private entries(node: YAMLMap, depth: number): SourceEntry[] {
    return node.items.map((pair) => ({
      key: keyText(pair.key, this.parse.document),
      offset: this.parse.original(offsetOf(pair.key as Node | null)),
      node: this.node(pair.value, depth + 1),
    }));
  }
}

export const yamlFormat: SourceFormat = {
  parse,
  places: (text) => {
    const parsed = parseText(text);
    return new PlaceReader(parsed).node(parsed.document.contents, 0);
  },
};
