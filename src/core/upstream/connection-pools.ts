import type { ResourcePriority } from '../../contract/route.ts';
import type { Dispatcher } from '../../contract/dispatcher.ts';
import type { ClusterInfoImpl } from './cluster-info.ts';
import type { UpstreamHost } from './host.ts';
import type { HttpPool } from './http-pool.ts';
import { Http1Pool } from './http1-pool.ts';
import { Http2Pool } from './http2-pool.ts';
import { TcpPool } from './tcp-pool.ts';

/** All pools of one thread to one host, made when first needed. */
export class ConnectionPools {
  private readonly host: UpstreamHost;
  private readonly cluster: ClusterInfoImpl;
  private readonly dispatcher: Dispatcher;
  /** By priority. */
  private readonly http1: (HttpPool | null)[];
  private readonly http2: (HttpPool | null)[];
  private readonly tcp: (TcpPool | null)[];

  constructor(host: UpstreamHost, cluster: ClusterInfoImpl, dispatcher: Dispatcher) {
    this.host = host;
    this.cluster = cluster;
    this.dispatcher = dispatcher;
    this.http1 = [null, null];
    this.http2 = [null, null];
    this.tcp = [null, null];
  }

  httpPool(priority: ResourcePriority, http2: boolean): HttpPool {
    const pools = http2 ? this.http2 : this.http1;
    return (pools[priority] ??= this.makeHttpPool(priority, http2));
  }

  private makeHttpPool(priority: ResourcePriority, http2: boolean): HttpPool {
    const options = { host: this.host, cluster: this.cluster, priority, dispatcher: this.dispatcher };
    return http2 ? new Http2Pool(options) : new Http1Pool(options);
  }

  tcpPool(priority: ResourcePriority): TcpPool {
    return (this.tcp[priority] ??= new TcpPool({ host: this.host, cluster: this.cluster, priority, dispatcher: this.dispatcher }));
  }

  /** The host or cluster is gone: what runs may finish. `done` is called when nothing is left. */
  drainAndDelete(done: () => void): void {
    const pools = this.all();
    let left = pools.length;
    if (left === 0) done();
    for (const pool of pools) {
      pool.drainAndDelete(() => {
        if (--left === 0) done();
      });
    }
  }

  /** The host is unhealthy: present connections take no new streams; those of TCP users are closed if `closeTcp`. */
  onHostFailure(closeTcp: boolean): void {
    for (const pool of [...this.http1, ...this.http2]) pool?.drainConnections();
    for (const pool of this.tcp) {
      if (closeTcp) pool?.closeConnections();
      else pool?.drainConnections();
    }
  }

  /** Ends everything now (the process stops). */
  closeConnections(): void {
    for (const pool of this.all()) pool.closeConnections();
  }

  private all(): (HttpPool | TcpPool)[] {
    return [...this.http1, ...this.http2, ...this.tcp].filter((pool) => pool !== null);
  }
}
