import assert from 'node:assert/strict';
import type { MemoryTransport } from '../network/io/memory-backend.ts';
import { TestThread } from '../upstream/test-support.ts';
import type { TestThreadOptions } from '../upstream/test-support.ts';
import type { UpstreamHost } from '../upstream/host.ts';

/** A cluster whose hosts are checked, on virtual time, with sockets in memory: the test plays the hosts. */
export class CheckedCluster {
  readonly thread: TestThread;
  ready = false;

  /** `check` is a HealthCheck without its required fields, or several; `extra` more of the cluster. */
  constructor(check: string | string[], options: { readonly extra?: string; readonly hosts?: readonly string[]; readonly common?: string; readonly thread?: TestThreadOptions } = {}) {
    this.thread = new TestThread(options.thread);
    const hosts = options.hosts ?? ['{address: {socket_address: {address: 192.0.2.1, port_value: 80}}}'];
    const common = options.common ?? 'timeout: 1s, interval: 10s, no_traffic_interval: 10s, unhealthy_threshold: 2, healthy_threshold: 2';
    this.thread.addCluster(
      `{name: a, type: STATIC, load_assignment: {cluster_name: a, endpoints: [{lb_endpoints: [${hosts.map((each) => `{endpoint: ${each}}`).join(', ')}]}]}, ` +
      `health_checks: [${(Array.isArray(check) ? check : [check]).map((each) => `{${common}, ${each}}`).join(', ')}]${options.extra ?? ''}}`,
    );
    this.thread.clusters.start(() => {
      this.ready = true;
    });
  }

  get host(): UpstreamHost {
    const host = this.thread.clusters.getThreadLocalCluster('a')?.hosts[0];
    assert.ok(host !== undefined);
    return host;
  }

  get flags(): number {
    return this.host.healthFlags.load();
  }

  /** Connections made so far. */
  get connects(): number {
    return this.thread.io.connects.length;
  }

  get socket(): MemoryTransport {
    return this.thread.io.last;
  }

  /** The newest connection is accepted, and what a check sends on it is returned. */
  accept(): string {
    this.socket.connected();
    return this.sent();
  }

  private seen = new WeakMap<MemoryTransport, number>();

  /** What was written on the newest connection since the last look. */
  sent(): string {
    const all = this.socket.written;
    const from = this.seen.get(this.socket) ?? 0;
    this.seen.set(this.socket, all.length);
    return all.slice(from);
  }

  stat(name: string): number {
    return this.thread.stat(`cluster.a.${name}`);
  }

  /** attempt, success, failure, network_failure, passive_failure; healthy. */
  get counts(): readonly number[] {
    return ['attempt', 'success', 'failure', 'network_failure', 'passive_failure', 'healthy'].map((name) => this.stat(`health_check.${name}`));
  }

  get membershipHealthy(): number {
    return this.stat('membership_healthy');
  }

  dispose(): void {
    this.thread.clusters.shutdown();
    assert.equal(this.thread.dispatcher.armedTimers, 0);
    this.thread.dispose();
  }
}
