import type { ResourcePriority } from '../../contract/route.ts';
import type { Dispatcher } from '../../contract/dispatcher.ts';
import type { ClusterInfoImpl } from './cluster-info.ts';
import type { UpstreamHost } from './host.ts';
import { Http1Pool } from './http1-pool.ts';
import { TcpPool } from './tcp-pool.ts';

/** All pools of one thread to one host, made when first needed. */
export class ConnectionPools {
  private readonly host: UpstreamHost;
  private readonly cluster: ClusterInfoImpl;
  private readonly dispatcher: Dispatcher;
  private readonly http: (Http1Pool | null)[];
  private readonly tcp: (TcpPool | null)[];

  constructor(host: UpstreamHost, cluster: ClusterInfoImpl, dispatcher: Dispatcher) {
    this.host = host;
    this.cluster = cluster;
    this.dispatcher = dispatcher;
    this.http = [null, null];
    this.tcp = [null, null];
  }

  httpPool(priority: ResourcePriority): Http1Pool {
    return (this.http[priority] ??= new Http1Pool({ host: this.host, cluster: this.cluster, priority, dispatcher: this.dispatcher }));
  }

  tcpPool(priority: ResourcePriority): TcpPool {
    return (this.tcp[priority] ??= new TcpPool({ host: this.host, cluster: this.cluster, priority, dispatcher: this.dispatcher }));
  }

  /** The host or cluster is gone: what runs may finish. `done` is called when nothing is left. */
  drainAndDelete(done: () => void): void {
    const pools = [...this.http, ...this.tcp].filter((pool) => pool !== null);
    let left = pools.length;
    if (left === 0) done();
    for (const pool of pools) {
      pool.drainAndDelete(() => {
        if (--left === 0) done();
      });
    }
  }

  /** Ends everything now (the process stops). */
  closeConnections(): void {
    for (const pool of [...this.http, ...this.tcp]) pool?.closeConnections();
  }
}
