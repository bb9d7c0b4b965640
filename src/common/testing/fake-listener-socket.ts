import type { Dispatcher } from '../../contract/dispatcher.ts';
import type { ListenerFilter, ListenerFilterCallbacks } from '../../contract/listener-filter.ts';
import { LISTENER_FILTER_CONTINUE } from '../../contract/listener-filter.ts';
import { PROTOCOL_NONE, StreamInfo } from '../../contract/stream-info.ts';
import { ipAddress } from './stream.ts';

export type ListenerFilterOutcome = 'waits' | 'continues' | 'closes';

/** An accepted socket with one listener filter, whose bytes a test chooses. */
export class FakeListenerSocket implements ListenerFilterCallbacks {
  readonly dispatcher: Dispatcher;
  readonly streamInfo: StreamInfo;
  transportProtocol: string;
  applicationProtocols: readonly string[];
  /** After onAccept. */
  readonly accepted: ListenerFilterOutcome;
  /** Bytes that the filter has consumed. */
  drained: number;
  private readonly filter: ListenerFilter;
  private closed: boolean;

  /** `transportProtocol`: what a filter before it has found. */
  constructor(filter: ListenerFilter, dispatcher: Dispatcher, transportProtocol = '') {
    this.dispatcher = dispatcher;
    this.streamInfo = new StreamInfo(PROTOCOL_NONE, 0, 0, ipAddress('192.0.2.9', 1_000), ipAddress('192.0.2.1', 80));
    this.transportProtocol = transportProtocol;
    this.applicationProtocols = [];
    this.drained = 0;
    this.filter = filter;
    this.closed = false;
    this.accepted = this.outcome(filter.onAccept(this));
  }

  /** How many bytes the filter would see. */
  get wants(): number {
    return this.filter.maxReadBytes;
  }

  /** All bytes so far, from the first; cut to what the filter wants, again while it wants more of them. */
  receive(bytes: Buffer): ListenerFilterOutcome {
    for (let seen = 0; ; ) {
      const size = Math.min(bytes.length, this.filter.maxReadBytes);
      if (size === seen) return 'waits';
      seen = size;
      const outcome = this.outcome(
        this.filter.onData({
          bytes: bytes.subarray(0, size),
          drain: (length) => {
            this.drained += length;
          },
        }),
      );
      if (outcome !== 'waits') return outcome;
    }
  }

  close(): void {
    this.closed = true;
  }

  continueFilterChain(): void {}

  private outcome(status: number): ListenerFilterOutcome {
    if (this.closed) return 'closes';
    return status === LISTENER_FILTER_CONTINUE ? 'continues' : 'waits';
  }
}
