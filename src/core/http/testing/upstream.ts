import { DEFAULT_HTTP1_CLIENT_SETTINGS, Http1ClientConnection, http1Settings } from '../../../codec/http1/index.ts';
import { RESET_PROTOCOL_ERROR } from '../../../contract/codec.ts';
import type { CodecConnection, RequestEncoder, ResponseDecoder } from '../../../contract/codec.ts';
import type { SharedCell } from '../../../contract/shared-cells.ts';
import type { Scope } from '../../../contract/stats.ts';
import { PROTOCOL_HTTP11 } from '../../../contract/stream-info.ts';
import type {
  Cancellable, ClusterInfo, ClusterManager, ClusterStats, Host, HostStats, HttpConnectionPool, HttpPoolCallbacks, LoadBalancerContext,
  PoolFailureReason, Resource, ResourceManager, ThreadLocalCluster,
} from '../../../contract/upstream.ts';
import type { ThreadDispatcher } from '../../dispatcher/dispatcher.ts';
import { ipAddress } from '../../network/address.ts';
import { MemoryConnection } from './connection.ts';

/** A cell of one thread. */
export class LocalCell implements SharedCell {
  private value = 0;

  load(): number {
    return this.value;
  }

  store(value: number): void {
    this.value = value;
  }

  add(amount: number): number {
    this.value += amount;
    return this.value;
  }

  hold(amount: number): number {
    return this.add(amount);
  }

  compareExchange(expected: number, value: number): boolean {
    if (this.value !== expected) return false;
    this.value = value;
    return true;
  }
}

export class TestResource implements Resource {
  max = 3;
  count = 0;

  canCreate(): boolean {
    return this.count < this.max;
  }

  inc(): void {
    this.count++;
  }

  dec(): void {
    this.count--;
  }
}

const CLIENT_SETTINGS = http1Settings({ enableTrailers: true }, DEFAULT_HTTP1_CLIENT_SETTINGS);
const CODEC_STATS = {
  droppedHeadersWithUnderscores: { inc: (): void => {} },
  metadataNotSupportedError: { inc: (): void => {} },
  requestsRejectedWithUnderscoresInHeaders: { inc: (): void => {} },
  responseFlood: { inc: (): void => {} },
};

/** Handles by Envoy's snake-case name of the camel-case member, made when asked for. */
function clusterStats(scope: Scope): ClusterStats {
  const own = {
    scope,
    chargeResponse: (prefix: string, status: number): void => {
      scope.counter(`${prefix}upstream_rq_completed`).inc();
      scope.counter(`${prefix}upstream_rq_${Math.floor(status / 100)}xx`).inc();
      scope.counter(`${prefix}upstream_rq_${status}`).inc();
    },
    chargeResponseTime: (prefix: string, ms: number): void => scope.histogram(`${prefix}upstream_rq_time`, 'milliseconds').record(ms),
  };
  // A test double for a struct of ninety counters: members are looked up by name.
  return new Proxy(own, {
    get: (target, name) =>
      name in target ? target[name as keyof typeof own] : scope.counter(String(name).replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`)),
  }) as unknown as ClusterStats;
}

/** One upstream connection that a test plays the origin on. */
export class TestUpstream {
  readonly connection: MemoryConnection;
  readonly codec: Http1ClientConnection;
  reset = false;
  encoder: RequestEncoder | null = null;

  constructor(dispatcher: ThreadDispatcher, id: number) {
    const connection = new MemoryConnection(dispatcher, id, '10.9.9.9');
    this.connection = connection;
    const seam: CodecConnection = {
      write: (data) => connection.write(data, false),
      readDisable: (disable) => connection.readDisable(disable),
      pendingWriteBytes: 0,
      resumeDispatch: () => {},
      endWrite: () => {},
      atTurnEnd: (task) => dispatcher.atTurnEnd(task),
    };
    this.codec = new Http1ClientConnection(seam, CLIENT_SETTINGS, CODEC_STATS, 1024 * 1024);
  }

  /** What the proxy sent since the last call. */
  take(): string {
    return this.connection.take();
  }

  respond(text: string): void {
    this.connection.dispatcher.runInTurn((bytes: Buffer) => {
      // What a codec client does with an error: the stream dies with the connection.
      if (this.codec.dispatch(bytes) !== null) this.encoder?.stream.resetStream(RESET_PROTOCOL_ERROR);
    }, Buffer.from(text, 'latin1'));
    this.connection.dispatcher.runPosted();
  }

  close(): void {
    this.connection.dispatcher.runInTurn(() => this.codec.onConnectionClose(), undefined);
  }
}

/** A stream that was asked for and waits for the test. */
class PendingStream implements Cancellable {
  readonly decoder: ResponseDecoder;
  readonly callbacks: HttpPoolCallbacks;
  cancelled = false;

  constructor(decoder: ResponseDecoder, callbacks: HttpPoolCallbacks) {
    this.decoder = decoder;
    this.callbacks = callbacks;
  }

  cancel(): void {
    this.cancelled = true;
  }
}

/** A cluster with one host, whose pool does what the test says. */
export class TestCluster implements ThreadLocalCluster, HttpConnectionPool {
  readonly info: ClusterInfo;
  readonly host: Host;
  readonly hosts: readonly Host[];
  readonly loadBalancer = { chooseHost: (): Host => this.host };
  readonly upstreams: TestUpstream[] = [];
  readonly pending: PendingStream[] = [];
  readonly retries = new TestResource();
  readonly hasActiveConnections = false;
  /** `now`: streams are there at once; `later`: the test calls `ready` or `fail`; `none`: no host may take a request. */
  mode: 'now' | 'later' | 'none' = 'now';
  /** Streams that fail at once, with this reason. */
  failures: PoolFailureReason[] = [];
  private readonly dispatcher: ThreadDispatcher;

  constructor(dispatcher: ThreadDispatcher, name: string, root: Scope, overrides: Partial<ClusterInfo> = {}) {
    this.dispatcher = dispatcher;
    const resources: ResourceManager = {
      connections: new TestResource(), pendingRequests: new TestResource(), requests: new TestResource(), retries: this.retries,
    };
    this.info = {
      name, observabilityName: name, stats: clusterStats(root.scope(`cluster.${name}`)), connectTimeout: 5_000,
      perConnectionBufferLimit: 1024 * 1024, idleTimeout: 0, maxConnectionDuration: 0, maxRequestsPerConnection: 0, maxStreamDuration: 0,
      maxResponseHeadersBytes: 81_920, maxResponseHeadersCount: 100, httpOptions: {}, resourceManager: () => resources, metadata: null,
      maintenanceMode: false, addedViaApi: false, ...overrides,
    };
    this.host = testHost(this.info);
    this.hosts = [this.host];
  }

  httpPool(_priority: number, _protocol: number, _context: LoadBalancerContext | null): HttpConnectionPool | null {
    return this.mode === 'none' ? null : this;
  }

  tcpPool(): null {
    return null;
  }

  newStream(decoder: ResponseDecoder, callbacks: HttpPoolCallbacks): Cancellable | null {
    const failure = this.failures.shift();
    if (failure !== undefined) {
      callbacks.onPoolFailure(failure, failure === 0 ? '' : 'delayed connect error: Connection refused', this.host);
      return null;
    }
    const pending = new PendingStream(decoder, callbacks);
    if (this.mode === 'now') {
      this.give(pending);
      return null;
    }
    this.pending.push(pending);
    return pending;
  }

  /** The oldest waiting stream gets its connection. */
  ready(): void {
    const pending = this.pending.shift();
    if (pending !== undefined && !pending.cancelled) this.dispatcher.runInTurn((each: PendingStream) => this.give(each), pending);
  }

  fail(reason: PoolFailureReason, text = ''): void {
    const pending = this.pending.shift();
    if (pending === undefined || pending.cancelled) return;
    this.dispatcher.runInTurn(() => pending.callbacks.onPoolFailure(reason, text, this.host), undefined);
  }

  private give(pending: PendingStream): void {
    const upstream = new TestUpstream(this.dispatcher, 100 + this.upstreams.length);
    this.upstreams.push(upstream);
    const encoder = upstream.codec.newStream(pending.decoder);
    upstream.encoder = encoder;
    encoder.stream.addCallbacks({
      onResetStream: () => {
        upstream.reset = true;
      },
      onAboveWriteBufferHighWatermark: () => {},
      onBelowWriteBufferLowWatermark: () => {},
    });
    pending.callbacks.onPoolReady(encoder, this.host, upstream.connection, PROTOCOL_HTTP11, 1);
  }

  /** The newest upstream connection. */
  get upstream(): TestUpstream {
    const last = this.upstreams.at(-1);
    if (last === undefined) throw new Error('no upstream connection was made');
    return last;
  }
}

function testHost(cluster: ClusterInfo): Host {
  const stats: HostStats = {
    cxActive: new LocalCell(), cxConnectFail: new LocalCell(), cxTotal: new LocalCell(), rqActive: new LocalCell(), rqError: new LocalCell(),
    rqSuccess: new LocalCell(), rqTimeout: new LocalCell(), rqTotal: new LocalCell(), rqPendingActive: new LocalCell(),
  };
  const address = ipAddress('10.9.9.9', 80);
  return {
    address, addresses: [address], hostname: 'origin.test', cluster, weight: 1, priority: 0, locality: { region: '', zone: '', subZone: '' },
    metadata: null, healthFlags: new LocalCell(), stats, canary: false,
  };
}

export class TestClusterManager implements ClusterManager {
  readonly clusters = new Map<string, TestCluster>();

  getThreadLocalCluster(name: string): ThreadLocalCluster | null {
    return this.clusters.get(name) ?? null;
  }

  get clusterNames(): readonly string[] {
    return [...this.clusters.keys()];
  }
}
