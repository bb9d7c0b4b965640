import type { AsyncStreamOptions } from '../../contract/async-client.ts';
import type {
  DirectResponseEntry, HashPolicy, HedgePolicy, ResourcePriority, RetryPolicy, Route, RouteEntry, ShadowPolicy, VirtualHost,
} from '../../contract/route.ts';
import { PRIORITY_DEFAULT } from '../../contract/route.ts';

const NO_HOST: VirtualHost = Object.freeze({
  name: '', routeConfigName: '', includeRequestAttemptCount: false, includeAttemptCountInResponse: false,
  includeIsTimeoutRetryHeader: false, virtualCluster: () => null, metadata: null,
});
const NO_SHADOWS: readonly ShadowPolicy[] = [];
const NO_CONFIGS: readonly object[] = [];

/** The route of a request that no route table has chosen (Envoy's NullRouteImpl): a cluster, and what its caller asked for. */
export class AsyncRoute implements Route, RouteEntry {
  readonly clusterName: string;
  readonly timeout: number;
  readonly retryPolicy: RetryPolicy | null;
  readonly hedgePolicy: HedgePolicy | null;
  readonly hashPolicy: HashPolicy | null;
  readonly metadataMatch: Readonly<Record<string, unknown>> | null;

  constructor(clusterName: string, options: AsyncStreamOptions) {
    this.clusterName = clusterName;
    this.timeout = options.timeout ?? 0;
    this.retryPolicy = options.retryPolicy ?? null;
    this.hedgePolicy = options.hedgePolicy ?? null;
    this.hashPolicy = options.hashPolicy ?? null;
    this.metadataMatch = options.parent?.route?.routeEntry?.metadataMatch ?? null;
  }

  get routeEntry(): RouteEntry {
    return this;
  }

  // Route: nothing that a route table would say.

  get name(): string {
    return '';
  }

  get virtualHost(): VirtualHost {
    return NO_HOST;
  }

  get directResponse(): DirectResponseEntry | null {
    return null;
  }

  get metadata(): null {
    return null;
  }

  get origin(): null {
    return null;
  }

  mostSpecificPerFilterConfig(): null {
    return null;
  }

  perFilterConfigs(): readonly object[] {
    return NO_CONFIGS;
  }

  filterDisabled(): null {
    return null;
  }

  // RouteEntry: defaults.

  get clusterNotFoundResponseCode(): number {
    return 500;
  }

  get priority(): ResourcePriority {
    return PRIORITY_DEFAULT;
  }

  get idleTimeout(): number {
    return -1;
  }

  get flushTimeout(): number {
    return -1;
  }

  get maxStreamDuration(): number {
    return -1;
  }

  get grpcTimeoutHeaderMax(): number {
    return -1;
  }

  get grpcTimeoutHeaderOffset(): number {
    return -1;
  }

  get maxGrpcTimeout(): number {
    return -1;
  }

  get grpcTimeoutOffset(): number {
    return -1;
  }

  get shadowPolicies(): readonly ShadowPolicy[] {
    return NO_SHADOWS;
  }

  get requestBodyBufferLimit(): number {
    return -1;
  }

  get autoHostRewrite(): boolean {
    return false;
  }

  get appendXForwardedHost(): boolean {
    return false;
  }

  get upgradeMap(): null {
    return null;
  }

  get connectConfig(): null {
    return null;
  }

  get internalRedirect(): null {
    return null;
  }

  get includeVirtualHostRateLimits(): boolean {
    return true;
  }

  get routeStatsPrefix(): string {
    return '';
  }

  finalizeRequestHeaders(): void {}

  finalizeResponseHeaders(): void {}
}
