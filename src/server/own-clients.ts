import type { FactoryContext } from '../contract/extension.ts';
import type { ClusterManager } from '../contract/upstream.ts';
import { ThreadGrpcClients } from '../core/grpc/grpc-clients.ts';
import type { GrpcClientServices } from '../core/grpc/grpc-clients.ts';
import { ThreadAsyncClients } from '../core/http/async-client.ts';

export interface ClientPair {
  readonly asyncClients: ThreadAsyncClients;
  readonly grpcClients: ThreadGrpcClients;
}

/** HTTP and gRPC clients of one thread, shared by everything that is built for the same clusters. */
export class OwnClients {
  private readonly byClusters = new Map<ClusterManager, ClientPair>();

  /** Those of `services.clusterManager`. For a dry run, ones that nobody else sees. */
  of(services: GrpcClientServices): ClientPair {
    if (services.validationOnly) return makeClients(services);
    let pair = this.byClusters.get(services.clusterManager);
    if (pair === undefined) this.byClusters.set(services.clusterManager, (pair = makeClients(services)));
    return pair;
  }

  /** The thread ends: what is under way is reset. */
  dispose(): void {
    for (const { asyncClients, grpcClients } of this.byClusters.values()) {
      asyncClients.closeAll();
      grpcClients.dispose();
    }
    this.byClusters.clear();
  }
}

function makeClients(services: GrpcClientServices): ClientPair {
  const { dispatcher, clusterManager, runtime, loggers, rootScope, localInfo } = services;
  const asyncClients = new ThreadAsyncClients({ dispatcher, clusterManager, runtime, loggers, rootScope, zone: localInfo.zone });
  return { asyncClients, grpcClients: new ThreadGrpcClients(services, asyncClients) };
}

/** A context with its clients. */
export function withClients(services: GrpcClientServices, clients: OwnClients): FactoryContext {
  return { ...services, ...clients.of(services) };
}
