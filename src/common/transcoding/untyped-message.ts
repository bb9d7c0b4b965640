import { isUtf8 } from 'node:buffer';
import { invalidArgument, OK } from './status.ts';
import type { TranscodingStatus } from './status.ts';
import {
  KIND_BOOL, KIND_BYTES, KIND_DOUBLE, KIND_ENUM, KIND_FIXED32, KIND_FIXED64, KIND_FLOAT, KIND_GROUP, KIND_INT32, KIND_INT64, KIND_MESSAGE,
  KIND_SFIXED32, KIND_SFIXED64, KIND_SINT32, KIND_SINT64, KIND_STRING, KIND_UINT32, KIND_UINT64,
} from './types.ts';
import type { Field, MessageType } from './types.ts';
import {
  signed64, unsigned64, WIRE_DELIMITED, WIRE_END_GROUP, WIRE_FIXED32, WIRE_FIXED64, WIRE_START_GROUP, WIRE_VARINT, WireReader, zigzag32, zigzag64,
} from './wire-reader.ts';

/** Nesting that a message may have, as protobuf's default. */
export const MAX_DEPTH = 100;
const NO_GROUP = -1;

/** A value as it came: 64-bit numbers are bigints where a number would not be exact; strings and bytes are byte strings or bytes. */
export type Value = number | bigint | boolean | Buffer | UntypedMessage;

/** A message decoded by its type: by index of the field, undefined where nothing came, a list for a repeated field. */
export class UntypedMessage {
  readonly type: MessageType;
  readonly values: (Value | Value[] | undefined)[];

  constructor(type: MessageType) {
    this.type = type;
    this.values = new Array<undefined>(type.fields.length).fill(undefined);
  }

  has(field: Field): boolean {
    return this.values[field.index] !== undefined;
  }
}

/** Decodes messages in the way of protobuf's JSON printer, which is stricter than protobuf itself: the texts of errors are seen by clients. */
export class UntypedMessageDecoder {
  private readonly reader: WireReader;
  status: TranscodingStatus;

  /** @param limit Infinity for a message of a stream, the length for bytes within another message (see WireReader) */
  constructor(bytes: Buffer, limit: number) {
    this.reader = new WireReader(bytes, limit, MAX_DEPTH);
    this.status = OK;
  }

  /** Bytes that have been read; a zero tag ends a message early. */
  get consumed(): number {
    return this.reader.pos;
  }

  /** Null on failure, which `status` tells. */
  decode(type: MessageType): UntypedMessage | null {
    const message = new UntypedMessage(type);
    return this.message(message, NO_GROUP) ? message : null;
  }

  private fail(message: string): false {
    this.status = invalidArgument(message);
    return false;
  }

  private message(message: UntypedMessage, currentGroup: number): boolean {
    const { reader } = this;
    /** Unknown groups that have begun. */
    let groups: number[] | null = null;
    for (;;) {
      const tag = reader.tag();
      if (tag === 0) return true;
      const number = tag >>> 3;
      const wire = tag & 7;
      const inUnknown = groups !== null && groups.length > 0;
      if (wire === WIRE_END_GROUP && !inUnknown) return this.endGroup(number, currentGroup);
      const field = inUnknown ? undefined : message.type.field(number);
      if (field !== undefined) {
        if (!this.knownField(message, field, wire)) return false;
      } else if (wire === WIRE_START_GROUP) (groups ??= []).push(number);
      else if (wire === WIRE_END_GROUP) {
        const open = groups?.pop() ?? NO_GROUP;
        if (open !== number) return this.fail(`attempted to close group ${number} while inside group ${open}`);
      } else if (!this.skip(wire)) return false;
    }
  }

  private endGroup(number: number, currentGroup: number): boolean {
    if (currentGroup === NO_GROUP) return this.fail(`attempted to close group ${number} before SGROUP tag`);
    if (number !== currentGroup) return this.fail(`attempted to close group ${number} while inside group ${currentGroup}`);
    return true;
  }

  private skip(wire: number): boolean {
    const { reader } = this;
    switch (wire) {
      case WIRE_VARINT: reader.varint64(); break;
      case WIRE_FIXED64: reader.fixed64(); break;
      case WIRE_FIXED32: reader.fixed32(); break;
      case WIRE_DELIMITED: {
        const length = reader.varint32();
        if (reader.failed) break;
        return reader.skip(length) || this.fail('malformed length-delimited field');
      }
      default: return this.fail(`unknown wire type: ${wire}`);
    }
    return !reader.failed || this.fail('unexpected EOF');
  }

  private knownField(message: UntypedMessage, field: Field, wire: number): boolean {
    switch (wire) {
      case WIRE_VARINT: return this.varint(message, field);
      case WIRE_FIXED64: return this.fixed64(message, field);
      case WIRE_FIXED32: return this.fixed32(message, field);
      case WIRE_DELIMITED: return this.delimited(message, field);
      case WIRE_START_GROUP: return this.group(message, field);
      default: return this.fail(`unknown wire type: ${wire}`);
    }
  }

  private group(message: UntypedMessage, field: Field): boolean {
    if (field.kind !== KIND_GROUP || field.message === null) return this.fail(`field number ${field.number} is not a group`);
    if (!this.reader.enter()) return this.fail('allowed depth exceeded');
    const group = new UntypedMessage(field.message);
    if (!this.message(group, field.number)) return false;
    this.reader.leave();
    return this.insert(message, field, group);
  }

  private varint(message: UntypedMessage, field: Field): boolean {
    const { reader } = this;
    if (field.kind === KIND_BOOL) {
      const byte = reader.byte();
      if (reader.failed) return this.fail('unexpected EOF');
      if (byte > 1) return this.fail(`bad value for bool: \\x${byte.toString(16).padStart(2, '0')}`);
      return this.insert(message, field, byte === 1);
    }
    const low = reader.varint64();
    const value = varintValue(field.kind, low, reader.high);
    if (value === null) {
      return this.fail(`field type ${field.kind} (number ${field.number}) does not support varint fields`);
    }
    if (reader.failed) return this.fail('unexpected EOF');
    return this.insert(message, field, value);
  }

  private fixed64(message: UntypedMessage, field: Field): boolean {
    const { reader } = this;
    let value: Value;
    if (field.kind === KIND_DOUBLE) value = reader.double();
    else if (field.kind === KIND_FIXED64) value = unsigned64(reader.fixed64(), reader.high);
    else if (field.kind === KIND_SFIXED64) value = signed64(reader.fixed64(), reader.high);
    else return this.fail(`field type ${field.kind} (number ${field.number}) does not support type 64-bit fields`);
    if (reader.failed) return this.fail('unexpected EOF');
    return this.insert(message, field, value);
  }

  private fixed32(message: UntypedMessage, field: Field): boolean {
    const { reader } = this;
    let value: Value;
    if (field.kind === KIND_FLOAT) value = reader.float();
    else if (field.kind === KIND_FIXED32) value = reader.fixed32();
    else if (field.kind === KIND_SFIXED32) value = reader.fixed32() | 0;
    else return this.fail(`field type ${field.kind} (number ${field.number}) does not support 32-bit fields`);
    if (reader.failed) return this.fail('unexpected EOF');
    return this.insert(message, field, value);
  }

  private delimited(message: UntypedMessage, field: Field): boolean {
    const { reader } = this;
    if (!reader.enter()) return this.fail('allowed depth exceeded');
    const before = reader.pushLength();
    if (!this.delimitedValue(message, field)) return false;
    reader.popLimit(before);
    reader.leave();
    return true;
  }

  private delimitedValue(message: UntypedMessage, field: Field): boolean {
    const { reader } = this;
    if (field.kind === KIND_STRING || field.kind === KIND_BYTES) {
      const bytes = reader.take(reader.untilLimit);
      if (reader.failed) return this.fail('unexpected EOF');
      if (field.kind === KIND_STRING && message.type.proto3 && !isUtf8(bytes)) return this.fail('proto3 strings must be UTF-8');
      return this.insert(message, field, bytes);
    }
    if (field.kind === KIND_MESSAGE && field.message !== null) {
      const inner = new UntypedMessage(field.message);
      return this.message(inner, NO_GROUP) && this.insert(message, field, inner);
    }
    while (reader.untilLimit > 0) {
      if (!this.packedValue(message, field)) return false;
    }
    return true;
  }

  private packedValue(message: UntypedMessage, field: Field): boolean {
    switch (field.kind) {
      case KIND_FIXED64: case KIND_SFIXED64: case KIND_DOUBLE: return this.fixed64(message, field);
      case KIND_FIXED32: case KIND_SFIXED32: case KIND_FLOAT: return this.fixed32(message, field);
      case KIND_GROUP: return this.fail(`field type ${field.kind} (number ${field.number}) does not support type 2 records`);
      default: return this.varint(message, field);
    }
  }

  private insert(message: UntypedMessage, field: Field, value: Value): boolean {
    const present = message.values[field.index];
    if (!field.repeated) {
      if (present !== undefined) return this.fail(`repeated entries for singular field number ${field.number}`);
      message.values[field.index] = value;
    } else if (Array.isArray(present)) present.push(value);
    else message.values[field.index] = [value];
    return true;
  }
}

/** Null for a kind that is no varint. */
function varintValue(kind: number, low: number, high: number): number | bigint | null {
  switch (kind) {
    case KIND_INT32: case KIND_ENUM: return low | 0;
    case KIND_UINT32: return low;
    case KIND_SINT32: return zigzag32(low);
    case KIND_INT64: return signed64(low, high);
    case KIND_UINT64: return unsigned64(low, high);
    case KIND_SINT64: return zigzag64(low, high);
    default: return null;
  }
}
