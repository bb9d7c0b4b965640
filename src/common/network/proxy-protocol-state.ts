import type { Address } from '../../contract/address.ts';
import type { FilterStateObject, StreamInfo } from '../../contract/stream-info.ts';

/** Filter state of a connection that came with a PROXY header, for whoever sends one on. */
export const PROXY_PROTOCOL_STATE = 'envoy.network.proxy_protocol_options';

/** What the header said, and the extensions that are to be passed on. */
export class ProxyProtocolState implements FilterStateObject {
  readonly version: 1 | 2;
  readonly source: Address;
  readonly destination: Address;
  readonly tlvs: readonly { readonly type: number; readonly value: Buffer }[];

  constructor(version: 1 | 2, source: Address, destination: Address, tlvs: ProxyProtocolState['tlvs']) {
    this.version = version;
    this.source = source;
    this.destination = destination;
    this.tlvs = tlvs;
  }

  filterStateText(): null {
    return null;
  }

  filterStateJson(): null {
    return null;
  }
}

/** Null when the connection came without a PROXY header. */
export function proxyProtocolState(streamInfo: StreamInfo): ProxyProtocolState | null {
  const state = streamInfo.filterState?.get(PROXY_PROTOCOL_STATE);
  return state instanceof ProxyProtocolState ? state : null;
}
