import { TCP_PROXY_CLUSTER } from '../../../../common/filter-state/factories.ts';
import { TextObject } from '../../../../common/filter-state/objects.ts';
import { setFilterState } from '../../../../common/filter-state/write.ts';
import type { Connection, ReadFilter, ReadFilterCallbacks } from '../../../../contract/network.ts';
import type { NetworkFilterStatus } from '../../../../contract/status.ts';
import { NETWORK_CONTINUE } from '../../../../contract/status.ts';

/** The SNI becomes the cluster of tcp_proxy. */
export class SniClusterFilter implements ReadFilter {
  private connection: Connection | null = null;

  initializeReadFilterCallbacks(callbacks: ReadFilterCallbacks): void {
    this.connection = callbacks.connection;
  }

  onNewConnection(): NetworkFilterStatus {
    const info = this.connection?.streamInfo;
    if (info !== undefined && info.requestedServerName !== '') {
      setFilterState(info, TCP_PROXY_CLUSTER, new TextObject(info.requestedServerName), false);
    }
    return NETWORK_CONTINUE;
  }

  onData(): NetworkFilterStatus {
    return NETWORK_CONTINUE;
  }
}
