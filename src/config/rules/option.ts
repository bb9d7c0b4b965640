import { fromBinary, getExtension, hasExtension, type DescExtension, type UnknownField } from '@bufbuild/protobuf';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import { optionsOf, type Optioned } from '../api/options-of.ts';

/**
 * The value of an option, or undefined when it is not set. The library's `getExtension` makes a message type of its own for every call, set or
 * not, which is a tenth of reading a configuration: here only for the few scalar options that are set.
 */
export function optionOf(descriptor: Optioned, option: DescExtension): unknown {
  const options = optionsOf(descriptor);
  if (options === undefined || !hasExtension(options, option)) return undefined;
  if (option.fieldKind !== 'message') return getExtension(options, option);
  const parts = (options.$unknown ?? []).filter((part) => part.no === option.number);
  return fromBinary(option.message, parts.length === 1 ? content(parts[0]) : Buffer.concat(parts.map(content)));
}

/** Bytes of a message field without their length. Those of several parts in a row are the merged message. */
function content(part: UnknownField): Uint8Array {
  return new BinaryReader(part.data).bytes();
}
