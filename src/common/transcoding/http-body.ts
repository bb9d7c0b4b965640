import { isUtf8 } from 'node:buffer';
import { skipField } from './skip-field.ts';
import type { Field } from './types.ts';
import { WIRE_DELIMITED, WireReader } from './wire-reader.ts';
import { varintSize, WireWriter } from './wire-writer.ts';

// Fields of google.api.HttpBody.
const CONTENT_TYPE = 1;
const DATA = 2;
const EXTENSIONS = 3;
// Fields of google.protobuf.Any, and of envoy's UnknownQueryParams.
const ANY_TYPE_URL = 1;
const ANY_VALUE = 2;
const PARAMS_KEY = 1;
const UNKNOWN_QUERY_PARAMS = 'type.googleapis.com/envoy.extensions.filters.http.grpc_json_transcoder.v3.UnknownQueryParams';
/** Nesting that a reader may enter; there is none here. */
const NO_DEPTH = 0;
const EMPTY = Buffer.alloc(0);

/** Query parameters that the request has no field for: values by name, in order. Byte strings. */
export type UnknownQueryParams = ReadonlyMap<string, readonly string[]>;

/** What comes before the bytes of a body so that, with them, it is a google.api.HttpBody at `path` of a message. */
export function httpBodyEnvelope(path: readonly Field[], contentType: string, length: number, unknown: UnknownQueryParams): Buffer {
  const body = new WireWriter();
  if (contentType !== '') {
    body.tag(CONTENT_TYPE, WIRE_DELIMITED);
    body.text(contentType);
  }
  if (unknown.size > 0) {
    body.tag(EXTENSIONS, WIRE_DELIMITED);
    body.delimited(unknownParamsAny(unknown));
  }
  body.tag(DATA, WIRE_DELIMITED);
  body.uint32(length);
  const out = new WireWriter();
  const sizes = messageSizes(path, body.length + length);
  for (const [i, field] of path.entries()) {
    out.tag(field.number, WIRE_DELIMITED);
    out.uint32(sizes[i]);
  }
  out.raw(body.written(0, body.length));
  return out.written(0, out.length);
}

/** Length of each message of the path, outermost first. */
function messageSizes(path: readonly Field[], innermost: number): number[] {
  const sizes: number[] = [];
  let size = innermost;
  for (const field of [...path].reverse()) {
    sizes.unshift(size);
    size += varintSize(((field.number << 3) | WIRE_DELIMITED) >>> 0) + varintSize(size);
  }
  return sizes;
}

function unknownParamsAny(unknown: UnknownQueryParams): Buffer {
  const params = new WireWriter();
  for (const [name, values] of unknown) {
    const list = new WireWriter();
    for (const value of values) {
      list.tag(1, WIRE_DELIMITED);
      list.text(value);
    }
    const entry = new WireWriter();
    entry.tag(1, WIRE_DELIMITED);
    entry.text(name);
    entry.tag(2, WIRE_DELIMITED);
    entry.delimited(list.written(0, list.length));
    params.tag(PARAMS_KEY, WIRE_DELIMITED);
    params.delimited(entry.written(0, entry.length));
  }
  const any = new WireWriter();
  any.tag(ANY_TYPE_URL, WIRE_DELIMITED);
  any.text(UNKNOWN_QUERY_PARAMS);
  any.tag(ANY_VALUE, WIRE_DELIMITED);
  any.delimited(params.written(0, params.length));
  return any.written(0, any.length);
}

/** A google.api.HttpBody. */
export interface HttpBody {
  contentType: string;
  data: Buffer;
}

/**
 * The HttpBody at `path` of a message; empty when there is none, null when the bytes are no such message. Envoy has no nesting left for
 * the extensions of a response: one that has them is broken there, and so without `extensions` here.
 */
export function parseHttpBody(bytes: Buffer, path: readonly Field[], extensions: boolean): HttpBody | null {
  const body: HttpBody = { contentType: '', data: EMPTY };
  return parseAt(new WireReader(bytes, Infinity, NO_DEPTH), path, 0, body, extensions) ? body : null;
}

function parseAt(reader: WireReader, path: readonly Field[], depth: number, body: HttpBody, extensions: boolean): boolean {
  if (depth === path.length) return parseBody(reader, body, extensions);
  const expected = ((path[depth].number << 3) | WIRE_DELIMITED) >>> 0;
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag !== expected) {
      if (!skipField(reader, tag)) return false;
      continue;
    }
    const length = reader.varint32();
    if (reader.failed || length > reader.end - reader.pos) return false;
    const before = reader.limit;
    reader.limit = Math.min(before, reader.pos + length);
    if (!parseAt(reader, path, depth + 1, body, extensions)) return false;
    const complete = reader.pos === reader.limit;
    reader.popLimit(before);
    if (!complete) return false;
  }
  return true;
}

function parseBody(reader: WireReader, body: HttpBody, extensions: boolean): boolean {
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    const number = tag >>> 3;
    if ((tag & 7) !== WIRE_DELIMITED || number > EXTENSIONS || number === 0) {
      if (!skipField(reader, tag)) return false;
      continue;
    }
    const value = reader.take(reader.varint32());
    if (reader.failed || (number === EXTENSIONS && !extensions)) return false;
    if (number === EXTENSIONS) continue;
    if (number === DATA) body.data = value;
    else if (!isUtf8(value)) return false;
    else body.contentType = value.toString('latin1');
  }
  return reader.pos >= Math.min(reader.end, reader.limit);
}
