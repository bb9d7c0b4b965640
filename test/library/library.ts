import { readFileSync } from 'node:fs';
import { DescriptorPool } from '../../src/common/transcoding/descriptor-pool.ts';
import type { JsonPrintOptions } from '../../src/common/transcoding/json-printer.ts';
import type { MessageType } from '../../src/common/transcoding/types.ts';
import { WireWriter } from '../../src/common/transcoding/wire-writer.ts';

/** The descriptor set of the test protos of this folder. */
export const LIBRARY_FILE = `${import.meta.dirname}/library.binpb`;
export const LIBRARY_BYTES = readFileSync(LIBRARY_FILE);

let pool: DescriptorPool | undefined;

export function library(): DescriptorPool {
  pool ??= new DescriptorPool(LIBRARY_BYTES);
  return pool;
}

export function libraryType(name: string): MessageType {
  const type = library().message(`nuncio.library.${name}`);
  if (type === undefined) throw new Error(`no message ${name}`);
  return type;
}

export const PLAIN_PRINT: JsonPrintOptions = {
  addWhitespace: false, alwaysPrintFieldsWithNoPresence: false, alwaysPrintEnumsAsInts: false, preserveProtoFieldNames: false,
};

/** A length-delimited field: a byte string or bytes. */
export function ld(field: number, value: string | Buffer): Buffer {
  const out = new WireWriter();
  out.tag(field, 2);
  out.delimited(typeof value === 'string' ? Buffer.from(value, 'latin1') : value);
  return out.written(0, out.length);
}

/** A varint field. */
export function vi(field: number, value: number | bigint): Buffer {
  const out = new WireWriter();
  out.tag(field, 0);
  out.varint64(value);
  return out.written(0, out.length);
}

export function concat(...parts: readonly Buffer[]): Buffer {
  return Buffer.concat(parts);
}
