import { create, type DescField, type DescMessage, type Message } from '@bufbuild/protobuf';
import { ConfigError } from '../../contract/errors.ts';
import type { ApiRegistry } from '../api/registry.ts';
import { typeAnswer } from '../api/type-answer.ts';
import type { ReadText } from '../load-text.ts';
import { isTypedStruct, ParsedAny, typeNameOf } from '../message/any.ts';
import { closest } from '../message/did-you-mean.ts';
import { setKey, type JsonObject } from '../message/json.ts';
import { ReadContext } from '../message/read-context.ts';
import type { MessageFields } from '../message/fields.ts';
import { readMessage } from '../message/reader.ts';
import { FAILED } from '../message/scalars.ts';
import { isWrapper } from '../message/well-known.ts';
import { SourceText } from '../source/problem-place.ts';
import type { SourceEntry, SourceNode } from '../source/source-node.ts';
import type { SourceFormat } from '../source/source.ts';
import { Lexer, shown, TextFault } from './lexer.ts';
import { readProtoScalar } from './scalar.ts';
import { structOf } from './struct.ts';

/** Envoy's protobuf reader goes no deeper. */
const MAX_DEPTH = 100;

/** The parts of a text with their places, filled while it is read. */
interface Places {
  readonly offset: number;
  readonly entries: Map<string, SourceEntry & { readonly node: { offset: number; entries?: SourceEntry[]; items: SourceNode[] } }>;
}

/** Reads protobuf's text format (`.pb_text`) into a message. The first error ends it, as in Envoy. */
class TextReader {
  private readonly api: ApiRegistry;
  private readonly lexer: Lexer;
  private depth: number;

  constructor(api: ApiRegistry, text: string) {
    this.api = api;
    this.lexer = new Lexer(text);
    this.depth = 0;
  }

  /** The fields up to `close` (a bracket, or empty for the end of the text), set in `message`. */
  fields(descriptor: DescMessage, message: Message, close: string): SourceNode {
    if (++this.depth > MAX_DEPTH) throw new TextFault(this.lexer.peek().offset, `nested more than ${MAX_DEPTH} levels deep`);
    const places: Places = { offset: this.lexer.peek().offset, entries: new Map() };
    for (;;) {
      const token = this.lexer.peek();
      if (token.kind === 'end') {
        if (close !== '') throw new TextFault(token.offset, `unexpected end of the text: a '${close}' is missing`);
        break;
      }
      if (close !== '' && this.lexer.take(close)) break;
      this.field(descriptor, message, places);
      if (!this.lexer.take(',')) this.lexer.take(';');
    }
    this.depth--;
    return { offset: places.offset, entries: [...places.entries.values()] };
  }

  private field(descriptor: DescMessage, message: Message, places: Places): void {
    const token = this.lexer.next();
    if (token.kind === 'punctuation' && token.text === '[') {
      this.expandedAny(descriptor, message, token.offset);
      return;
    }
    if (token.kind !== 'word') throw new TextFault(token.offset, `expected a field name, found ${shown(token)}`);
    const field = descriptor.fields.find((each) => each.name === token.text);
    if (field === undefined) throw unknownField(descriptor, token.text, token.offset);
    const node = placeOf(places, field.name, token.offset);
    const colon = this.lexer.take(':');
    if (this.lexer.take('[')) this.list(field, message, node);
    else this.value(field, message, colon, node);
  }

  private list(field: DescField, message: Message, node: Placed): void {
    if (field.fieldKind !== 'list' && field.fieldKind !== 'map') throw new TextFault(this.lexer.peek().offset, `${field.name} is not a list`);
    while (!this.lexer.take(']')) {
      this.value(field, message, true, node);
      if (this.lexer.take(',')) continue;
      this.lexer.expect(']');
      return;
    }
  }

  private value(field: DescField, message: Message, colon: boolean, node: Placed): void {
    const token = this.lexer.peek();
    if (field.fieldKind === 'map') {
      this.mapEntry(field, message);
      return;
    }
    if (field.message !== undefined) {
      const inner = create(field.message);
      const places = this.messageValue(field.message, inner);
      node.items.push(places);
      if (field.fieldKind === 'message' && places.entries !== undefined) node.entries = [...places.entries];
      this.put(field, message, plainValue(field, inner), token.offset);
      return;
    }
    if (!colon) throw new TextFault(token.offset, `expected ':' after ${field.name}`);
    node.items.push({ offset: token.offset });
    this.put(field, message, readProtoScalar(this.lexer, field), token.offset);
  }

  private messageValue(descriptor: DescMessage, into: Message): SourceNode {
    const open = this.lexer.next();
    const close = open.text === '{' ? '}' : open.text === '<' ? '>' : '';
    if (open.kind !== 'punctuation' || close === '') throw new TextFault(open.offset, `expected '{', found ${shown(open)}`);
    return this.fields(descriptor, into, close);
  }

  private put(field: DescField, message: Message, value: unknown, offset: number): void {
    const fields = message as unknown as MessageFields;
    if (field.fieldKind === 'list') {
      (fields[field.localName] as unknown[]).push(value);
      return;
    }
    if (field.oneof === undefined) {
      fields[field.localName] = value;
      return;
    }
    const present = (fields[field.oneof.localName] as { case: string | undefined }).case;
    if (present !== undefined) throw new TextFault(offset, `only one of the fields of '${field.oneof.name}' may be set; "${present}" already is`);
    fields[field.oneof.localName] = { case: field.localName, value };
  }

  private mapEntry(field: DescField & { fieldKind: 'map' }, message: Message): void {
    const open = this.lexer.next();
    const close = open.text === '{' ? '}' : '>';
    if (open.text !== '{' && open.text !== '<') throw new TextFault(open.offset, `expected '{', found ${shown(open)}`);
    let key = '';
    let value: unknown = field.mapKind === 'message' ? create(field.message) : undefined;
    while (!this.lexer.take(close)) {
      const name = this.lexer.next();
      this.lexer.take(':');
      if (name.text === 'key') key = String(readProtoScalar(this.lexer, { scalar: field.mapKey, enum: undefined, name: 'key' }));
      else if (name.text !== 'value') throw new TextFault(name.offset, `a map entry has key and value, not ${shown(name)}`);
      else if (field.mapKind === 'message') {
        const inner = create(field.message);
        this.messageValue(field.message, inner);
        value = plainValue(field, inner);
      } else value = readProtoScalar(this.lexer, { scalar: field.scalar, enum: field.enum, name: 'value' });
      if (!this.lexer.take(',')) this.lexer.take(';');
    }
    setKey((message as unknown as MessageFields)[field.localName] as MessageFields, key, value ?? zeroOf(field));
  }

  /** `[type.googleapis.com/a.b.C] { ... }` inside an Any. */
  private expandedAny(descriptor: DescMessage, message: Message, offset: number): void {
    let typeUrl = '';
    for (let token = this.lexer.next(); token.text !== ']' || token.kind !== 'punctuation'; token = this.lexer.next()) {
      if (token.kind === 'end') throw new TextFault(offset, "a ']' is missing");
      typeUrl += token.text;
    }
    if (descriptor.typeName !== 'google.protobuf.Any') throw new TextFault(offset, `${descriptor.typeName} has no extensions`);
    const answer = typeAnswer(typeNameOf(typeUrl), this.api);
    if (answer.descriptor === undefined) throw new TextFault(offset, `could not find @type '${typeUrl}'`, answer.hint);
    this.lexer.take(':');
    const inner = create(answer.descriptor);
    this.messageValue(answer.descriptor, inner);
    const typed = isTypedStruct(answer.descriptor.typeName) ? this.typedStruct(inner) : null;
    expanded.set(message, new ParsedAny(typeUrl, answer.descriptor, inner, typed));
  }

  private typedStruct(content: Message): Message | null {
    const fields = content as unknown as MessageFields;
    const answer = typeAnswer(typeNameOf(String(fields['typeUrl'])), this.api);
    if (answer.descriptor === undefined) return null;
    const read = readMessage(answer.descriptor, (fields['value'] as JsonObject | undefined) ?? {}, new ReadContext(this.api));
    return read === FAILED ? null : read;
  }
}

/** Any messages whose content was written out: replaced by their ParsedAny where they are put. */
const expanded = new WeakMap<Message, ParsedAny>();

type Placed = { offset: number; entries?: SourceEntry[]; items: SourceNode[] };

function placeOf(places: Places, name: string, offset: number): Placed {
  const known = places.entries.get(name);
  if (known !== undefined) return known.node;
  const node: Placed = { offset, items: [] };
  places.entries.set(name, { key: name, offset, node });
  return node;
}

function zeroOf(field: DescField & { fieldKind: 'map' }): unknown {
  return field.mapKind === 'enum' ? 0 : field.mapKind === 'scalar' && field.scalar === 9 ? '' : 0;
}

/** How protobuf-es keeps a message in a field: wrappers unwrapped (outside lists and oneofs), Struct as a plain object. */
function plainValue(field: DescField, message: Message): unknown {
  const any = expanded.get(message);
  if (any !== undefined) return any;
  if (message.$typeName === 'google.protobuf.Struct') return structOf(message);
  const unwrapped = field.fieldKind === 'message' && field.oneof === undefined && isWrapper(message.$typeName);
  return unwrapped ? (message as unknown as MessageFields)['value'] : message;
}

function unknownField(descriptor: DescMessage, name: string, offset: number): TextFault {
  const near = closest(name, descriptor.fields.map((each) => each.name));
  return new TextFault(offset, `no such field: '${name}' in ${descriptor.typeName}`, near === undefined ? '' : `did you mean ${near}?`);
}

const NOWHERE: SourceFormat = { parse: () => ({ value: null }), places: () => ({ offset: 0 }) };

/** A source without places, for binary files. */
export function placelessSource(file: string): SourceText {
  return new SourceText(file, '', NOWHERE);
}

/** Reads a text-format file. */
export function readProtoText(api: ApiRegistry, descriptor: DescMessage, file: string, text: string): ReadText {
  const message = create(descriptor);
  let root: SourceNode = { offset: 0 };
  const source = new SourceText(file, text, { parse: () => ({ value: null }), places: () => root });
  try {
    root = new TextReader(api, text).fields(descriptor, message, '');
    return { source, message, syntax: [], problems: [], unknown: [] };
  } catch (fault) {
    if (!(fault instanceof TextFault)) throw fault;
    const error = new ConfigError(fault.message, { position: source.position(fault.offset), hint: fault.hint });
    return { source, message: null, syntax: [error], problems: [], unknown: [] };
  }
}

