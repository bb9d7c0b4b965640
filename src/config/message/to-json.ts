import { ScalarType, type DescEnum, type DescField, type DescMessage, type Message } from '@bufbuild/protobuf';
import type { Any } from '@bufbuild/protobuf/wkt';
import type { ApiRegistry } from '../api/registry.ts';
import { isSensitive } from '../rules/annotations.ts';
import { jsonOf, structOf } from '../proto-text/struct.ts';
import { contentOf } from './any.ts';
import { setKey, type Json, type JsonObject } from './json.ts';
import type { MessageFields } from './fields.ts';
import { singularValue } from './walk.ts';
import { isWrapper } from './well-known.ts';

/** How a message is written. */
export interface JsonOptions {
  /** Write fields that are zero too, where they have no presence (Envoy's `always_print_primitive_fields`). */
  readonly zeros?: boolean;
  /** Replace what the API marks as sensitive: strings and bytes by `[redacted]`, everything else left out. */
  readonly redact?: boolean;
}

/** protobuf-es encodes redacted bytes too: base64 of `[redacted]`, as in Envoy's dumps. */
const REDACTED = '[redacted]';

/**
 * Proto-JSON as Envoy's admin pages write it: proto field names, enums by name, 64-bit integers as strings, Any opened with `@type`,
 * fields in the order of their declaration.
 */
export class JsonWriter {
  private readonly api: ApiRegistry;
  private readonly options: JsonOptions;

  constructor(api: ApiRegistry, options: JsonOptions = {}) {
    this.api = api;
    this.options = options;
  }

  /** The JSON form of a message. */
  write(descriptor: DescMessage, message: Message): Json {
    return this.message(descriptor, message, false);
  }

  private message(descriptor: DescMessage, message: Message, hidden: boolean): Json {
    if (descriptor.typeName.startsWith('google.protobuf.')) {
      const form = this.wellKnown(descriptor, message, hidden);
      if (form !== undefined) return form;
    }
    const out: JsonObject = {};
    for (const field of descriptor.fields) this.field(field, message, out, hidden);
    return out;
  }

  private wellKnown(descriptor: DescMessage, message: Message, hidden: boolean): Json | undefined {
    const fields = message as unknown as MessageFields;
    switch (descriptor.typeName) {
      case 'google.protobuf.Any':
        return this.opened(message as Any, hidden);
      case 'google.protobuf.Duration':
        return durationJson(fields as unknown as Time);
      case 'google.protobuf.Timestamp':
        return timestampJson(fields as unknown as Time);
      case 'google.protobuf.FieldMask':
        return (fields['paths'] as string[]).map(camelPath).join(',');
      case 'google.protobuf.Struct':
        return structOf(message);
      case 'google.protobuf.Value':
        return jsonOf(message);
      case 'google.protobuf.ListValue':
        return (fields['values'] as Message[]).map(jsonOf);
      default:
        return isWrapper(descriptor.typeName) ? scalarJson(wrappedType(descriptor), fields['value'], hidden) : undefined;
    }
  }

  private opened(any: Any, hidden: boolean): Json {
    if (any.typeUrl === '') return {};
    const content = contentOf(any, this.api);
    // What cannot be read cannot be shown: the bytes stand for it.
    if (content instanceof Error) return { '@type': any.typeUrl, value: Buffer.from(any.value).toString('base64') };
    const descriptor = this.api.message(content.$typeName);
    const json = this.message(descriptor, content, hidden);
    const plain = typeof json !== 'object' || json === null || Array.isArray(json) || hasOwnForm(content.$typeName);
    return plain ? { '@type': any.typeUrl, value: json } : { '@type': any.typeUrl, ...json };
  }

  private field(field: DescField, message: Message, out: JsonObject, above: boolean): void {
    const hidden = above || (this.options.redact === true && isSensitive(this.api, field));
    const json = this.fieldJson(field, message, hidden);
    if (json !== undefined) out[field.name] = json;
  }

  private fieldJson(field: DescField, message: Message, hidden: boolean): Json | undefined {
    const fields = message as unknown as MessageFields;
    if (field.fieldKind === 'list') {
      const list = fields[field.localName] as unknown[];
      if (list.length === 0) return this.options.zeros === true ? [] : undefined;
      const items = list.map((each) => this.value(field, each, hidden)).filter((each) => each !== undefined);
      return items.length === 0 ? undefined : items;
    }
    if (field.fieldKind === 'map') return this.map(field, fields[field.localName] as MessageFields, hidden);
    const value = singularValue(field, fields);
    if (value === undefined) return undefined;
    const present = field.oneof !== undefined || field.fieldKind === 'message';
    if (!present && this.options.zeros !== true && isZero(value)) return undefined;
    return this.value(field, value, hidden);
  }

  private map(field: DescField, map: MessageFields, hidden: boolean): Json | undefined {
    const keys = Object.keys(map);
    if (keys.length === 0) return this.options.zeros === true ? {} : undefined;
    const out: JsonObject = {};
    for (const key of keys) {
      const json = this.value(field, map[key], hidden);
      if (json !== undefined) setKey(out, key, json);
    }
    return out;
  }

  /** One value of a field; undefined when redaction takes it away. */
  private value(field: DescField, value: unknown, hidden: boolean): Json | undefined {
    if (field.message !== undefined) return this.messageValue(field, field.message, value, hidden);
    if (field.enum !== undefined) return hidden ? undefined : enumJson(field.enum, value as number);
    return scalarJson(field.scalar ?? ScalarType.STRING, value, hidden);
  }

  private messageValue(field: DescField, descriptor: DescMessage, value: unknown, hidden: boolean): Json | undefined {
    if (descriptor.typeName === 'google.protobuf.Struct') return value as JsonObject;
    const unwrapped = isWrapper(descriptor.typeName) && field.fieldKind === 'message' && field.oneof === undefined;
    if (unwrapped) return scalarJson(wrappedType(descriptor), value, hidden);
    return this.message(descriptor, value as Message, hidden);
  }
}

interface Time {
  readonly seconds: bigint;
  readonly nanos: number;
}

/** 0, 3, 6 or 9 fraction digits, as protobuf writes them. */
function fraction(nanos: number): string {
  if (nanos === 0) return '';
  const digits = String(Math.abs(nanos)).padStart(9, '0');
  if (digits.endsWith('000000')) return `.${digits.slice(0, 3)}`;
  return digits.endsWith('000') ? `.${digits.slice(0, 6)}` : `.${digits}`;
}

function durationJson(time: Time): string {
  const sign = time.seconds === 0n && time.nanos < 0 ? '-' : '';
  return `${sign}${time.seconds}${fraction(time.nanos)}s`;
}

function timestampJson(time: Time): string {
  const whole = new Date(Number(time.seconds) * 1000).toISOString().slice(0, 19);
  return `${whole}${fraction(time.nanos)}Z`;
}

function camelPath(path: string): string {
  return path.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

const OWN_FORMS = new Set(['Any', 'Duration', 'Timestamp', 'FieldMask', 'Struct', 'Value', 'ListValue'].map((each) => `google.protobuf.${each}`));

function hasOwnForm(typeName: string): boolean {
  return OWN_FORMS.has(typeName) || isWrapper(typeName);
}

function wrappedType(descriptor: DescMessage): ScalarType {
  return descriptor.fields[0]?.scalar ?? ScalarType.STRING;
}

function isZero(value: unknown): boolean {
  return value === '' || value === 0 || value === 0n || value === false || (value instanceof Uint8Array && value.length === 0);
}

function enumJson(descriptor: DescEnum, value: number): Json {
  if (descriptor.typeName === 'google.protobuf.NullValue') return null;
  return descriptor.values.find((each) => each.number === value)?.name ?? value;
}

function scalarJson(type: ScalarType, value: unknown, hidden: boolean): Json | undefined {
  if (hidden) {
    if (type === ScalarType.STRING) return REDACTED;
    return type === ScalarType.BYTES ? Buffer.from(REDACTED).toString('base64') : undefined;
  }
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (typeof value === 'number' && !Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity';
  return type === ScalarType.FLOAT ? shortFloat(value as number) : (value as Json);
}

/** The shortest decimal that reads back as the same 32-bit float: 0.1, not 0.10000000149011612. */
function shortFloat(value: number): number {
  for (let digits = 6; digits <= 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return value;
}
