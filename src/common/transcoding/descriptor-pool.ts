import { create, createFileRegistry, equals, fromBinary, getOption, hasOption } from '@bufbuild/protobuf';
import type { DescEnum, DescField, DescMessage, DescMethod, FileRegistry } from '@bufbuild/protobuf';
import { FeatureSet_FieldPresence, FieldDescriptorProto_Label, FieldDescriptorProto_Type, FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import type { FieldDescriptorProto, FileDescriptorProto } from '@bufbuild/protobuf/wkt';
import type { HttpRule } from '#api/google/api/http_pb.js';
import { api } from '../../config/index.ts';
import { EnumType, KIND_ENUM, KIND_GROUP, MessageType, TYPE_URL_PREFIX } from './types.ts';
import type { FieldFacts } from './types.ts';
import { invalidArgument, notFound } from './status.ts';
import type { TranscodingStatus } from './status.ts';

/** An rpc of a service. */
export interface Method {
  /** `package.Service.Method`. */
  readonly fullName: string;
  /** `package.Service`. */
  readonly service: string;
  readonly name: string;
  readonly input: MessageType;
  readonly output: MessageType;
  readonly clientStreaming: boolean;
  readonly serverStreaming: boolean;
  /** Its `google.api.http` option, or null. */
  readonly httpRule: HttpRule | null;
}

/** Why a pool could not be made: the bytes are no descriptor set, or the files do not fit together. */
export class DescriptorPoolError extends Error {
  readonly parsed: boolean;

  constructor(parsed: boolean, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause));
    this.parsed = parsed;
  }
}

/** The types of a descriptor set, made when they are first asked for, each once. */
export class DescriptorPool {
  private readonly registry: FileRegistry;
  private readonly messages: Map<string, MessageType>;
  private readonly enums: Map<string, EnumType>;
  private readonly methods: Map<string, Method>;

  /**
   * @param bytes a serialized google.protobuf.FileDescriptorSet, files after those that they import
   * @param builtins full names of messages that are added from Envoy's own API if the set lacks them
   * @param lenient leaves out files that do not fit
   * @throws DescriptorPoolError
   */
  constructor(bytes: Uint8Array, builtins: readonly string[] = [], lenient = false) {
    const files = parseFiles(bytes);
    this.registry = lenient ? linkWhatFits(files) : link(files, builtins);
    this.messages = new Map();
    this.enums = new Map();
    this.methods = new Map();
  }

  message(fullName: string): MessageType | undefined {
    const known = this.messages.get(fullName);
    if (known !== undefined) return known;
    const descriptor = this.registry.getMessage(fullName);
    return descriptor === undefined ? undefined : this.makeMessage(descriptor);
  }

  /** The message of a type URL, or why there is none, in protobuf's words. */
  messageByUrl(url: string): MessageType | TranscodingStatus {
    if (!url.startsWith(TYPE_URL_PREFIX)) {
      return invalidArgument(`Invalid type URL, type URLs must be of the form '${TYPE_URL_PREFIX}<typename>', got: ${url}`);
    }
    const name = url.slice(TYPE_URL_PREFIX.length);
    return this.message(name) ?? notFound(`Invalid type URL, unknown type: ${name}`);
  }

  /** Methods of a service in the order of declaration, or undefined when there is no such service. */
  service(fullName: string): readonly Method[] | undefined {
    return this.registry.getService(fullName)?.methods.map((each) => this.makeMethod(each));
  }

  /** By `package.Service.Method`. */
  method(fullName: string): Method | undefined {
    const known = this.methods.get(fullName);
    if (known !== undefined) return known;
    const dot = fullName.lastIndexOf('.');
    if (dot <= 0) return undefined;
    const name = fullName.slice(dot + 1);
    const descriptor = this.registry.getService(fullName.slice(0, dot))?.methods.find((each) => each.name === name);
    return descriptor === undefined ? undefined : this.makeMethod(descriptor);
  }

  private makeMethod(descriptor: DescMethod): Method {
    const fullName = `${descriptor.parent.typeName}.${descriptor.name}`;
    const known = this.methods.get(fullName);
    if (known !== undefined) return known;
    const http = api().extension('google.api.http');
    const made: Method = {
      fullName,
      service: descriptor.parent.typeName,
      name: descriptor.name,
      input: this.makeMessage(descriptor.input),
      output: this.makeMessage(descriptor.output),
      clientStreaming: descriptor.proto.clientStreaming,
      serverStreaming: descriptor.proto.serverStreaming,
      // The extension's type is that of the API's google.api.http, an HttpRule.
      httpRule: hasOption(descriptor, http) ? (getOption(descriptor, http) as HttpRule) : null,
    };
    this.methods.set(fullName, made);
    return made;
  }

  private makeMessage(descriptor: DescMessage): MessageType {
    const known = this.messages.get(descriptor.typeName);
    if (known !== undefined) return known;
    const proto3 = descriptor.file.proto.syntax === 'proto3';
    const made = new MessageType(
      descriptor.typeName, proto3, descriptor.proto.options?.mapEntry === true, descriptor.proto.oneofDecl.map((each) => each.name),
      descriptor.fields.map(fieldFacts),
    );
    this.messages.set(descriptor.typeName, made);
    // After it is known: types refer to each other in circles.
    for (const [i, each] of descriptor.fields.entries()) {
      const field = made.fields[i];
      field.message = field.isMessage ? this.linked(each) : null;
      field.isMap = field.repeated && field.message !== null && field.message.mapEntry;
      if (field.kind === KIND_ENUM && each.enum !== undefined) field.enumType = this.makeEnum(each.enum);
    }
    return made;
  }

  /** Type of a message field; protobuf-es hides the entry types of maps behind its own form of maps. */
  private linked(field: DescField): MessageType | null {
    const name = typeNameOf(field.proto);
    if (field.fieldKind === 'map') return this.messages.get(name) ?? this.makeMapEntry(field, name);
    return field.message === undefined ? null : this.makeMessage(field.message);
  }

  private makeMapEntry(field: DescField & { fieldKind: 'map' }, name: string): MessageType {
    const entry = field.parent.proto.nestedType.find((each) => each.options?.mapEntry === true && name.endsWith(`.${each.name}`));
    const facts = (entry?.field ?? []).map((each) => protoFacts(each, false, each.type ?? 0, false));
    const made = new MessageType(name, field.parent.file.proto.syntax === 'proto3', true, [], facts);
    this.messages.set(name, made);
    const value = made.fieldByName('value');
    if (value !== undefined) {
      if (field.mapKind === 'message') value.message = this.makeMessage(field.message);
      if (field.mapKind === 'enum') value.enumType = this.makeEnum(field.enum);
    }
    return made;
  }

  private makeEnum(descriptor: DescEnum): EnumType {
    const known = this.enums.get(descriptor.typeName);
    if (known !== undefined) return known;
    const values = descriptor.proto.value;
    const made = new EnumType(descriptor.typeName, values.map((each) => each.name), values.map((each) => each.number));
    this.enums.set(descriptor.typeName, made);
    return made;
  }
}

function typeNameOf(field: FieldDescriptorProto): string {
  return field.typeName.startsWith('.') ? field.typeName.slice(1) : field.typeName;
}

function fieldFacts(field: DescField): FieldFacts {
  const required = field.presence === FeatureSet_FieldPresence.LEGACY_REQUIRED;
  const delimited = (field.fieldKind === 'message' || (field.fieldKind === 'list' && field.listKind === 'message')) && field.delimitedEncoding;
  const kind = delimited ? KIND_GROUP : (field.proto.type ?? FieldDescriptorProto_Type.MESSAGE);
  return protoFacts(field.proto, required, kind, field.fieldKind === 'list' && field.packed);
}

function protoFacts(proto: FieldDescriptorProto, required: boolean, kind: number, packed: boolean): FieldFacts {
  return {
    name: proto.name,
    jsonName: proto.jsonName === '' ? jsonName(proto.name) : proto.jsonName,
    number: proto.number,
    kind,
    repeated: proto.label === FieldDescriptorProto_Label.REPEATED,
    required,
    packed,
    // Index 0 is a oneof too; only presence tells it from "none".
    oneofIndex: Object.hasOwn(proto, 'oneofIndex') ? proto.oneofIndex + 1 : 0,
    typeName: typeNameOf(proto),
  };
}

/** protoc's rule for a field without json_name: underscores go, the letter after one becomes upper case. */
function jsonName(name: string): string {
  let out = '';
  for (let i = 0; i < name.length; i++) {
    if (name[i] === '_') continue;
    out += name[i - 1] === '_' ? name[i].toUpperCase() : name[i];
  }
  return out;
}

function parseFiles(bytes: Uint8Array): FileDescriptorProto[] {
  try {
    return fromBinary(FileDescriptorSetSchema, bytes).file;
  } catch (error) {
    throw new DescriptorPoolError(false, error);
  }
}

function link(files: readonly FileDescriptorProto[], builtins: readonly string[]): FileRegistry {
  try {
    const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: distinct(files) }));
    const added = builtinFiles(registry, builtins);
    if (added.length === 0) return registry;
    return createFileRegistry(create(FileDescriptorSetSchema, { file: distinct([...files, ...added]) }));
  } catch (error) {
    throw new DescriptorPoolError(true, error);
  }
}

function linkWhatFits(files: readonly FileDescriptorProto[]): FileRegistry {
  try {
    return link(files, []);
  } catch {
    const fitting: FileDescriptorProto[] = [];
    for (const file of files) {
      try {
        link([...fitting, file], []);
        fitting.push(file);
      } catch {
        // Left out, as it was asked for.
      }
    }
    return link(fitting, []);
  }
}

/** The files of the builtins that the set lacks, with their imports before them. */
function builtinFiles(registry: FileRegistry, builtins: readonly string[]): FileDescriptorProto[] {
  const files: FileDescriptorProto[] = [];
  for (const name of builtins) {
    if (registry.getMessage(name) === undefined) files.push(api().message(name).file.proto);
  }
  return files;
}

/** Each file once, in order. The same file again is no fault; another one of the same name, or a name declared twice, is. */
function distinct(files: readonly FileDescriptorProto[]): FileDescriptorProto[] {
  const byName = new Map<string, FileDescriptorProto>();
  const symbols = new Set<string>();
  for (const file of files) {
    const known = byName.get(file.name);
    if (known !== undefined) {
      if (!equals(FileDescriptorProtoSchema, known, file)) throw new Error(`two different files are called ${file.name}`);
      continue;
    }
    for (const dependency of file.dependency) {
      if (!byName.has(dependency)) throw new Error(`${file.name} imports ${dependency}, which does not come before it`);
    }
    for (const name of [...file.messageType, ...file.enumType, ...file.service, ...file.extension].map((each) => each.name)) {
      const full = file.package === '' ? name : `${file.package}.${name}`;
      if (symbols.has(full)) throw new Error(`${full} is declared twice`);
      symbols.add(full);
    }
    byName.set(file.name, file);
  }
  return [...byName.values()];
}
