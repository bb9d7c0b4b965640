import { DataPiece, PIECE_BOOL, PIECE_DOUBLE, PIECE_INT64, PIECE_NULL, PIECE_STRING, PIECE_UINT64 } from './data-piece.ts';
import { fieldMaskPaths } from './field-mask.ts';
import { parseDuration, parseTimestamp } from './parse-time.ts';
import type { ProtoWriter } from './proto-writer.ts';

/** Writes the fields of a message whose JSON is no object. Returns why it cannot, or null. */
export type TypeRenderer = (writer: ProtoWriter, data: DataPiece) => string | null;

function renderTimestamp(writer: ProtoWriter, data: DataPiece): string | null {
  if (data.type === PIECE_NULL) return null;
  if (data.type !== PIECE_STRING) return `Invalid data type for timestamp, value is ${data.shown}`;
  return writeTime(writer, parseTimestamp(data.text));
}

function renderDuration(writer: ProtoWriter, data: DataPiece): string | null {
  if (data.type === PIECE_NULL) return null;
  if (data.type !== PIECE_STRING) return `Invalid data type for duration, value is ${data.shown}`;
  return writeTime(writer, parseDuration(data.text));
}

function writeTime(writer: ProtoWriter, time: string | { readonly seconds: number; readonly nanos: number }): string | null {
  if (typeof time === 'string') return time;
  writer.writeData('seconds', DataPiece.int64(time.seconds));
  writer.writeData('nanos', DataPiece.int64(time.nanos));
  return null;
}

function renderFieldMask(writer: ProtoWriter, data: DataPiece): string | null {
  if (data.type === PIECE_NULL) return null;
  if (data.type !== PIECE_STRING) return `Invalid data type for field mask, value is ${data.shown}`;
  return fieldMaskPaths(data.text, (path) => writer.writeData('paths', DataPiece.string(path)));
}

function renderWrapper(writer: ProtoWriter, data: DataPiece): string | null {
  if (data.type !== PIECE_NULL) writer.writeData('value', data);
  return null;
}

function renderStructValue(writer: ProtoWriter, data: DataPiece): string | null {
  writer.writeData(structField(data), data);
  return null;
}

/** The field of google.protobuf.Value for a scalar. */
function structField(data: DataPiece): string {
  switch (data.type) {
    case PIECE_INT64: case PIECE_UINT64: case PIECE_DOUBLE: return 'number_value';
    case PIECE_STRING: return 'string_value';
    case PIECE_BOOL: return 'bool_value';
    case PIECE_NULL: return 'null_value';
  }
}

const SCALARS = ['Double', 'Float', 'Int64', 'UInt64', 'Int32', 'UInt32', 'Bool', 'String', 'Bytes'];

const RENDERERS: ReadonlyMap<string, TypeRenderer> = new Map<string, TypeRenderer>([
  ['google.protobuf.Timestamp', renderTimestamp],
  ['google.protobuf.Duration', renderDuration],
  ['google.protobuf.FieldMask', renderFieldMask],
  ['google.protobuf.Value', renderStructValue],
  ...SCALARS.flatMap((each): [string, TypeRenderer][] => [
    [`google.protobuf.${each}Value`, renderWrapper], [`google.protobuf.${each}`, renderWrapper],
  ]),
]);

/** The renderer of a message type by full name, or null for an ordinary one. */
export function typeRenderer(fullName: string): TypeRenderer | null {
  return RENDERERS.get(fullName) ?? null;
}
