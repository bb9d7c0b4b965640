import type { Any } from '@bufbuild/protobuf/wkt';
import type { Message } from '@bufbuild/protobuf';
import type { Cluster } from '#api/envoy/config/cluster/v3/cluster_pb.js';
import { VirtualClock } from '../../base/clock.ts';
import { SeededRandom } from '../../base/random.ts';
import { loadResource, unpackValidated } from '../../config/index.ts';
import { ConfigError, ConfigErrors } from '../../contract/errors.ts';
import { expectMessage } from '../../contract/message.ts';
import type { ExtensionFactory, FactoryContext } from '../../contract/extension.ts';
import type { ClusterManager } from '../../contract/upstream.ts';
import { ThreadDispatcher } from '../dispatcher/dispatcher.ts';
import { MemoryBackend } from '../network/io/memory-backend.ts';
import { setIoBackend } from '../network/io/backend.ts';
import { ThreadRuntime } from '../runtime/loader.ts';
import { LocalSharedCells } from '../shared-cells/shared-cells.ts';
import type { StatsDefinition } from '../stats/store.ts';
import { findStatsSchema, StatsStore } from '../stats/store.ts';
import { ClusterManagerImpl } from './cluster-manager.ts';
import type { DnsLookup } from './dns-lookup.ts';

export interface TestThreadOptions {
  readonly dnsLookup?: DnsLookup;
  readonly seed?: number;
  /** Default: none is known. */
  readonly upstreamTransportSocket?: FactoryContext['registry']['upstreamTransportSocket'];
}

/** Services of a thread for unit tests: virtual time, sockets in memory, everything in one place to look at. */
export class TestThread {
  readonly clock = new VirtualClock();
  readonly dispatcher: ThreadDispatcher;
  readonly io = new MemoryBackend();
  readonly sharedCells = new LocalSharedCells();
  readonly definitions: StatsDefinition[] = [];
  readonly stats = new StatsStore((definition) => this.definitions.push(definition));
  readonly context: FactoryContext;
  readonly clusters: ClusterManagerImpl;

  constructor(options: TestThreadOptions = {}) {
    this.dispatcher = new ThreadDispatcher({
      name: 'worker_0',
      clock: this.clock,
      random: new SeededRandom(options.seed ?? 1),
      waker: null,
      scheduler: { soon: () => {} },
    });
    setIoBackend(this.io);
    this.clusters = new ClusterManagerImpl({ role: 'main', ...(options.dnsLookup === undefined ? {} : { dnsLookup: options.dnsLookup }) });
    this.context = this.makeContext(this.clusters, options.upstreamTransportSocket ?? unknownExtension);
  }

  /** Adds a cluster given as YAML (or JSON). */
  addCluster(yaml: string): ReturnType<ClusterManagerImpl['addCluster']> {
    return this.clusters.addCluster(parseMessage<Cluster>('envoy.config.cluster.v3.Cluster', yaml), this.context);
  }

  /** Value of a counter or gauge by its full name (an untouched cell holds −0). */
  stat(name: string): number {
    const scope = this.stats.root();
    for (const definition of this.definitions) {
      if (definition.type !== 'block' || !name.startsWith(definition.prefix)) continue;
      const schema = this.schemaOf(definition.schema);
      const member = name.slice(definition.prefix.length);
      const block = scope.scope(definition.prefix.slice(0, -1)).block(schema);
      if (schema.counters.includes(member)) return block.counter(member).value + 0;
      if (schema.gauges.includes(member)) return block.gauge(member).value + 0;
    }
    const known = this.definitions.find((each) => each.type === 'stat' && each.name === name);
    if (known === undefined || known.type !== 'stat') throw new Error(`no stat ${name}`);
    return (known.kind === 'gauge' ? scope.gauge(name).value : scope.counter(name).value) + 0;
  }

  /** Moves time and runs what is due. */
  advance(ms: number): void {
    this.clock.set(this.clock.now() + ms);
    this.dispatcher.runTimers();
    this.dispatcher.runPosted();
  }

  /** Gives the thread back its real sockets. */
  dispose(): void {
    this.dispatcher.dispose();
    setIoBackend(null);
  }

  private schemaOf(id: string): Parameters<ReturnType<StatsStore['root']>['block']>[0] {
    const schema = findStatsSchema(id);
    if (schema === undefined) throw new Error(`no schema ${id}`);
    return schema;
  }

  private makeContext(clusterManager: ClusterManager, upstreamTransportSocket: FactoryContext['registry']['upstreamTransportSocket']): FactoryContext {
    const rootScope = this.stats.root();
    return {
      dispatcher: this.dispatcher,
      clusterManager,
      asyncClients: { forCluster: () => null },
      grpcClients: {
        getOrCreate: () => {
          throw new ConfigError('no gRPC clients in this test');
        },
      },
      runtime: new ThreadRuntime([]),
      loggers: { get: (name) => ({ name, enabled: () => false, log: () => {} }) },
      sharedCells: this.sharedCells,
      rootScope,
      listenerScope: rootScope,
      drainDecision: { drainClose: () => false, draining: false, closeIdle: false, addDrainListener: () => {}, removeDrainListener: () => {} },
      accessLogFiles: { open: () => ({ write: () => {} }) },
      localInfo: { nodeId: '', clusterName: '', zone: '' },
      validationOnly: false,
      messages: { unpack: (any: Any, path: string): Message => unpackValidated(any, path) },
      registry: {
        httpFilter: unknownExtension,
        perRouteHttpFilter: unknownExtension,
        networkFilter: unknownExtension,
        accessLog: unknownExtension,
        downstreamTransportSocket: unknownExtension,
        upstreamTransportSocket,
        find: (category, _any, name): ExtensionFactory => {
          throw new ConfigError(`known to Envoy, not in nuncio yet: ${category} ${name}`);
        },
      },
      listener: { name: '', direction: 'UNSPECIFIED', bufferLimit: 0 },
      serverHealth: { failed: false },
    };
  }
}

function unknownExtension(_any: Any | undefined, name: string): never {
  throw new ConfigError(`known to Envoy, not in nuncio yet: ${name}`);
}

/** Reads a message from YAML with all checks; ConfigErrors when it is wrong. */
export function parseMessage<T extends Message>(typeName: T['$typeName'], yaml: string): T {
  const result = loadResource({ typeName, text: yaml, file: 'test.yaml' });
  if (!result.ok) throw new ConfigErrors(result.errors);
  return expectMessage<T>(result.message, typeName);
}
