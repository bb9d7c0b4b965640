import type { Message } from '@bufbuild/protobuf';
import type { Address } from '../../contract/address.ts';
import type { TlsContextCertificates } from '../../contract/secrets.ts';
import type { ClusterInfo, Host } from '../../contract/upstream.ts';
import type { RuntimeLoader } from '../../core/runtime/loader.ts';
import type { StatsSources } from '../../core/stats/prometheus.ts';
import type { ProcessLoggers } from '../logger.ts';
import type { ServerOptions } from '../options.ts';

/** Envoy's server states: `/ready`, `/server_info`, the gauge `server.state`. */
export const STATE_LIVE = 0;
export const STATE_DRAINING = 1;
export const STATE_PRE_INITIALIZING = 2;
export const STATE_INITIALIZING = 3;
export type ServerState = 0 | 1 | 2 | 3;
export const STATE_NAMES: readonly string[] = ['LIVE', 'DRAINING', 'PRE_INITIALIZING', 'INITIALIZING'];

export interface DrainRequest {
  /** Drain over `--drain-time-s` before listeners are closed. */
  readonly graceful: boolean;
  /** Never close listeners. */
  readonly skipExit: boolean;
  readonly inboundOnly: boolean;
}

/** A listener as `/listeners` shows it. */
export interface ListenerView {
  readonly name: string;
  /** Address it really listens on, and additional ones. */
  readonly addresses: readonly Address[];
}

/** A cluster as `/clusters` shows it. */
export interface ClusterView {
  readonly info: ClusterInfo;
  readonly hosts: readonly Host[];
}

/** One section of `/config_dump`: a message of envoy.admin.v3, built when asked. */
export interface ConfigSection {
  /** Envoy's key, which orders the sections: `bootstrap`, `clusters`, `listeners`, `routes`, `routes_scoped`, `secrets`. */
  readonly key: string;
  build(nameMatches: (name: string) => boolean): Message;
}

/** What the pages may see and do. Main thread only. */
export interface AdminContext {
  readonly options: ServerOptions;
  readonly loggers: ProcessLoggers;
  readonly runtime: RuntimeLoader;
  readonly stats: StatsSources;
  /** Brings gauges such as `server.uptime` up to date, and histograms when the bootstrap says `stats_flush_on_admin`. */
  refreshStats(): void;
  resetCounters(): void;
  readonly state: ServerState;
  /** Seconds since the start. */
  readonly uptime: number;
  /** Bootstrap's node as completed at start; a envoy.config.core.v3.Node. */
  readonly node: Message;
  clusters(): readonly ClusterView[];
  listeners(): readonly ListenerView[];
  certificates(): readonly TlsContextCertificates[];
  configSections(includeEds: boolean): readonly ConfigSection[];
  quit(): void;
  failHealthcheck(fail: boolean): void;
  drainListeners(request: DrainRequest): void;
  reopenLogs(): void;
}
