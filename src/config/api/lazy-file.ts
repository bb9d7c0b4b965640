import { fromBinary, type DescEnum, type DescExtension, type DescFile, type DescMessage, type DescService } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileOptionsSchema, type FileDescriptorProto, type FileOptions } from '@bufbuild/protobuf/wkt';
import type { IndexedFile } from './blob-index.ts';
import { LazyEnum } from './lazy-enum.ts';
import { LazyMessage } from './lazy-message.ts';
import { WireCursor } from './wire-cursor.ts';

/** Finds types of other files for the fields that name them. */
export interface TypeResolver {
  getMessage(typeName: string): DescMessage | undefined;
  getEnum(typeName: string): DescEnum | undefined;
  /** The files that `file` imports, in order. */
  importsOf(file: IndexedFile): DescFile[];
}

// Field numbers of google.protobuf.FileDescriptorProto.
const FILE_PACKAGE = 2;
const FILE_MESSAGE = 4;
const FILE_ENUM = 5;
const FILE_OPTIONS = 8;

const EDITION_PROTO3 = 999;

/**
 * A proto3 file of the API that makes descriptors as they are asked for, equal to those of the library's `createFileRegistry` (a test compares
 * all of the API). Parsing and linking whole files was a quarter of the start: a configuration uses a tenth of the messages in the files
 * that it touches.
 */
export class LazyFile implements DescFile {
  readonly kind = 'file';
  readonly edition = EDITION_PROTO3;
  readonly name: string;
  readonly deprecated = false;
  /** Files with these are linked by the library. */
  readonly extensions: DescExtension[] = [];
  readonly services: DescService[] = [];
  readonly messages: DescMessage[];
  readonly enums: DescEnum[];
  private readonly indexed: IndexedFile;
  private readonly resolver: TypeResolver;
  private readonly optionBytes: Buffer | null;
  private parsedOptions: FileOptions | null;
  private parsedProto: FileDescriptorProto | null;

  constructor(indexed: IndexedFile, resolver: TypeResolver) {
    this.name = indexed.name.replace(/\.proto$/, '');
    this.indexed = indexed;
    this.resolver = resolver;
    this.messages = [];
    this.enums = [];
    this.parsedOptions = null;
    this.parsedProto = null;
    let prefix = '';
    let options: Buffer | null = null;
    const cursor = new WireCursor(indexed.bytes);
    while (cursor.next()) {
      const field = cursor.field;
      if (field === FILE_PACKAGE) prefix = `${cursor.text()}.`;
      else if (field === FILE_MESSAGE) this.messages.push(new LazyMessage(cursor.slice(), this, undefined, prefix, resolver));
      else if (field === FILE_ENUM) this.enums.push(new LazyEnum(cursor.slice(), this, undefined, prefix));
      else if (field === FILE_OPTIONS) options = cursor.slice();
    }
    this.optionBytes = options;
  }

  get dependencies(): DescFile[] {
    return this.resolver.importsOf(this.indexed);
  }

  get options(): FileOptions | undefined {
    if (this.optionBytes === null) return undefined;
    this.parsedOptions ??= fromBinary(FileOptionsSchema, this.optionBytes);
    return this.parsedOptions;
  }

  /** All of the file; nothing on the way of a configuration asks for it. */
  get proto(): FileDescriptorProto {
    this.parsedProto ??= fromBinary(FileDescriptorProtoSchema, this.indexed.bytes);
    return this.parsedProto;
  }

  toString(): string {
    return `file ${this.indexed.name}`;
  }
}
