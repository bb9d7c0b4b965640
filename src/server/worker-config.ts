import { fromBinary } from '@bufbuild/protobuf';
import type { Message } from '@bufbuild/protobuf';
import type { Cluster } from '#api/envoy/config/cluster/v3/cluster_pb.js';
import type { BindConfig } from '#api/envoy/config/core/v3/address_pb.js';
import type { Listener } from '#api/envoy/config/listener/v3/listener_pb.js';
import type { Secret } from '#api/envoy/extensions/transport_sockets/tls/v3/secret_pb.js';
import { expectMessage } from '../contract/message.ts';
import type { SharedCells } from '../contract/shared-cells.ts';
import type { Scope } from '../contract/stats.ts';
import { AccessLogFileManager } from '../core/access-log/access-log-files.ts';
import type { ThreadDispatcher } from '../core/dispatcher/dispatcher.ts';
import { ThreadRuntime } from '../core/runtime/loader.ts';
import type { HostFailure, HostUpdate } from '../core/upstream/host-update.ts';
import { LocalSharedCells } from '../core/shared-cells/shared-cells.ts';
import { ThreadSharedCells } from '../core/shared-cells/thread-shared-cells.ts';
import { registry } from '../extensions/registry.ts';
import { NO_CLUSTERS, ClusterSet } from './cluster-set.ts';
import { composeRequestPath } from './compose-request-path.ts';
import type { RequestPath } from './compose-request-path.ts';
import { DrainState } from './drain.ts';
import type { ProcessLoggers } from './logger.ts';
import { OwnClients } from './own-clients.ts';
import { describeMessage } from './messages.ts';
import { StaticSecrets } from './static-secrets.ts';
import type { ThreadServices } from './thread-services.ts';
import { NO_DRAIN, factoryContext, trustingUnpacker } from './thread-services.ts';
import { Watchdog } from './watchdog.ts';
import type { ConfigureMessage, ResourceBytes } from './worker-messages.ts';

const BIND_CONFIG = 'envoy.config.core.v3.BindConfig';
const LISTENER = 'envoy.config.listener.v3.Listener';
const SECRET = 'envoy.extensions.transport_sockets.tls.v3.Secret';
const CLUSTER = 'envoy.config.cluster.v3.Cluster';

/** What an inline worker shares with the main thread instead of having its own. */
export interface WorkerHost {
  readonly dispatcher: ThreadDispatcher;
  clusters(): ClusterSet | null;
  sharedCells(): SharedCells | null;
}

/** Everything that a worker builds from one `configure` message. */
export class WorkerConfig {
  readonly runtime: ThreadRuntime;
  readonly drain: DrainState;
  readonly services: ThreadServices;
  readonly listeners: ReadonlyMap<string, RequestPath>;
  private readonly clusters: ClusterSet;
  private readonly ownsClusters: boolean;
  private readonly watchdog: Watchdog;

  constructor(message: ConfigureMessage, dispatcher: ThreadDispatcher, rootScope: Scope, loggers: ProcessLoggers, host: WorkerHost | null, onHostFailure: (failure: HostFailure) => void) {
    const { facts } = message;
    this.runtime = new ThreadRuntime(message.runtime);
    this.drain = new DrainState({
      durationMs: facts.drainTimeS * 1_000,
      strategy: facts.drainStrategy,
      now: () => dispatcher.now(),
      random: dispatcher.random,
    });
    this.services = {
      dispatcher,
      rootScope,
      sharedCells: message.sharedCells === null ? (host?.sharedCells() ?? new LocalSharedCells()) : new ThreadSharedCells(message.sharedCells),
      runtime: this.runtime,
      loggers,
      accessLogFiles: new AccessLogFileManager(dispatcher, rootScope, {
        flushIntervalMs: facts.fileFlushIntervalMsec,
        minFlushBytes: facts.fileFlushMinSizeKb * 1_024,
      }),
      localInfo: { nodeId: facts.nodeId, clusterName: facts.nodeCluster, zone: facts.zone },
      registry: registry.without(facts.disabledExtensions),
      serverHealth: { failed: message.failedHealth },
      clients: new OwnClients(),
      ticketSecret: message.ticketSecret,
      secrets: new StaticSecrets(message.secrets.map((each) => expectMessage<Secret>(decode(each, SECRET), SECRET))),
    };
    const shared = host?.clusters() ?? null;
    this.ownsClusters = shared === null;
    this.clusters = shared ?? this.buildClusters(message, onHostFailure);
    this.listeners = this.buildListeners(message.listeners);
    this.watchdog = new Watchdog(dispatcher, rootScope, 'workers', facts.watchdogMissMs, facts.watchdogMegaMissMs);
    this.setFailedHealth(message.failedHealth);
  }

  setFailedHealth(failed: boolean): void {
    this.services.serverHealth.failed = failed;
    this.drain.setFailedHealth(failed);
  }

  applyHostFailure(failure: HostFailure): void {
    if (this.ownsClusters) this.clusters.manager.applyHostFailure(failure);
  }

  applyHostUpdate(update: HostUpdate): void {
    if (this.ownsClusters) this.clusters.manager.applyHostUpdate(update);
  }

  /** Gives everything back, after the last access log records are written. */
  async dispose(): Promise<void> {
    await this.services.accessLogFiles.drain();
    this.watchdog.dispose();
    this.services.clients.dispose();
    if (this.ownsClusters) this.clusters.dispose();
    this.services.accessLogFiles.dispose();
  }

  private buildClusters(message: ConfigureMessage, onHostFailure: (failure: HostFailure) => void): ClusterSet {
    const { upstreamBindConfig: bytes, clusters: resources, hostUpdates: updates } = message;
    const clusters = resources.map((each) => expectMessage<Cluster>(decode(each, CLUSTER), CLUSTER));
    const bindConfig = bytes === null ? undefined : expectMessage<BindConfig>(fromBinary(describeMessage(BIND_CONFIG), bytes), BIND_CONFIG);
    const set = new ClusterSet({ role: 'worker', bindConfig, onHostFailure });
    const context = factoryContext(this.services, {
      clusterManager: NO_CLUSTERS,
      drainDecision: NO_DRAIN,
      messages: trustingUnpacker,
      validationOnly: false,
    });
    set.addAll(clusters, context, (error) => {
      throw error;
    });
    for (const update of updates) set.manager.applyHostUpdate(update);
    return set;
  }

  private buildListeners(resources: readonly ResourceBytes[]): Map<string, RequestPath> {
    const built = new Map<string, RequestPath>();
    for (const resource of resources) {
      const message = expectMessage<Listener>(decode(resource, LISTENER), LISTENER);
      built.set(resource.name, composeRequestPath(message, this.services, this.clusters.manager, this.drain));
    }
    return built;
  }
}

function decode(resource: ResourceBytes, typeName: string): Message {
  return fromBinary(describeMessage(typeName), resource.bytes);
}
