import { FormatContext } from '../../../../common/format-context.ts';
import type { FilterStateSetter } from '../../../../common/filter-state/set-filter-state.ts';
import type { Connection, ReadFilter, ReadFilterCallbacks } from '../../../../contract/network.ts';
import type { NetworkFilterStatus } from '../../../../contract/status.ts';
import { NETWORK_CONTINUE } from '../../../../contract/status.ts';

/** Sets objects of filter state on a new connection. */
export class SetFilterStateFilter implements ReadFilter {
  private readonly setter: FilterStateSetter;
  private connection: Connection | null;

  constructor(setter: FilterStateSetter) {
    this.setter = setter;
    this.connection = null;
  }

  initializeReadFilterCallbacks(callbacks: ReadFilterCallbacks): void {
    this.connection = callbacks.connection;
  }

  onNewConnection(): NetworkFilterStatus {
    const { connection } = this;
    if (connection !== null) this.setter.update(new FormatContext(connection.streamInfo, connection.dispatcher.now(), null));
    return NETWORK_CONTINUE;
  }

  onData(): NetworkFilterStatus {
    return NETWORK_CONTINUE;
  }
}
