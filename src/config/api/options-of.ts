import type { DescEnumValue, DescField, DescFile, DescMessage, DescOneof } from '@bufbuild/protobuf';
import type { EnumValueOptions, FieldOptions, FileOptions, MessageOptions, OneofOptions } from '@bufbuild/protobuf/wkt';

/** A descriptor that may carry options. */
export type Optioned = DescField | DescOneof | DescMessage | DescEnumValue | DescFile;
export type Options = FieldOptions | OneofOptions | MessageOptions | EnumValueOptions | FileOptions;

interface WithOptions {
  readonly options: Options | undefined;
}

/** The options of a descriptor. Descriptors of this folder know them without parsing the rest of what they describe. */
export function optionsOf(descriptor: Optioned): Options | undefined {
  return hasOptions(descriptor) ? descriptor.options : descriptor.proto.options;
}

function hasOptions(descriptor: Optioned): descriptor is Optioned & WithOptions {
  return 'options' in descriptor;
}
