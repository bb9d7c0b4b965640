import {
  createFileRegistry,
  createRegistry,
  fromBinary,
  type DescEnum,
  type DescExtension,
  type DescFile,
  type DescMessage,
  type DescService,
  type Message,
  type Registry,
} from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, file_google_protobuf_descriptor, type DescriptorProto, type FileDescriptorProto } from '@bufbuild/protobuf/wkt';
import { readFileSync } from 'node:fs';
import { projectRoot } from '../../base/module-path.ts';
import { indexBlob, type BlobIndex } from './blob-index.ts';

/**
 * Envoy's API at run time: descriptors by type name, built from the blob file by file as they are asked for.
 *
 * A type's file and everything that it imports is parsed on first use; the rest of the 600 files stays bytes.
 */
export class ApiRegistry {
  private readonly index: BlobIndex;
  private readonly built: Map<string, DescFile>;
  private readonly registries: Map<string, Registry>;

  constructor(blob: Uint8Array) {
    this.index = indexBlob(blob);
    this.built = new Map([['google/protobuf/descriptor.proto', file_google_protobuf_descriptor]]);
    this.registries = new Map();
  }

  /** The descriptor of a message by full name, or undefined when the API has none of that name. */
  getMessage(typeName: string): DescMessage | undefined {
    return this.registryOf(typeName)?.getMessage(typeName);
  }

  getEnum(typeName: string): DescEnum | undefined {
    return this.registryOf(typeName)?.getEnum(typeName);
  }

  getExtension(typeName: string): DescExtension | undefined {
    return this.registryOf(typeName)?.getExtension(typeName);
  }

  getService(typeName: string): DescService | undefined {
    return this.registryOf(typeName)?.getService(typeName);
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

  /** How many files have been parsed: for tests and measurements. */
  get builtFiles(): number {
    return this.built.size;
  }

  private registryOf(typeName: string): Registry | undefined {
    const file = this.fileOf(typeName);
    return file === undefined ? undefined : this.load(file);
  }

  private load(name: string): Registry {
    const ready = this.registries.get(name);
    if (ready !== undefined) return ready;
    const registry = this.link(name);
    this.registries.set(name, registry);
    return registry;
  }

  /** Builds a file after its imports. Descriptors are shared between files, so each exists once. */
  private link(name: string): Registry {
    const known = this.built.get(name);
    if (known !== undefined) return createRegistry(known);
    const indexed = this.index.files.get(name);
    if (indexed === undefined) throw new Error(`the API blob lacks ${name}`);
    const visible = new Map<string, DescFile>();
    for (const imported of indexed.imports) this.collect(imported, visible);
    const proto = fromBinary(FileDescriptorProtoSchema, indexed.bytes);
    setJsonNames(proto);
    // Public imports reach further than one file, so everything visible is named as an import.
    const registry = createFileRegistry(proto, (each) => visible.get(each));
    const file = registry.getFile(name);
    if (file === undefined) throw new Error(`the API blob's ${name} did not link`);
    this.built.set(name, file);
    return registry;
  }

  /** Adds an import to what a file can see. Its own imports are cut off: the library would walk them again for every file. */
  private collect(name: string, visible: Map<string, DescFile>): void {
    if (visible.has(name)) return;
    if (!this.built.has(name)) this.load(name);
    const file = this.built.get(name);
    if (file !== undefined) visible.set(name, { ...file, dependencies: [] });
  }
}

/** The blob leaves out json_name where it follows from the name; protobuf-es takes it as it stands. */
function setJsonNames(file: FileDescriptorProto): void {
  for (const message of file.messageType) setMessageJsonNames(message);
  for (const extension of file.extension) if (extension.jsonName === '') extension.jsonName = camelCase(extension.name);
}

function setMessageJsonNames(message: DescriptorProto): void {
  for (const field of message.field) if (field.jsonName === '') field.jsonName = camelCase(field.name);
  for (const extension of message.extension) if (extension.jsonName === '') extension.jsonName = camelCase(extension.name);
  for (const nested of message.nestedType) setMessageJsonNames(nested);
}

/** protoc's rule: underscores go, the letter after one becomes upper case. */
export function camelCase(name: string): string {
  if (!name.includes('_')) return name;
  let out = '';
  let up = false;
  for (const char of name) {
    if (char === '_') up = true;
    else {
      out += up ? char.toUpperCase() : char;
      up = false;
    }
  }
  return out;
}

let shared: ApiRegistry | undefined;

/** The process-wide registry over the shipped blob, read on first use. */
export function api(): ApiRegistry {
  shared ??= new ApiRegistry(readFileSync(new URL('api/envoy.binpb', projectRoot(import.meta.url))));
  return shared;
}
