import type { HeaderValueOption, Metadata } from '#api/envoy/config/core/v3/base_pb.js';
import type { Any } from '@bufbuild/protobuf/wkt';
import { buildHeaderParser } from '../../../common/header-parser.ts';
import type { HeaderParser } from '../../../common/header-parser.ts';
import { refuseFields } from '../../../common/not-yet.ts';
import type { FactoryContext } from '../../../contract/extension.ts';
import { PerFilterConfigs } from './per-filter-configs.ts';

/** What a route table, a virtual host, a route and a weighted cluster have in common. */
interface LevelMessage {
  readonly requestHeadersToAdd: HeaderValueOption[];
  readonly requestHeadersToRemove: string[];
  readonly responseHeadersToAdd: HeaderValueOption[];
  readonly responseHeadersToRemove: string[];
  readonly typedPerFilterConfig: { [key: string]: Any };
}

export interface RouteLevel {
  readonly requestHeaders: HeaderParser | null;
  readonly responseHeaders: HeaderParser | null;
  readonly perFilter: PerFilterConfigs;
}

export function buildLevel(message: LevelMessage, context: FactoryContext): RouteLevel {
  return {
    requestHeaders: buildHeaderParser(message.requestHeadersToAdd, message.requestHeadersToRemove, 'request_headers'),
    responseHeaders: buildHeaderParser(message.responseHeadersToAdd, message.responseHeadersToRemove, 'response_headers'),
    perFilter: new PerFilterConfigs(message.typedPerFilterConfig, context),
  };
}

export type PlainMetadata = Readonly<Record<string, unknown>>;

/** Metadata by namespace, or null when none is given. */
export function plainMetadata(message: Metadata | undefined): PlainMetadata | null {
  if (message === undefined) return null;
  refuseFields(message, 'envoy.config.core.v3.Metadata', { typedFilterMetadata: 'typed_filter_metadata' });
  return message.filterMetadata;
}

/** The `envoy.lb` part: which endpoints a route may use. */
export function lbMetadata(message: Metadata | undefined): PlainMetadata | null {
  const lb: unknown = plainMetadata(message)?.['envoy.lb'];
  return typeof lb === 'object' && lb !== null ? (lb as PlainMetadata) : null;
}
