import { AnyWriter } from './any-writer.ts';
import { DataPiece, PIECE_NULL } from './data-piece.ts';
import type { DescriptorPool } from './descriptor-pool.ts';
import type { ObjectWriter } from './object-writer.ts';
import { ProtoWriter } from './proto-writer.ts';
import type { ErrorListener } from './proto-writer.ts';
import { typeRenderer } from './type-renderers.ts';
import type { TypeRenderer } from './type-renderers.ts';
import { WELL_KNOWN_ANY, WELL_KNOWN_LIST_VALUE, WELL_KNOWN_STRUCT, WELL_KNOWN_VALUE } from './types.ts';
import type { Field, MessageType } from './types.ts';
import { WIRE_DELIMITED } from './wire-reader.ts';

const ITEM_MESSAGE = 0;
const ITEM_MAP = 1;
const ITEM_ANY = 2;
type ItemKind = 0 | 1 | 2;

/** An object or list of the JSON, or one that the message has and the JSON has not (a placeholder, which ends with its parent). */
class Item {
  readonly parent: Item | null;
  readonly kind: ItemKind;
  readonly placeholder: boolean;
  readonly isList: boolean;
  readonly any: AnyWriter | null;
  private keys: Set<string> | null;

  constructor(parent: Item | null, kind: ItemKind, placeholder: boolean, isList: boolean, any: AnyWriter | null) {
    this.parent = parent;
    this.kind = kind;
    this.placeholder = placeholder;
    this.isList = isList;
    this.any = any;
    this.keys = null;
  }

  /** False when the map has the key already. */
  addKey(key: string): boolean {
    this.keys ??= new Set();
    if (this.keys.has(key)) return false;
    this.keys.add(key);
    return true;
  }
}

/**
 * JSON events to a protobuf message: knows maps, Any, Struct and the types whose JSON is a scalar, and gives ProtoWriter what the
 * message has in their place. Unknown names are ignored.
 */
export class ProtoStreamObjectWriter extends ProtoWriter implements ObjectWriter {
  readonly pool: DescriptorPool;
  private readonly caseInsensitive: boolean;
  private current: Item | null;

  constructor(pool: DescriptorPool, type: MessageType, listener: ErrorListener, caseInsensitiveEnums: boolean) {
    super(type, listener, caseInsensitiveEnums);
    this.pool = pool;
    this.caseInsensitive = caseInsensitiveEnums;
    this.current = null;
  }

  /** For the content of an Any; reports to the same listener. */
  contentWriter(type: MessageType): ProtoStreamObjectWriter {
    return new ProtoStreamObjectWriter(this.pool, type, this.listener, this.caseInsensitive);
  }

  /** The fields of an Any. */
  writeAny(typeUrl: string, content: Buffer | null): void {
    this.wire.tag(1, WIRE_DELIMITED);
    this.wire.text(typeUrl);
    if (content === null || content.length === 0) return;
    this.wire.tag(2, WIRE_DELIMITED);
    this.wire.delimited(content);
  }

  startObject(name: string): void {
    const { current } = this;
    if (this.invalidDepth > 0) this.invalidDepth++;
    else if (current === null) this.startRootObject(name);
    else if (current.any !== null) current.any.startObject(name);
    else if (current.kind === ITEM_MAP) this.startObjectInMap(current, name);
    else this.startField(name);
  }

  private startRootObject(name: string): void {
    const { wellKnown, fullName } = this.rootType;
    this.writeStartObject(name);
    this.current = this.item(wellKnown === WELL_KNOWN_ANY ? ITEM_ANY : ITEM_MESSAGE, false, false);
    if (wellKnown === WELL_KNOWN_STRUCT) this.startStruct();
    else if (wellKnown === WELL_KNOWN_VALUE) this.startStructValue();
    else if (wellKnown === WELL_KNOWN_LIST_VALUE) this.invalidValue(fullName, 'Cannot start root message with ListValue.');
  }

  private startStruct(): void {
    this.push('fields', ITEM_MAP, true, true);
  }

  private startStructValue(): void {
    this.push('struct_value', ITEM_MESSAGE, true, false);
    this.startStruct();
  }

  private startListValue(): void {
    this.push('list_value', ITEM_MESSAGE, true, false);
    this.push('values', ITEM_MESSAGE, true, true);
  }

  /** Begins the entry of a key; false when the map has it. */
  private startEntry(current: Item, key: string): boolean {
    if (!this.validKey(current, key)) return false;
    this.push('', ITEM_MESSAGE, false, false);
    this.writeData('key', DataPiece.string(key));
    return true;
  }

  private startObjectInMap(current: Item, name: string): void {
    if (!this.startEntry(current, name)) {
      this.invalidDepth++;
      return;
    }
    this.push('value', isType(this.lookup('value'), WELL_KNOWN_ANY) ? ITEM_ANY : ITEM_MESSAGE, true, false);
    if (this.invalidDepth > 0) return;
    const field = this.element?.parentField ?? null;
    if (isType(field, WELL_KNOWN_STRUCT)) this.startStruct();
    else if (isType(field, WELL_KNOWN_VALUE)) this.startStructValue();
  }

  private startField(name: string): void {
    const field = this.beginNamed(name, false);
    if (field === null) return;
    if (field.isMap) {
      this.push(name, ITEM_MAP, false, true);
      return;
    }
    if (!field.isMessage) {
      this.invalidDepth++;
      this.invalidValue(field.name, 'Starting an object on a scalar field');
      return;
    }
    this.push(name, isType(field, WELL_KNOWN_ANY) ? ITEM_ANY : ITEM_MESSAGE, false, false);
    if (isType(field, WELL_KNOWN_STRUCT)) this.startStruct();
    else if (isType(field, WELL_KNOWN_VALUE)) this.startStructValue();
  }

  endObject(): void {
    if (this.invalidDepth > 0) {
      this.invalidDepth--;
      return;
    }
    const { current } = this;
    if (current === null || (current.any !== null && !current.any.endsWithObject())) return;
    this.pop();
  }

  startList(name: string): void {
    const { current } = this;
    if (this.invalidDepth > 0) this.invalidDepth++;
    else if (current === null) this.startRootList(name);
    else if (current.any !== null) current.any.startList(name);
    else if (current.kind === ITEM_MAP) this.startListInMap(current, name);
    else if (name === '') this.startListInList();
    else this.startListField(name);
  }

  private startRootList(name: string): void {
    if (name !== '') {
      this.invalidName('Root element should not be named.');
      this.invalidDepth++;
      return;
    }
    const { wellKnown } = this.rootType;
    if (wellKnown === WELL_KNOWN_VALUE || wellKnown === WELL_KNOWN_LIST_VALUE) {
      this.writeStartObject(name);
      this.current = this.item(ITEM_MESSAGE, false, false);
      if (wellKnown === WELL_KNOWN_VALUE) this.startListValue();
      else this.push('values', ITEM_MESSAGE, true, true);
      return;
    }
    this.writeStartList(name);
    this.current = this.item(ITEM_MESSAGE, false, true);
  }

  private startListInMap(current: Item, name: string): void {
    if (!this.startEntry(current, name)) {
      this.invalidDepth++;
      return;
    }
    this.push('value', ITEM_MESSAGE, true, false);
    if (this.invalidDepth > 0) return;
    const field = this.element?.parentField ?? null;
    if (isType(field, WELL_KNOWN_VALUE)) this.startListValue();
    else if (isType(field, WELL_KNOWN_LIST_VALUE)) this.push('values', ITEM_MESSAGE, true, true);
    else this.invalidValue('Map', `Cannot have repeated items ('${name}') within a map.`);
  }

  private startListInList(): void {
    const field = this.element?.parentField ?? null;
    if (isType(field, WELL_KNOWN_VALUE)) {
      this.push('', ITEM_MESSAGE, false, false);
      this.startListValue();
    } else if (isType(field, WELL_KNOWN_LIST_VALUE)) {
      this.push('', ITEM_MESSAGE, false, false);
      this.push('values', ITEM_MESSAGE, true, true);
    } else this.push('', ITEM_MESSAGE, false, true);
  }

  private startListField(name: string): void {
    const field = this.lookup(name);
    if (field === null) {
      this.invalidDepth++;
    } else if (!field.repeated && isType(field, WELL_KNOWN_VALUE)) {
      this.push(name, ITEM_MESSAGE, false, false);
      this.startListValue();
    } else if (!field.repeated && isType(field, WELL_KNOWN_LIST_VALUE)) {
      this.push(name, ITEM_MESSAGE, false, false);
      this.push('values', ITEM_MESSAGE, true, true);
    } else if (!field.repeated) {
      this.invalidDepth++;
      this.invalidName('Proto field is not repeating, cannot start list.');
    } else if (field.isMap) {
      this.invalidValue('Map', `Cannot bind a list to map for field '${name}'.`);
      this.invalidDepth++;
    } else this.push(name, ITEM_MESSAGE, false, true);
  }

  endList(): void {
    const { current } = this;
    if (this.invalidDepth > 0) this.invalidDepth--;
    else if (current === null) return;
    else if (current.any !== null) current.any.endList();
    else this.pop();
  }

  render(name: string, data: DataPiece): void {
    const { current } = this;
    if (this.invalidDepth > 0) return;
    if (current === null) this.renderRoot(name, data);
    else if (current.any !== null) current.any.render(name, data);
    else if (current.kind === ITEM_MAP) this.renderInMap(current, name, data);
    else this.renderField(name, data);
  }

  private renderRoot(name: string, data: DataPiece): void {
    const renderer = typeRenderer(this.rootType.fullName);
    if (renderer === null) {
      this.invalidName('Root element must be a message.');
      return;
    }
    this.writeStartObject(name);
    this.renderType(renderer, this.rootType.fullName, name, data);
    this.writeEndObject();
  }

  private renderInMap(current: Item, name: string, data: DataPiece): void {
    if (!this.startEntry(current, name)) return;
    const field = this.lookup('value');
    const renderer = rendererOf(field);
    if (field !== null && renderer !== null) {
      this.push('value', ITEM_MESSAGE, true, false);
      this.renderType(renderer, field.typeLabel, name, data);
    } else if (field !== null && (data.type !== PIECE_NULL || field.isNullValue)) this.writeData('value', data);
    this.pop();
  }

  private renderField(name: string, data: DataPiece): void {
    const field = this.lookup(name);
    if (field === null) return;
    const renderer = rendererOf(field);
    if (renderer !== null) {
      // Null means "not set", but for Value, which has a null of its own.
      if (data.type === PIECE_NULL && !isType(field, WELL_KNOWN_VALUE)) return;
      this.push(name, ITEM_MESSAGE, false, false);
      this.renderType(renderer, field.typeLabel, name, data);
      this.pop();
    } else if (data.type !== PIECE_NULL || field.isNullValue) this.writeData(name, data);
  }

  private renderType(renderer: TypeRenderer, typeName: string, name: string, data: DataPiece): void {
    const why = renderer(this, data);
    if (why !== null) this.invalidValue(typeName, `Field '${name}', ${why}`);
  }

  private validKey(current: Item, key: string): boolean {
    if (current.addKey(key)) return true;
    this.invalidName(`Repeated map key: '${key}' is already set.`);
    return false;
  }

  private item(kind: ItemKind, placeholder: boolean, isList: boolean): Item {
    return new Item(this.current, kind, placeholder, isList, kind === ITEM_ANY ? new AnyWriter(this) : null);
  }

  private push(name: string, kind: ItemKind, placeholder: boolean, isList: boolean): void {
    if (isList) this.writeStartList(name);
    else this.writeStartObject(name);
    if (this.invalidDepth === 0) this.current = this.item(kind, placeholder, isList);
  }

  /** Ends the placeholders at the top, and then the item of the JSON. */
  private pop(): void {
    while (this.current?.placeholder === true) this.popOne(this.current);
    if (this.current !== null) this.popOne(this.current);
  }

  private popOne(item: Item): void {
    if (item.isList) this.writeEndList();
    else this.writeEndObject();
    this.current = item.parent;
  }
}

function isType(field: Field | null, wellKnown: number): boolean {
  return field?.message?.wellKnown === wellKnown;
}

function rendererOf(field: Field | null): TypeRenderer | null {
  return field === null || field.message === null ? null : typeRenderer(field.typeName);
}
