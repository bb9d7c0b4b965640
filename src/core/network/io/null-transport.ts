import type { Address } from '../../../contract/address.ts';
import { UNNAMED_PIPE } from '../address.ts';
import type { Transport } from '../../../contract/transport.ts';
import { WRITE_DONE } from '../../../contract/transport.ts';

/** Stands where no socket could be had; the connection above it fails by itself. */
export class NullTransport implements Transport {
  readonly pendingBytes = 0;
  readonly ssl = null;
  readonly failureReason = '';

  setEvents(): void {}
  readStart(): void {}
  readStop(): void {}
  writeBatch(): number {
    return WRITE_DONE;
  }
  shutdown(): void {}
  close(): void {}
  reset(): void {}
  setNoDelay(): void {}
  setKeepAlive(): void {}
  localAddress(): Address {
    return UNNAMED_PIPE;
  }
  remoteAddress(): Address {
    return UNNAMED_PIPE;
  }
}
