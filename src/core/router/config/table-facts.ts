import type { HeaderParser } from '../../../common/header-parser.ts';
import type { FactoryContext } from '../../../contract/extension.ts';
import type { ShadowPolicy } from '../../../contract/route.ts';
import type { PerFilterConfigs } from './per-filter-configs.ts';

/** What all routes of one RouteConfiguration share. */
export interface TableFacts {
  readonly name: string;
  readonly context: FactoryContext;
  /** Names that a route may name, or null when clusters are not validated. */
  readonly knownClusters: ReadonlySet<string> | null;
  readonly ignorePathParameters: boolean;
  readonly mostSpecificWins: boolean;
  readonly maxDirectResponseBody: number;
  readonly requestHeaders: HeaderParser | null;
  readonly responseHeaders: HeaderParser | null;
  readonly perFilter: PerFilterConfigs;
  readonly shadowPolicies: readonly ShadowPolicy[];
}
