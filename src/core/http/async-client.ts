import type {
  AsyncClient, AsyncClients, AsyncOngoingRequest, AsyncRequest, AsyncRequestCallbacks, AsyncRequestMessage, AsyncRequestOptions,
  AsyncStream, AsyncStreamCallbacks, AsyncStreamOptions,
} from '../../contract/async-client.ts';
import type { Dispatcher } from '../../contract/dispatcher.ts';
import type { HeaderMap } from '../../contract/header-map.ts';
import type { Loggers } from '../../contract/logger.ts';
import type { Runtime } from '../../contract/runtime.ts';
import type { Scope } from '../../contract/stats.ts';
import type { ClusterInfo, ClusterManager } from '../../contract/upstream.ts';
import { RouterStats } from '../router/router-config.ts';
import type { RouterConfig } from '../router/router-config.ts';
import { TimerPool } from '../router/timer-pool.ts';
import { AsyncRequestImpl, AsyncWholeRequest } from './async-request.ts';
import type { AsyncStreamBase, AsyncStreamOwner } from './async-stream.ts';
import { AsyncStreamImpl } from './async-stream.ts';

/** Where the router counts requests of the proxy's own. */
export const ASYNC_CLIENT_SCOPE = 'http.async-client';
const RESPONSE_LIMIT_KEY = 'http.async_response_buffer_limit';
const DEFAULT_RESPONSE_LIMIT = 32 * 1_024 * 1_024;
const NO_OPTIONS: AsyncRequestOptions = Object.freeze({});

/** What the clients of a thread are made from. */
export interface AsyncClientServices {
  readonly dispatcher: Dispatcher;
  readonly clusterManager: ClusterManager;
  readonly runtime: Runtime;
  readonly loggers: Loggers;
  readonly rootScope: Scope;
  /** Zone of this proxy, or empty. */
  readonly zone: string;
}

/** The asynchronous HTTP clients of one thread. Costs next to nothing until the first request. */
export class ThreadAsyncClients implements AsyncClients {
  readonly services: AsyncClientServices;
  private readonly clients: Map<string, ClusterAsyncClient>;
  private readonly derived: WeakMap<RouterConfig, RouterConfig>;
  private own: RouterConfig | null;

  constructor(services: AsyncClientServices) {
    this.services = services;
    this.clients = new Map();
    this.derived = new WeakMap();
    this.own = null;
    services.clusterManager.onClusterRemoved?.((name) => this.closeCluster(name));
  }

  forCluster(name: string): AsyncClient | null {
    if (this.services.clusterManager.getThreadLocalCluster(name) === null) return null;
    const known = this.clients.get(name);
    if (known !== undefined) return known;
    const client = new ClusterAsyncClient(this, name);
    this.clients.set(name, client);
    return client;
  }

  /** Streams that are under way, for tests and leak checks. */
  get activeStreams(): number {
    let count = 0;
    for (const client of this.clients.values()) count += client.activeStreams;
    return count;
  }

  /** The cluster is gone, and its client with it: long streams would keep it for ever. */
  private closeCluster(name: string): void {
    const client = this.clients.get(name);
    this.clients.delete(name);
    client?.closeAll();
  }

  /** Resets every stream; their callers are told. */
  closeAll(): void {
    for (const client of this.clients.values()) client.closeAll();
  }

  /** The router's configuration for requests of the proxy's own, or a caller's with the statistics of these. */
  routerConfig(given: object | undefined): RouterConfig {
    const own = (this.own ??= this.ownConfig());
    if (given === undefined) return own;
    const config = given as RouterConfig;
    let derived = this.derived.get(config);
    if (derived === undefined) this.derived.set(config, (derived = { ...config, stats: own.stats }));
    return derived;
  }

  private ownConfig(): RouterConfig {
    const { dispatcher, clusterManager, runtime, loggers, rootScope, zone } = this.services;
    return Object.freeze({
      dispatcher, clusterManager, runtime, rootScope, zone,
      logger: loggers.get('router'),
      stats: new RouterStats(rootScope.scope(ASYNC_CLIENT_SCOPE)),
      timers: new TimerPool(dispatcher),
      asyncClients: this,
      dynamicStats: true,
      suppressEnvoyHeaders: false,
      respectExpectedRqTimeout: false,
      suppressGrpcRequestFailureCodeStats: false,
      strictCheckHeaders: [],
      upstreamLogs: [],
      flushUpstreamLogOnUpstreamStream: false,
      upstreamLogFlushInterval: 0,
      rejectEarlyConnectData: false, upstreamHalfClose: false,
    });
  }
}

/** The client of one cluster on one thread. */
class ClusterAsyncClient implements AsyncClient, AsyncStreamOwner {
  readonly clusterName: string;
  readonly dispatcher: Dispatcher;
  private readonly thread: ThreadAsyncClients;
  private readonly streams: Set<AsyncStreamBase>;

  constructor(thread: ThreadAsyncClients, clusterName: string) {
    this.clusterName = clusterName;
    this.dispatcher = thread.services.dispatcher;
    this.thread = thread;
    this.streams = new Set();
  }

  send(request: AsyncRequestMessage, callbacks: AsyncRequestCallbacks, options: AsyncRequestOptions = NO_OPTIONS): AsyncRequest | null {
    const made = new AsyncWholeRequest(this, request, callbacks, options, this.responseLimit(options));
    made.start();
    return made.done ? null : made;
  }

  startRequest(headers: HeaderMap, callbacks: AsyncRequestCallbacks, options: AsyncRequestOptions = NO_OPTIONS): AsyncOngoingRequest | null {
    const made = new AsyncRequestImpl(this, callbacks, options, this.responseLimit(options));
    made.sendHeaders(headers, false);
    return made.done ? null : made;
  }

  start(callbacks: AsyncStreamCallbacks, options: AsyncStreamOptions = NO_OPTIONS): AsyncStream {
    return new AsyncStreamImpl(this, callbacks, options);
  }

  routerConfig(given: object | undefined): RouterConfig {
    return this.thread.routerConfig(given);
  }

  clusterInfo(): ClusterInfo | null {
    return this.thread.services.clusterManager.getThreadLocalCluster(this.clusterName)?.info ?? null;
  }

  add(stream: AsyncStreamBase): void {
    this.streams.add(stream);
  }

  remove(stream: AsyncStreamBase): void {
    this.streams.delete(stream);
  }

  get activeStreams(): number {
    return this.streams.size;
  }

  closeAll(): void {
    for (const stream of [...this.streams]) stream.abandon();
  }

  private responseLimit(options: AsyncRequestOptions): number {
    return options.responseBufferLimit ?? this.thread.services.runtime.snapshot().getInteger(RESPONSE_LIMIT_KEY, DEFAULT_RESPONSE_LIMIT);
  }
}
