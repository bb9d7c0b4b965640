import { WireCursor } from './wire-cursor.ts';

/**
 * An index of a serialized FileDescriptorSet, made without parsing it: where each file's bytes lie, what it imports, and which
 * file declares a type. A scan of 600 KB takes about 3 ms; parsing and linking all of it takes 60 ms and 20 MB.
 */

/** One file of the set. */
export interface IndexedFile {
  readonly name: string;
  readonly bytes: Buffer;
  /** Names of imported files, in order. */
  readonly imports: readonly string[];
  /** proto3 with messages and enums only. */
  readonly plain: boolean;
}

export interface BlobIndex {
  /** By proto file name, such as `envoy/config/core/v3/base.proto`. */
  readonly files: ReadonlyMap<string, IndexedFile>;
  /** Full name of a top-level message, enum, service or extension -> its file's name. */
  readonly declarations: ReadonlyMap<string, string>;
  /** Full names of top-level messages. */
  readonly messages: readonly string[];
}

// Field numbers of google.protobuf.FileDescriptorProto.
const FILE_NAME = 1;
const FILE_PACKAGE = 2;
const FILE_DEPENDENCY = 3;
const FILE_MESSAGE = 4;
const FILE_ENUM = 5;
const FILE_SERVICE = 6;
const FILE_EXTENSION = 7;
const FILE_SYNTAX = 12;
/** `name` is field 1 of every descriptor message. */
const DESCRIPTOR_NAME = 1;

function nameOf(bytes: Buffer, start: number, end: number): string {
  const cursor = new WireCursor(bytes, start, end);
  while (cursor.next()) if (cursor.field === DESCRIPTOR_NAME) return cursor.text();
  return '';
}

interface Outline {
  readonly file: IndexedFile;
  readonly messages: string[];
  readonly others: string[];
}

function outline(blob: Buffer, start: number, end: number): Outline {
  let name = '';
  let prefix = '';
  const imports: string[] = [];
  const messages: string[] = [];
  const others: string[] = [];
  let proto3 = false;
  let plain = true;
  const cursor = new WireCursor(blob, start, end);
  while (cursor.next()) {
    const field = cursor.field;
    if (field === FILE_NAME) name = cursor.text();
    else if (field === FILE_PACKAGE) prefix = `${cursor.text()}.`;
    else if (field === FILE_DEPENDENCY) imports.push(cursor.text());
    else if (field === FILE_MESSAGE) messages.push(nameOf(blob, cursor.start, cursor.end));
    else if (field === FILE_SYNTAX) proto3 = cursor.text() === 'proto3';
    else if (field === FILE_ENUM || field === FILE_SERVICE || field === FILE_EXTENSION) {
      others.push(nameOf(blob, cursor.start, cursor.end));
      if (field !== FILE_ENUM) plain = false;
    }
  }
  return {
    file: { name, bytes: blob.subarray(start, end), imports, plain: plain && proto3 },
    messages: messages.map((each) => prefix + each),
    others: others.map((each) => prefix + each),
  };
}

/** Reads the outline of a FileDescriptorSet. The bytes are kept (as views), not copied. */
export function indexBlob(bytes: Uint8Array): BlobIndex {
  const blob = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const files = new Map<string, IndexedFile>();
  const declarations = new Map<string, string>();
  const messages: string[] = [];
  const cursor = new WireCursor(blob, 0, blob.length);
  while (cursor.next()) {
    const { file, messages: own, others } = outline(blob, cursor.start, cursor.end);
    files.set(file.name, file);
    for (const type of own) {
      declarations.set(type, file.name);
      messages.push(type);
    }
    for (const type of others) declarations.set(type, file.name);
  }
  return { files, declarations, messages };
}
