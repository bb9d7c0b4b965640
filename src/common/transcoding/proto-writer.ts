import { PIECE_BOOL } from './data-piece.ts';
import type { DataPiece } from './data-piece.ts';
import { invalidArgument, OK } from './status.ts';
import type { TranscodingStatus } from './status.ts';
import {
  KIND_BOOL, KIND_BYTES, KIND_DOUBLE, KIND_ENUM, KIND_FIXED32, KIND_FIXED64, KIND_FLOAT, KIND_GROUP, KIND_INT32, KIND_INT64, KIND_MESSAGE,
  KIND_SFIXED32, KIND_SFIXED64, KIND_SINT32, KIND_SINT64, KIND_STRING, KIND_UINT32, KIND_UINT64,
} from './types.ts';
import type { Field, MessageType } from './types.ts';
import { WIRE_DELIMITED, WIRE_FIXED32, WIRE_FIXED64, WIRE_START_GROUP, WIRE_VARINT } from './wire-reader.ts';
import { varintSize, WireWriter } from './wire-writer.ts';

/** Remembers the last fault of a translation; writers that belong together share one. */
export class ErrorListener {
  status: TranscodingStatus = OK;

  invalidName(location: string, message: string): void {
    this.status = invalidArgument(`${location}: ${message}`);
  }

  invalidValue(location: string, typeName: string, value: string): void {
    this.status = invalidArgument(`${location}: invalid value ${value} for type ${typeName}`);
  }

  missingField(location: string, name: string): void {
    this.status = invalidArgument(`${location}: missing field ${name}`);
  }
}

/** A place in the message where the length of a nested message is to be put in. */
interface SizeInsert {
  readonly position: number;
  /** Bytes of the nested message, the lengths within it included. */
  size: number;
}

const NO_FIELDS: readonly Field[] = [];

/** A message, or a list within one, that is being written. */
class ProtoElement {
  readonly parent: ProtoElement | null;
  readonly parentField: Field | null;
  readonly type: MessageType;
  readonly sizeInsert: SizeInsert | null;
  /** Elements so far in a list, -1 where it is none. */
  arrayIndex: number;
  private readonly taken: boolean[];
  /** Required fields that have not come. */
  private missing: readonly Field[];

  constructor(parent: ProtoElement | null, field: Field | null, type: MessageType, isList: boolean, sizeInsert: SizeInsert | null) {
    this.parent = parent;
    this.parentField = field;
    this.type = type;
    this.sizeInsert = sizeInsert;
    this.arrayIndex = isList ? 0 : -1;
    this.taken = [];
    this.missing = !type.proto3 && (field === null || sizeInsert !== null) ? type.required : NO_FIELDS;
    if (parent !== null && field !== null && !isList) parent.noteChild(field, type);
  }

  private noteChild(field: Field, childType: MessageType): void {
    if (field.repeated) {
      if (this.arrayIndex >= 0) this.arrayIndex++;
    } else if (!childType.proto3 && this.missing.includes(field)) this.missing = this.missing.filter((each) => each !== field);
  }

  get missingFields(): readonly Field[] {
    return this.missing;
  }

  /** False when another field of the oneof has been set. */
  takeOneof(index: number): boolean {
    if (this.taken[index]) return false;
    this.taken[index] = true;
    return true;
  }

  /** Where this is: `shelf.books[2].title`. */
  get location(): string {
    const parent = this.parent;
    const field = this.parentField;
    if (parent === null || field === null) return '';
    let location = parent.location;
    if (!field.repeated || parent.parentField !== field) location += location === '' ? field.name : `.${field.name}`;
    if (field.repeated && this.arrayIndex > 0) location += `[${this.arrayIndex - 1}]`;
    return location;
  }
}

/**
 * Writes one message from events that follow its type (proto-stream-object-writer.ts makes such of any JSON). Lengths of nested messages
 * are put in at the end. What does not fit is reported and left out; `invalidDepth` counts the levels of events that are being left out.
 */
export class ProtoWriter {
  readonly rootType: MessageType;
  readonly listener: ErrorListener;
  private readonly caseInsensitiveEnums: boolean;
  protected readonly wire: WireWriter;
  private inserts: SizeInsert[];
  protected element: ProtoElement | null;
  protected invalidDepth: number;
  /** The message when its root has ended. */
  message: Buffer | null;

  constructor(type: MessageType, listener: ErrorListener, caseInsensitiveEnums: boolean) {
    this.rootType = type;
    this.listener = listener;
    this.caseInsensitiveEnums = caseInsensitiveEnums;
    this.wire = new WireWriter();
    this.inserts = [];
    this.element = null;
    this.invalidDepth = 0;
    this.message = null;
  }

  /** Bytes that an unfinished message holds. */
  get heldBytes(): number {
    return this.wire.length;
  }

  invalidName(message: string): void {
    this.listener.invalidName(this.location, message);
  }

  invalidValue(typeName: string, value: string): void {
    this.listener.invalidValue(this.location, typeName, value);
  }

  protected get location(): string {
    return this.element === null ? '' : this.element.location;
  }

  writeStartObject(name: string): void {
    if (this.element === null) {
      if (name !== '') this.invalidName('Root element should not be named.');
      this.element = new ProtoElement(null, null, this.rootType, false, null);
      return;
    }
    const field = this.beginNamed(name, false);
    if (field === null) return;
    const type = this.beginField(field, name);
    if (type === null) return;
    this.wire.tag(field.number, wireType(field));
    this.element = new ProtoElement(this.element, field, type, false, this.insertSize(field));
  }

  writeEndObject(): void {
    if (this.invalidDepth > 0) {
      this.invalidDepth--;
      return;
    }
    this.popElement();
    if (this.element === null) this.finish();
  }

  writeStartList(name: string): void {
    const field = this.beginNamed(name, true);
    if (field === null || this.element === null) return;
    const type = this.beginField(field, name);
    if (type !== null) this.element = new ProtoElement(this.element, field, type, true, null);
  }

  writeEndList(): void {
    if (this.invalidDepth > 0) this.invalidDepth--;
    else this.popElement();
  }

  writeData(name: string, data: DataPiece): void {
    if (this.invalidDepth > 0) return;
    const field = this.lookup(name);
    if (field === null || this.element === null || !this.validOneof(field, name)) return;
    this.writePrimitive(field, data, this.element);
  }

  /** The field of a name in the present message, or null; a name that it has not is ignored, an empty one means the list's field. */
  protected lookup(name: string): Field | null {
    const { element } = this;
    if (element === null) {
      this.invalidName('Root element must be a message.');
      return null;
    }
    if (name !== '') return element.type.findField(name) ?? null;
    const field = element.parentField;
    if (field !== null && field.repeated) return field;
    this.invalidName('Proto fields must have a name.');
    return null;
  }

  protected beginNamed(name: string, isList: boolean): Field | null {
    if (this.invalidDepth > 0) {
      this.invalidDepth++;
      return null;
    }
    const field = this.lookup(name);
    if (field !== null && !(isList && !field.repeated)) return field;
    this.invalidDepth++;
    if (field !== null) this.invalidName('Proto field is not repeating, cannot start list.');
    return null;
  }

  /** The type within the field, or null when it may not begin. */
  private beginField(field: Field, name: string): MessageType | null {
    if (!this.validOneof(field, name)) {
      this.invalidDepth++;
      return null;
    }
    return field.message ?? this.element?.type ?? null;
  }

  private validOneof(field: Field, name: string): boolean {
    const { element } = this;
    if (element === null || field.oneofIndex === 0 || element.takeOneof(field.oneofIndex)) return true;
    this.invalidValue('oneof', `oneof field '${element.type.oneofs[field.oneofIndex - 1]}' is already set. Cannot set '${name}'`);
    return false;
  }

  private insertSize(field: Field): SizeInsert | null {
    if (field.kind !== KIND_MESSAGE) return null;
    const insert = { position: this.wire.length, size: -this.wire.length };
    this.inserts.push(insert);
    return insert;
  }

  private popElement(): void {
    const { element } = this;
    if (element === null) return;
    this.reportMissing();
    const insert = element.sizeInsert;
    if (insert !== null) {
      insert.size += this.wire.length;
      const length = varintSize(insert.size);
      for (let each = element.parent; each !== null; each = each.parent) if (each.sizeInsert !== null) each.sizeInsert.size += length;
    }
    this.element = element.parent;
  }

  private finish(): void {
    const { wire, inserts } = this;
    if (inserts.length === 0) {
      this.message = wire.written(0, wire.length);
      return;
    }
    const out = new WireWriter();
    let from = 0;
    for (const { position, size } of inserts) {
      out.raw(wire.written(from, position));
      out.uint32(size);
      from = position;
    }
    out.raw(wire.written(from, wire.length));
    this.message = out.written(0, out.length);
    this.inserts = [];
  }

  private writePrimitive(field: Field, data: DataPiece, parent: ProtoElement): void {
    // Messages of the older syntax count what has come, whether it fits or not.
    const counted = !parent.type.proto3;
    if (counted) this.element = this.valueElement(field, parent);
    if (!this.writeValue(field, data)) {
      if (!counted) this.element = this.valueElement(field, parent);
      this.invalidValue(field.typeLabel, data.shown);
      this.reportMissing();
    }
    this.element = parent;
  }

  /** Where a value is: for the place in errors, and what a message that is no object lacks. */
  private valueElement(field: Field, parent: ProtoElement): ProtoElement {
    return new ProtoElement(parent, field, field.message ?? parent.type, false, this.insertSize(field));
  }

  private reportMissing(): void {
    for (const field of this.element?.missingFields ?? NO_FIELDS) this.listener.missingField(this.location, field.name);
  }

  /** False when the value does not fit the field. */
  private writeValue(field: Field, data: DataPiece): boolean {
    switch (field.kind) {
      case KIND_INT32: case KIND_SINT32: case KIND_SFIXED32: return this.writeInt32(field, data.toInt32());
      case KIND_ENUM: return this.writeInt32(field, field.enumType === null ? null : data.toEnum(field.enumType, this.caseInsensitiveEnums));
      case KIND_UINT32: case KIND_FIXED32: return this.writeUint32(field, data.toUint32());
      case KIND_INT64: case KIND_SINT64: case KIND_SFIXED64: return this.writeInt64(field, data.toInt64());
      case KIND_UINT64: case KIND_FIXED64: return this.writeInt64(field, data.toUint64());
      case KIND_DOUBLE: case KIND_FLOAT: return this.writeFloating(field, field.kind === KIND_DOUBLE ? data.toDouble() : data.toFloat());
      case KIND_BOOL: return this.writeBool(field, data);
      case KIND_STRING: return this.writeText(field, data.toText());
      case KIND_BYTES: return this.writeBytes(field, data.toBytes());
      default: return false;
    }
  }

  private writeInt32(field: Field, value: number | null): boolean {
    if (value === null) return false;
    this.wire.tag(field.number, wireType(field));
    if (field.kind === KIND_SINT32) this.wire.zigzag32(value);
    else if (field.kind === KIND_SFIXED32) this.wire.fixed32(value);
    else this.wire.varint64(value);
    return true;
  }

  private writeUint32(field: Field, value: number | null): boolean {
    if (value === null) return false;
    this.wire.tag(field.number, wireType(field));
    if (field.kind === KIND_FIXED32) this.wire.fixed32(value);
    else this.wire.uint32(value);
    return true;
  }

  private writeInt64(field: Field, value: number | bigint | null): boolean {
    if (value === null) return false;
    this.wire.tag(field.number, wireType(field));
    if (field.kind === KIND_SINT64) this.wire.zigzag64(value);
    else if (field.kind === KIND_FIXED64 || field.kind === KIND_SFIXED64) this.wire.fixed64(value);
    else this.wire.varint64(value);
    return true;
  }

  private writeFloating(field: Field, value: number | null): boolean {
    if (value === null) return false;
    this.wire.tag(field.number, wireType(field));
    if (field.kind === KIND_DOUBLE) this.wire.double(value);
    else this.wire.float(value);
    return true;
  }

  private writeBool(field: Field, data: DataPiece): boolean {
    const value = data.type === PIECE_BOOL ? data.integer === 1 : data.toBool();
    if (value === null) return false;
    this.wire.tag(field.number, WIRE_VARINT);
    this.wire.uint32(value ? 1 : 0);
    return true;
  }

  private writeText(field: Field, value: string | null): boolean {
    if (value === null) return false;
    this.wire.tag(field.number, WIRE_DELIMITED);
    this.wire.text(value);
    return true;
  }

  private writeBytes(field: Field, value: Buffer | null): boolean {
    if (value === null) return false;
    this.wire.tag(field.number, WIRE_DELIMITED);
    this.wire.delimited(value);
    return true;
  }
}

function wireType(field: Field): number {
  switch (field.kind) {
    case KIND_DOUBLE: case KIND_FIXED64: case KIND_SFIXED64: return WIRE_FIXED64;
    case KIND_FLOAT: case KIND_FIXED32: case KIND_SFIXED32: return WIRE_FIXED32;
    case KIND_STRING: case KIND_BYTES: case KIND_MESSAGE: return WIRE_DELIMITED;
    case KIND_GROUP: return WIRE_START_GROUP;
    default: return WIRE_VARINT;
  }
}
