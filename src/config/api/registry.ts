import {
  create,
  createFileRegistry,
  fromBinary,
  type DescEnum,
  type DescExtension,
  type DescFile,
  type DescMessage,
  type DescService,
  type Message,
  type Registry,
} from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, file_google_protobuf_descriptor } from '@bufbuild/protobuf/wkt';
import { readFileSync } from 'node:fs';
import { projectRoot } from '../../base/module-path.ts';
import { indexBlob, type BlobIndex, type IndexedFile } from './blob-index.ts';
import { LazyFile, type TypeResolver } from './lazy-file.ts';
import { withJsonNames } from './lazy-message.ts';
import { camelCase } from './names.ts';

/**
 * Envoy's API at run time: descriptors by type name, built from the blob as they are asked for.
 *
 * Files of messages and enums (nearly all) are read lazily, message by message. The few with extensions or services are linked by the
 * library, with everything that they import.
 */
export class ApiRegistry implements TypeResolver {
  private readonly index: BlobIndex;
  private readonly built: Map<string, DescFile>;
  /** Of files that the library linked. */
  private readonly linked: Map<string, Registry>;
  /** Messages and enums asked for so far. */
  private readonly types: Map<string, DescMessage | DescEnum>;

  constructor(blob: Uint8Array) {
    this.index = indexBlob(blob);
    this.built = new Map([['google/protobuf/descriptor.proto', file_google_protobuf_descriptor]]);
    this.linked = new Map();
    this.types = new Map();
  }

  /** The descriptor of a message by full name, or undefined when the API has none of that name. */
  getMessage(typeName: string): DescMessage | undefined {
    const type = this.typeOf(typeName);
    return type?.kind === 'message' ? type : undefined;
  }

  getEnum(typeName: string): DescEnum | undefined {
    const type = this.typeOf(typeName);
    return type?.kind === 'enum' ? type : undefined;
  }

  getExtension(typeName: string): DescExtension | undefined {
    return this.linkedRegistryOf(typeName)?.getExtension(typeName);
  }

  getService(typeName: string): DescService | undefined {
    return this.linkedRegistryOf(typeName)?.getService(typeName);
  }

  /** As getMessage, for a name that this program itself wrote down. */
  message<T extends Message>(typeName: T['$typeName']): DescMessage {
    const descriptor = this.getMessage(typeName);
    if (descriptor === undefined) throw new Error(`the API has no message ${typeName}`);
    return descriptor;
  }

  extension(typeName: string): DescExtension {
    const descriptor = this.getExtension(typeName);
    if (descriptor === undefined) throw new Error(`the API has no extension ${typeName}`);
    return descriptor;
  }

  /** Full names of all top-level messages, whether built or not: for suggestions. */
  get messageNames(): readonly string[] {
    return this.index.messages;
  }

  /** The proto file that declares a type, or undefined. Nested types are declared where their outermost message is. */
  fileOf(typeName: string): string | undefined {
    let name = typeName;
    for (;;) {
      const file = this.index.declarations.get(name);
      if (file !== undefined) return file;
      const dot = name.lastIndexOf('.');
      if (dot < 0) return undefined;
      name = name.slice(0, dot);
    }
  }

  /** How many files have been opened: for tests and measurements. */
  get builtFiles(): number {
    return this.built.size;
  }

  /** Every file that `file` imports. */
  importsOf(file: IndexedFile): DescFile[] {
    return file.imports.map((name) => this.fileNamed(name));
  }

  private typeOf(typeName: string): DescMessage | DescEnum | undefined {
    const known = this.types.get(typeName);
    if (known !== undefined) return known;
    const name = this.fileOf(typeName);
    if (name === undefined) return undefined;
    const type = findType(this.fileNamed(name), typeName);
    if (type !== undefined) this.types.set(typeName, type);
    return type;
  }

  private linkedRegistryOf(typeName: string): Registry | undefined {
    const name = this.fileOf(typeName);
    if (name === undefined) return undefined;
    this.fileNamed(name);
    return this.linked.get(name);
  }

  private fileNamed(name: string): DescFile {
    const known = this.built.get(name);
    if (known !== undefined) return known;
    const indexed = this.index.files.get(name);
    if (indexed === undefined) throw new Error(`the API blob lacks ${name}`);
    const file = indexed.plain ? new LazyFile(indexed, this) : this.link(indexed);
    this.built.set(name, file);
    return file;
  }

  /** Has the library build a file. Descriptors are shared between files, so each exists once. */
  private link(indexed: IndexedFile): DescFile {
    const visible = new Map<string, DescFile>();
    // Its own imports are cut off: the library would walk them again for every file.
    for (const name of indexed.imports) visible.set(name, withoutImports(this.fileNamed(name), name));
    const proto = fromBinary(FileDescriptorProtoSchema, indexed.bytes);
    for (const message of proto.messageType) withJsonNames(message);
    for (const extension of proto.extension) if (extension.jsonName === '') extension.jsonName = camelCase(extension.name);
    const registry = createFileRegistry(proto, (name) => visible.get(name));
    const file = registry.getFile(indexed.name);
    if (file === undefined) throw new Error(`the API blob's ${indexed.name} did not link`);
    this.linked.set(indexed.name, registry);
    return file;
  }
}

/** The file as one that the library may walk: it asks for `proto.name` and for all types. */
function withoutImports(file: DescFile, name: string): DescFile {
  const { messages, enums, extensions, services, edition, deprecated } = file;
  const proto = create(FileDescriptorProtoSchema, { name });
  return { kind: 'file', edition, name: file.name, dependencies: [], enums, messages, extensions, services, deprecated, proto, toString: () => file.toString() };
}

/** A type by its full name, in the file that declares it. */
function findType(file: DescFile, typeName: string): DescMessage | DescEnum | undefined {
  for (const each of file.enums) if (each.typeName === typeName) return each;
  return findAmong(file.messages, typeName);
}

function findAmong(messages: readonly DescMessage[], typeName: string): DescMessage | DescEnum | undefined {
  for (const message of messages) {
    if (message.typeName === typeName) return message;
    if (!typeName.startsWith(`${message.typeName}.`)) continue;
    for (const each of message.nestedEnums) if (each.typeName === typeName) return each;
    return findAmong(message.nestedMessages, typeName);
  }
  return undefined;
}

let shared: ApiRegistry | undefined;

/** The process-wide registry over the shipped blob, read on first use. */
export function api(): ApiRegistry {
  shared ??= new ApiRegistry(readFileSync(new URL('api/envoy.binpb', projectRoot(import.meta.url))));
  return shared;
}
