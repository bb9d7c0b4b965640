import type { Bootstrap } from '#api/envoy/config/bootstrap/v3/bootstrap_pb.js';
import type { Node } from '#api/envoy/config/core/v3/base_pb.js';
import { crypto } from '../base/crypto.ts';
import type { LoadedBootstrap } from '../config/index.ts';
import type { ConfigError } from '../contract/errors.ts';
import { LOG_INFO } from '../contract/logger.ts';
import type { FactoryContext } from '../contract/extension.ts';
import { AccessLogFileManager } from '../core/access-log/access-log-files.ts';
import type { ThreadDispatcher } from '../core/dispatcher/dispatcher.ts';
import { limitRegexSizes } from '../common/regex/regex.ts';
import { RuntimeLoader } from '../core/runtime/loader.ts';
import { LocalSharedCells } from '../core/shared-cells/shared-cells.ts';
import { ThreadSharedCells } from '../core/shared-cells/thread-shared-cells.ts';
import type { SharedCellSpace } from '../core/shared-cells/thread-shared-cells.ts';
import type { StatsSources } from '../core/stats/prometheus.ts';
import type { HostFailure, HostUpdate } from '../core/upstream/host-update.ts';
import { registry } from '../extensions/registry.ts';
import { applicationLogFormat } from './application-log.ts';
import { completeNode, localInfoOf } from './bootstrap-facts.ts';
import { refuseUnsupported, warnIgnored } from './bootstrap-limits.ts';
import { CertificateStore } from './certificate-store.ts';
import { NO_CLUSTERS, ClusterSet } from './cluster-set.ts';
import { disableExtensions } from './disabled-extensions.ts';
import { collectErrors, dryRunListeners } from './dry-run.ts';
import type { ProcessLoggers } from './logger.ts';
import type { MainStats } from './main-stats.ts';
import { OwnClients } from './own-clients.ts';
import type { ServerOptions } from './options.ts';
import { StartupError } from './startup-error.ts';
import { StaticSecrets } from './static-secrets.ts';
import type { ThreadServices } from './thread-services.ts';
import { NO_DRAIN, factoryContext, validatingUnpacker } from './thread-services.ts';

export interface MainThreadOptions {
  readonly loaded: LoadedBootstrap;
  readonly options: ServerOptions;
  readonly dispatcher: ThreadDispatcher;
  readonly stats: MainStats;
  readonly loggers: ProcessLoggers;
  /** `--mode validate`: build everything, start nothing. */
  readonly validationOnly: boolean;
  /** Cells that workers see too; null = there are no other threads. */
  readonly sharedCells: SharedCellSpace | null;
  /** Endpoints that main has found: for the workers. */
  readonly onHostUpdate: (update: HostUpdate) => void;
  /** Hosts that an active check has found unhealthy: for the workers. Absent = there are none. */
  readonly onHostFailure?: (failure: HostFailure) => void;
}

/**
 * What the main thread makes of a bootstrap: node, runtime, its own clusters; and the dry run of everything that workers are going to
 * build. Complete when the constructor returns; a mistake anywhere is a StartupError that names all of them.
 */
export class MainThread {
  readonly bootstrap: Bootstrap;
  readonly node: Node;
  readonly runtime: RuntimeLoader;
  readonly services: ThreadServices;
  readonly sources: StatsSources;
  readonly clusters: ClusterSet;
  readonly certificates: CertificateStore;
  /** Wall clock, ms. */
  readonly loadedAt = Date.now();
  /** For the workers' session tickets; 32 bytes. */
  readonly ticketSecret: Uint8Array = crypto().randomBytes(32);
  private readonly validationOnly: boolean;

  constructor(given: MainThreadOptions) {
    const { loaded, options, dispatcher, stats, loggers } = given;
    const bootstrap = loaded.bootstrap;
    this.bootstrap = bootstrap;
    this.validationOnly = given.validationOnly;
    const errors = refuseUnsupported(bootstrap, options);
    warnIgnored(bootstrap, loggers);
    errors.push(...collectErrors('', () => setLogFormat(bootstrap, options, loggers)));
    this.sources = required(loaded, errors, '', () => stats.sources(bootstrap, options));
    this.node = completeNode(bootstrap, options, registry.factories);
    const localInfo = localInfoOf(this.node);
    this.runtime = required(loaded, errors, 'layered_runtime', () => {
      return new RuntimeLoader({
        config: bootstrap.layeredRuntime,
        serviceCluster: localInfo.clusterName,
        scope: stats.root.scope('runtime'),
        logger: loggers.get('runtime'),
        watch: !given.validationOnly,
      });
    });
    limitRegexSizes({ snapshot: () => this.runtime.snapshot(), logger: loggers.get('misc') });
    this.certificates = new CertificateStore(stats.root);
    this.services = {
      dispatcher,
      rootScope: stats.root,
      sharedCells: given.sharedCells === null ? new LocalSharedCells() : new ThreadSharedCells(given.sharedCells),
      runtime: this.runtime,
      loggers,
      accessLogFiles: new AccessLogFileManager(dispatcher, stats.root, {
        flushIntervalMs: options.fileFlushIntervalMsec,
        minFlushBytes: options.fileFlushMinSizeKb * 1_024,
        disabled: given.validationOnly,
      }),
      localInfo,
      registry: disableExtensions(options.disabledExtensions, loggers.get('misc')),
      serverHealth: { failed: false },
      clients: new OwnClients(),
      secrets: new StaticSecrets(bootstrap.staticResources?.secrets ?? []),
      certificates: this.certificates,
    };
    const config = loggers.get('config');
    config.log(LOG_INFO, `loading ${bootstrap.staticResources?.clusters.length ?? 0} cluster(s)`);
    this.clusters = this.buildClusters(errors, given);
    config.log(LOG_INFO, `loading ${bootstrap.staticResources?.listeners.length ?? 0} listener(s)`);
    errors.push(...dryRunListeners(bootstrap, this.services, this.clusters.manager));
    if (errors.length === 0) return;
    this.dispose();
    throw StartupError.ofConfig(loaded.place(errors));
  }

  /** A context for what main builds for itself (admin). */
  context(): FactoryContext {
    return factoryContext(this.services, {
      clusterManager: this.clusters.manager,
      drainDecision: NO_DRAIN,
      messages: validatingUnpacker,
      validationOnly: this.validationOnly,
    });
  }

  dispose(): void {
    this.services.clients.dispose();
    this.clusters.dispose();
    this.runtime.dispose();
    this.services.accessLogFiles.dispose();
  }

  private buildClusters(errors: ConfigError[], given: MainThreadOptions): ClusterSet {
    const context = factoryContext(this.services, {
      clusterManager: NO_CLUSTERS,
      drainDecision: NO_DRAIN,
      messages: validatingUnpacker,
      validationOnly: this.validationOnly,
    });
    const clusters = this.bootstrap.staticResources?.clusters ?? [];
    const set = new ClusterSet({ role: 'main', bindConfig: this.bootstrap.clusterManager?.upstreamBindConfig, onHostUpdate: given.onHostUpdate,
      ...(given.onHostFailure === undefined ? {} : { onHostFailure: given.onHostFailure }),
    });
    set.addAll(clusters, context, (error) => errors.push(error));
    return set;
  }
}

function setLogFormat(bootstrap: Bootstrap, options: ServerOptions, loggers: ProcessLoggers): void {
  const format = applicationLogFormat(bootstrap, options);
  if (format !== null) loggers.setFormat(format);
}

/** Builds what nothing can do without: an error here is thrown with the others at once. */
function required<T>(loaded: LoadedBootstrap, errors: readonly ConfigError[], path: string, build: () => T): T {
  let made: { readonly value: T } | null = null;
  const own = collectErrors(path, () => {
    made = { value: build() };
  });
  if (made === null) throw StartupError.ofConfig(loaded.place([...errors, ...own]));
  return (made as { readonly value: T }).value;
}
