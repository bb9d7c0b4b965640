import { fromBinary, getOption, hasOption, type DescEnumValue, type DescExtension, type DescField, type DescFile, type DescMessage, type DescOneof, type UnknownField } from '@bufbuild/protobuf';
import { BinaryReader } from '@bufbuild/protobuf/wire';

/** A descriptor that may carry options. */
export type Optioned = DescField | DescOneof | DescMessage | DescEnumValue | DescFile;

/**
 * The value of an option, or undefined when it is not set. The library's `getOption` makes a message type of its own for every call, set or
 * not, which is a tenth of reading a configuration: here only for the few scalar options that are set.
 */
export function optionOf(descriptor: Optioned, option: DescExtension): unknown {
  if (!hasOption(descriptor, option)) return undefined;
  if (option.fieldKind !== 'message') return getOption(descriptor, option);
  const parts = (descriptor.proto.options?.$unknown ?? []).filter((part) => part.no === option.number);
  return fromBinary(option.message, parts.length === 1 ? content(parts[0]) : Buffer.concat(parts.map(content)));
}

/** Bytes of a message field without their length. Those of several parts in a row are the merged message. */
function content(part: UnknownField): Uint8Array {
  return new BinaryReader(part.data).bytes();
}
