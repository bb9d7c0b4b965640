/** Bytes of HTTP/2 for the museum, with the harness's own encoder: a judge shares no code with what it judges. */
import { encodeFields } from '../../harness/index.ts';
import type { Field } from '../../harness/index.ts';
import { FLAGS, frameBytes, FRAME_TYPES, uint32 } from '../../harness/http2-frames.ts';

export { uint32 };
export const END_STREAM: number = FLAGS.END_STREAM;
export const END_HEADERS: number = FLAGS.END_HEADERS;
export const ALL: number = END_STREAM | END_HEADERS;

export const frame: (type: number, flags: number, stream: number, payload?: Buffer, length?: number) => Buffer = (type, flags, stream, payload = Buffer.alloc(0), length = payload.length) => frameBytes(type, flags, stream, payload, length);

export function block(fields: readonly Field[]): Buffer {
  return encodeFields(fields);
}

export const GET: readonly Field[] = [[':method', 'GET'], [':scheme', 'http'], [':authority', 'a'], [':path', '/']];
export const POST: readonly Field[] = [[':method', 'POST'], [':scheme', 'http'], [':authority', 'a'], [':path', '/']];

/** A HEADERS frame with the whole block. */
export function headers(stream: number, fields: readonly Field[], flags = ALL): Buffer {
  return frame(FRAME_TYPES.HEADERS, flags, stream, block(fields));
}

export function rawHeaders(stream: number, payload: Buffer, flags = ALL): Buffer {
  return frame(FRAME_TYPES.HEADERS, flags, stream, payload);
}

export function continuation(stream: number, payload: Buffer, flags = 0): Buffer {
  return frame(FRAME_TYPES.CONTINUATION, flags, stream, payload);
}

export function data(stream: number, payload: string | Buffer, flags = 0): Buffer {
  return frame(FRAME_TYPES.DATA, flags, stream, Buffer.from(payload));
}

export function rst(stream: number, code = 8): Buffer {
  return frame(FRAME_TYPES.RST_STREAM, 0, stream, uint32(code));
}

export function windowUpdate(stream: number, increment: number): Buffer {
  return frame(FRAME_TYPES.WINDOW_UPDATE, 0, stream, uint32(increment));
}

export function priority(stream: number, parent: number): Buffer {
  return frame(FRAME_TYPES.PRIORITY, 0, stream, Buffer.concat([uint32(parent), Buffer.from([15])]));
}

/** Pairs of number and value, repeats and unknown ones as they are. */
export function settings(...pairs: readonly (readonly [number, number])[]): Buffer {
  const payload = Buffer.alloc(pairs.length * 6);
  for (const [i, [id, value]] of pairs.entries()) {
    payload.writeUInt16BE(id, i * 6);
    payload.writeUInt32BE(value, i * 6 + 2);
  }
  return frame(FRAME_TYPES.SETTINGS, 0, 0, payload);
}

export function ping(text = 'museum..'): Buffer {
  return frame(FRAME_TYPES.PING, 0, 0, Buffer.from(text));
}

export function goAway(last: number, code: number): Buffer {
  return frame(FRAME_TYPES.GOAWAY, 0, 0, Buffer.concat([uint32(last), uint32(code)]));
}

export function times(count: number, make: (i: number) => Buffer): Buffer {
  return Buffer.concat(Array.from({ length: count }, (_, i) => make(i)));
}

/** Id of the nth stream of a client. */
export function nth(i: number): number {
  return 2 * i + 1;
}

export function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(' ', ''), 'hex');
}
