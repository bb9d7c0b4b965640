/** Configuration: texts in, checked messages out. Everything that other layers use of it is named here. */
export { api, ApiRegistry } from './api/registry.ts';
export { typeAnswer, type TypeAnswer } from './api/type-answer.ts';
export { durationToMs, msToDuration } from './duration.ts';
export type { ExtensionLookup } from './extension-lookup.ts';
export { formatConfigError, formatConfigErrors } from './format-errors.ts';
export {
  loadBootstrap,
  type BootstrapInput,
  type LoadedBootstrap,
  type LoadOptions,
  type RefusedBootstrap,
  type UnknownFieldPolicy,
} from './load-bootstrap.ts';
export { loadResource, type LoadedResource, type ResourceInput } from './load-resource.ts';
export { formatOfFile, type TextFormat } from './load-text.ts';
export { ParsedAny, UnpackError } from './message/any.ts';
export { messageHash } from './message-hash.ts';
export { messageToJson, type Json, type JsonObject, type JsonOptions } from './message-json.ts';
export { notYet, notYetType } from './rules/extension-check.ts';
export { configTypeOf, typeNameOf, unpackAny, unpackValidated } from './unpack-any.ts';
export { validateMessage, type ConfigWarning, type Validated, type ValidateOptions, type WarningCounts } from './validate.ts';
