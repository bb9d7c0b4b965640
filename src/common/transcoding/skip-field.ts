import {
  WIRE_DELIMITED, WIRE_END_GROUP, WIRE_FIXED32, WIRE_FIXED64, WIRE_START_GROUP, WIRE_VARINT,
} from './wire-reader.ts';
import type { WireReader } from './wire-reader.ts';

/** Nesting of groups that are skipped. */
const MAX_GROUPS = 100;

/** Skips the value of a tag that has been read; false when it is malformed. */
export function skipField(reader: WireReader, tag: number, depth = 0): boolean {
  if (tag >>> 3 === 0) return false;
  switch (tag & 7) {
    case WIRE_VARINT: reader.varint64(); break;
    case WIRE_FIXED64: reader.fixed64(); break;
    case WIRE_FIXED32: reader.fixed32(); break;
    case WIRE_DELIMITED: reader.take(reader.varint32()); break;
    case WIRE_START_GROUP: return depth < MAX_GROUPS && skipGroup(reader, tag, depth);
    default: return false;
  }
  return !reader.failed;
}

function skipGroup(reader: WireReader, start: number, depth: number): boolean {
  const end = start + WIRE_END_GROUP - WIRE_START_GROUP;
  for (let tag = reader.tag(); tag !== end; tag = reader.tag()) {
    if (tag === 0 || !skipField(reader, tag, depth + 1)) return false;
  }
  return true;
}
