import type { GrpcService } from '#api/envoy/config/core/v3/grpc_service_pb.js';
import { readGrpcService } from '../../common/grpc-service.ts';
import type { EnvoyGrpcTarget } from '../../common/grpc-service.ts';
// Not config/index.ts: a worker needs no YAML reader.
import { messageHash } from '../../config/message-hash.ts';
import type { AsyncClients } from '../../contract/async-client.ts';
import { ConfigError } from '../../contract/errors.ts';
import type { FactoryContext } from '../../contract/extension.ts';
import type { GrpcClient, GrpcClients } from '../../contract/grpc-client.ts';
import type { Scope } from '../../contract/stats.ts';
import { EnvoyGrpcClient } from './envoy-client.ts';
import { GoogleGrpcClient } from './google-client.ts';

/** What clients are made from; the rest of a FactoryContext that a cluster of google_grpc needs. */
export type GrpcClientServices = Omit<FactoryContext, 'asyncClients' | 'grpcClients'>;

/** Services kept for those who ask for the same again; the one asked for longest ago goes first. */
const MAX_CACHED = 256;

/** The gRPC clients of one thread. */
export class ThreadGrpcClients implements GrpcClients {
  private readonly services: GrpcClientServices;
  private readonly asyncClients: AsyncClients;
  private readonly cache: Map<string, GrpcClient>;
  private readonly google: Set<GoogleGrpcClient>;

  constructor(services: GrpcClientServices, asyncClients: AsyncClients) {
    this.services = services;
    this.asyncClients = asyncClients;
    this.cache = new Map();
    this.google = new Set();
  }

  getOrCreate(service: GrpcService, scope: Scope, skipClusterCheck = false): GrpcClient {
    const key = `${messageHash(service)}|${scope.prefix}`;
    const known = this.cache.get(key);
    if (known !== undefined) {
      if (!skipClusterCheck && service.targetSpecifier.case === 'envoyGrpc') this.checkCluster(service.targetSpecifier.value.clusterName);
      this.cache.delete(key);
      this.cache.set(key, known);
      return known;
    }
    const client = this.create(service, scope, skipClusterCheck);
    this.cache.set(key, client);
    if (this.cache.size > MAX_CACHED) for (const oldest of this.cache.keys()) {
      this.cache.delete(oldest);
      break;
    }
    return client;
  }

  /** Ends the channels of google_grpc; the thread ends. */
  dispose(): void {
    this.cache.clear();
    for (const client of this.google) client.dispose();
    this.google.clear();
  }

  private create(service: GrpcService, scope: Scope, skipClusterCheck: boolean): GrpcClient {
    const config = readGrpcService(service);
    const { target } = config;
    if (target.kind === 'google') {
      const client = new GoogleGrpcClient(config, target, this.services, scope);
      this.google.add(client);
      return client;
    }
    if (!skipClusterCheck) this.checkCluster(target.clusterName);
    return this.envoyClient(config, target);
  }

  private envoyClient(config: ReturnType<typeof readGrpcService>, target: EnvoyGrpcTarget): GrpcClient {
    return new EnvoyGrpcClient(config, target, this.asyncClients, this.services.dispatcher);
  }

  /** A service that the process depends on must not hang on a cluster that a control plane may take away. */
  private checkCluster(name: string): void {
    const cluster = this.services.clusterManager.getThreadLocalCluster(name);
    if (cluster === null) throw new ConfigError(`Unknown gRPC client cluster '${name}'`, { path: 'envoy_grpc.cluster_name' });
    if (cluster.info.addedViaApi) throw new ConfigError(`gRPC client cluster '${name}' is not static`, { path: 'envoy_grpc.cluster_name' });
  }
}
