import type { Timer } from '../../base/timer-wheel.ts';
import type { GoogleGrpcTarget } from '../../common/google-grpc.ts';
import type { GrpcServiceConfig } from '../../common/grpc-service.ts';
import { GRPC_DEADLINE_EXCEEDED, GRPC_MAXIMUM_KNOWN, GRPC_UNKNOWN } from '../../common/grpc/status.ts';
import type { FactoryContext } from '../../contract/extension.ts';
import type { GrpcCallOptions, GrpcClient, GrpcRequest, GrpcRequestCallbacks, GrpcStream, GrpcStreamCallbacks } from '../../contract/grpc-client.ts';
import type { HeaderMap } from '../../contract/header-map.ts';
import type { Counter, Scope } from '../../contract/stats.ts';
import { ThreadAsyncClients } from '../http/async-client.ts';
import { LocalSharedCells } from '../shared-cells/shared-cells.ts';
import { StatsStore } from '../stats/store.ts';
import { ClusterManagerImpl } from '../upstream/cluster-manager.ts';
import { googleCluster } from './google-cluster.ts';
import type { GrpcCall, GrpcCallSettings } from './grpc-call.ts';
import { GrpcStreamCall, GrpcUnaryCall } from './grpc-calls.ts';
import { encodeBinaryMetadata, grpcRequestHeaders, metadataContext } from './request-headers.ts';

const NO_OPTIONS: GrpcCallOptions = Object.freeze({});
/** The only cluster of a channel's own manager. */
const CHANNEL = 'google_grpc';

/**
 * `google_grpc`: a channel of its own to the target, on this thread, with none of a cluster's statistics; as Envoy's, it counts
 * `grpc.<stat_prefix>.{google_grpc_client_creation,streams_total,streams_closed_<status>}`.
 */
export class GoogleGrpcClient implements GrpcClient {
  readonly destination: string;
  readonly configuredTimeout: number;
  private readonly config: GrpcServiceConfig;
  private readonly target: GoogleGrpcTarget;
  private readonly settings: GrpcCallSettings;
  private readonly clusters: ClusterManagerImpl;
  private readonly clients: ThreadAsyncClients;
  private readonly total: Counter;
  private readonly closed: readonly Counter[];

  constructor(config: GrpcServiceConfig, target: GoogleGrpcTarget, services: Omit<FactoryContext, 'asyncClients' | 'grpcClients'>, scope: Scope) {
    this.destination = target.targetUri;
    this.configuredTimeout = config.timeout;
    this.config = config;
    this.target = target;
    const { dispatcher } = services;
    this.settings = { dispatcher, maxReceiveMessageLength: target.maxReceiveMessageLength, onClosed: (status) => this.count(status) };
    const counts = scope.scope(`grpc.${target.statPrefix}`);
    counts.counter('google_grpc_client_creation').inc();
    this.total = counts.counter('streams_total');
    this.closed = Array.from({ length: GRPC_MAXIMUM_KNOWN + 1 }, (_, status) => counts.counter(`streams_closed_${status}`));
    // Numbers of the channel's cluster are its own affair.
    const rootScope = new StatsStore(() => {}).root();
    this.clusters = new ClusterManagerImpl({ role: 'main' });
    this.clients = new ThreadAsyncClients({
      dispatcher, rootScope, clusterManager: this.clusters, runtime: services.runtime, loggers: services.loggers, zone: '',
    });
    const context: FactoryContext = {
      ...services, rootScope, listenerScope: rootScope, sharedCells: new LocalSharedCells(), clusterManager: this.clusters,
      asyncClients: this.clients, grpcClients: { getOrCreate: () => this },
    };
    this.clusters.addCluster(googleCluster(CHANNEL, target), context);
    if (!services.validationOnly) this.clusters.start(() => {});
  }

  send(service: string, method: string, message: Uint8Array, callbacks: GrpcRequestCallbacks, options: GrpcCallOptions = NO_OPTIONS): GrpcRequest | null {
    const call = new UnaryCallWithDeadline(this.settings, callbacks);
    this.open(call, service, method, callbacks, options);
    call.sendMessage(message, true);
    if (call.finished) return null;
    call.startDeadline(options.timeout ?? 0);
    return call;
  }

  start(service: string, method: string, callbacks: GrpcStreamCallbacks, options: GrpcCallOptions = NO_OPTIONS): GrpcStream | null {
    const call = new StreamCallWithDeadline(this.settings, callbacks);
    this.open(call, service, method, callbacks, options);
    if (call.finished) return null;
    call.startDeadline(options.timeout ?? 0);
    return call;
  }

  /** Ends the channel and what runs on it. */
  dispose(): void {
    this.clients.closeAll();
    this.clusters.shutdown();
  }

  private open(
    call: GrpcCall, service: string, method: string, callbacks: { onCreateInitialMetadata?(metadata: HeaderMap): void }, options: GrpcCallOptions,
  ): void {
    this.total.inc();
    const client = this.clients.forCluster(CHANNEL);
    if (client === null) {
      call.refuse();
      return;
    }
    const headers = grpcRequestHeaders(this.target.authority, service, method, options.timeout ?? 0);
    headers.add('user-agent', this.target.userAgent);
    this.config.initialMetadata?.apply(headers, metadataContext(options, this.settings.dispatcher.now()));
    callbacks.onCreateInitialMetadata?.(headers);
    encodeBinaryMetadata(headers);
    call.open(client, headers, { sendXff: false, sendInternal: false, bufferLimit: options.bufferLimit ?? this.target.perStreamBufferLimit });
  }

  private count(status: number): void {
    const known = status >= 0 && status <= GRPC_MAXIMUM_KNOWN;
    this.closed[known ? status : GRPC_UNKNOWN].inc();
  }
}

/** gRPC's deadline runs from the start of the call and ends it with DEADLINE_EXCEEDED. */
class Deadline {
  private timer: Timer | null = null;

  start(settings: GrpcCallSettings, timeout: number, expire: () => void): void {
    if (timeout <= 0) return;
    this.timer = settings.dispatcher.createTimer(expire);
    this.timer.enable(timeout);
  }

  stop(): void {
    this.timer?.disable();
  }
}

class UnaryCallWithDeadline extends GrpcUnaryCall {
  private readonly deadline = new Deadline();

  startDeadline(timeout: number): void {
    this.deadline.start(this.settings, timeout, () => this.fail(GRPC_DEADLINE_EXCEEDED, 'Deadline Exceeded'));
  }

  protected override end(): void {
    this.deadline.stop();
    super.end();
  }
}

class StreamCallWithDeadline extends GrpcStreamCall {
  private readonly deadline = new Deadline();

  startDeadline(timeout: number): void {
    this.deadline.start(this.settings, timeout, () => this.fail(GRPC_DEADLINE_EXCEEDED, 'Deadline Exceeded'));
  }

  protected override end(): void {
    this.deadline.stop();
    super.end();
  }
}
