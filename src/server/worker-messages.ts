import type { RuntimeValues } from '../core/runtime/loader.ts';
import type { SharedCellSpace } from '../core/shared-cells/thread-shared-cells.ts';
import type { HostFailure, HostUpdate } from '../core/upstream/host-update.ts';
import type { StatsDefinition } from '../core/stats/store.ts';
import type { LogSetup } from './logger.ts';

/**
 * Everything that crosses between the main thread and a worker. Plain, structured-clonable data; a direction each. Numbers that both
 * sides see all the time (statistics, host counts, log levels) are in shared memory instead.
 */

/** What a worker thread is born with. It loads its modules at once and waits for `configure`. */
export interface WorkerData {
  readonly nuncioWorker: true;
  readonly index: number;
  readonly log: LogSetup;
  /** Folder of compiled code, or null for none. */
  readonly compileCache: string | null;
}

/** A resource as bytes of its protobuf message. */
export interface ResourceBytes {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Facts of the process that factories ask for. */
export interface ProcessFacts {
  readonly nodeId: string;
  readonly nodeCluster: string;
  readonly zone: string;
  readonly concurrency: number;
  /** `bootstrap.header_prefix`, `x-envoy` when unset. */
  readonly headerPrefix: string;
  readonly drainTimeS: number;
  readonly drainStrategy: 'gradual' | 'immediate';
  readonly fileFlushIntervalMsec: number;
  readonly fileFlushMinSizeKb: number;
  readonly disabledExtensions: readonly string[];
  /** watchdogs.worker_watchdog, milliseconds; 0 = off. */
  readonly watchdogMissMs: number;
  readonly watchdogMegaMissMs: number;
}

/** Where a listener is to listen, when the configured address is not the answer. */
export interface ListenOrder {
  readonly name: string;
  /** Ports of its addresses, first the main one; 0 = the system's choice; null = as configured. */
  readonly ports: readonly (number | null)[];
}

export interface ConfigureMessage {
  readonly type: 'configure';
  /** Version of the resources: grows with every change. */
  readonly version: number;
  readonly facts: ProcessFacts;
  readonly runtime: RuntimeValues;
  /** Null for an inline worker, which has main's cells. */
  readonly sharedCells: SharedCellSpace | null;
  /** `cluster_manager.upstream_bind_config`, or null. Not the bootstrap: its type alone makes a worker read descriptors of half the API. */
  readonly upstreamBindConfig: Uint8Array | null;
  /** See FactoryContext. */
  readonly ticketSecret: Uint8Array;
  /** Static secrets. */
  readonly secrets: readonly ResourceBytes[];
  readonly clusters: readonly ResourceBytes[];
  readonly listeners: readonly ResourceBytes[];
  readonly failedHealth: boolean;
  /** Endpoints that main has found so far. */
  readonly hostUpdates: readonly HostUpdate[];
}

/** Main to worker. */
export type ToWorker =
  | ConfigureMessage
  /** Open the sockets of the named listeners and accept. Answered by `listening` or `listen-failed` for each. */
  | { readonly type: 'listen'; readonly listeners: readonly ListenOrder[] }
  /** Stop accepting on these listeners; connections live on. */
  | { readonly type: 'stop-listening'; readonly listeners: readonly string[] }
  | { readonly type: 'runtime'; readonly values: RuntimeValues }
  | { readonly type: 'health'; readonly failed: boolean }
  /** Begin (or widen) a drain: connections close at their next chance, with growing probability over the drain time. */
  | { readonly type: 'drain'; readonly inboundOnly: boolean; readonly immediate: boolean }
  /** The process ends: stop accepting, close idle connections, let requests finish. Answered by `drained` when none is left. */
  | { readonly type: 'shutdown' }
  /** End now. */
  | { readonly type: 'stop' }
  | { readonly type: 'reopen-logs' }
  /** Endpoints of a cluster, found on main (DNS). */
  | { readonly type: 'cluster-hosts'; readonly update: HostUpdate }
  /** An active check has found a host unhealthy: its connections take no new streams. */
  | { readonly type: 'host-failed'; readonly failure: HostFailure };

/** Worker to main. */
export type ToMain =
  /** `configure` is done. */
  | { readonly type: 'configured'; readonly version: number }
  /** `configure` failed, although main's dry run had passed. */
  | { readonly type: 'configure-failed'; readonly message: string }
  | { readonly type: 'listening'; readonly listener: string; readonly addresses: readonly { readonly ip: string; readonly port: number; readonly path: string }[] }
  | { readonly type: 'listen-failed'; readonly listener: string; readonly message: string }
  | { readonly type: 'stats'; readonly definitions: readonly StatsDefinition[] }
  /** A response of a host said that it is unhealthy. */
  | { readonly type: 'host-unhealthy'; readonly failure: HostFailure }
  /** No connection is left after `shutdown`. */
  | { readonly type: 'drained' }
  /** Every resource is given back after `stop`. */
  | { readonly type: 'stopped' };
