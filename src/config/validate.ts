import type { DescMessage, Message } from '@bufbuild/protobuf';
import type { Position } from '../contract/errors.ts';
import type { ApiRegistry } from './api/registry.ts';
import type { ExtensionLookup } from './extension-lookup.ts';
import type { PathStep, Problem } from './message/read-context.ts';
import { CheckContext, type Warning } from './rules/check-context.ts';
import { checkMessage } from './rules/message-check.ts';
import { pathText } from './message/path-text.ts';

/** Something that works but should be known. */
export interface ConfigWarning {
  readonly kind: Warning['kind'];
  readonly position: Position | null;
  readonly path: string;
  /** Envoy's words. */
  readonly message: string;
}

/** What Envoy counts while it validates. */
export interface WarningCounts {
  /** `server.static_unknown_fields` or `server.dynamic_unknown_fields`. */
  readonly unknownFields: number;
  /** `runtime.deprecated_feature_use`. */
  readonly deprecated: number;
  /** `server.wip_protos`. */
  readonly workInProgress: number;
}

export interface ValidateOptions {
  /** Whether runtime allows a feature that is refused by default. */
  readonly allows?: (feature: string) => boolean;
  readonly extensions?: ExtensionLookup;
}

export interface Validated {
  readonly problems: readonly Problem[];
  readonly warnings: readonly (ConfigWarning & { readonly steps: readonly PathStep[] })[];
  readonly counts: WarningCounts;
}

/** Checks a message and what its extensions hold against the rules of the API. */
export function validateMessage(api: ApiRegistry, descriptor: DescMessage, message: Message, options: ValidateOptions): Validated {
  const context = new CheckContext(api, options.allows ?? (() => false), options.extensions ?? null);
  checkMessage(descriptor, message, context);
  const warnings = context.warnings.map((each) => ({
    kind: each.kind,
    position: null,
    path: pathText(each.path),
    message: each.message,
    steps: each.path,
  }));
  const count = (kind: Warning['kind']): number => warnings.filter((each) => each.kind === kind).length;
  return { problems: context.problems, warnings, counts: { unknownFields: 0, deprecated: count('deprecated'), workInProgress: count('work-in-progress') } };
}
