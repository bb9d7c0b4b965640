import type { CodecConnection, ServerConnection, ServerConnectionCallbacks } from '../../contract/codec.ts';
import type { CodecError } from '../../contract/errors.ts';
import { PROTOCOL_HTTP2 } from '../../contract/stream-info.ts';
import type { Protocol } from '../../contract/stream-info.ts';
import type { Http2ConnectionControls, Http2ConnectionOptions } from './options.ts';
import type { Http2Settings } from './settings.ts';
import type { Http2CodecStats } from './stats.ts';

/** HTTP/2 as a server. (Signatures only: the bodies follow.) */
export class Http2ServerConnection implements ServerConnection, Http2ConnectionControls {
  readonly protocol: Protocol = PROTOCOL_HTTP2;
  lastReceivedTime = 0;
  activeStreams = 0;

  // eslint-disable-next-line @typescript-eslint/no-unused-vars
  constructor(_connection: CodecConnection, _callbacks: ServerConnectionCallbacks, _settings: Http2Settings, _stats: Http2CodecStats, _options: Http2ConnectionOptions) {}

  get wantsToWrite(): boolean {
    return false;
  }

  dispatch(_data: Buffer): CodecError | null {
    return null;
  }

  onConnectionClose(): void {}
  onUnderlyingConnectionAboveWriteBufferHighWatermark(): void {}
  onUnderlyingConnectionBelowWriteBufferLowWatermark(): void {}
  shutdownNotice(): void {}
  goAway(): void {}
  sendPing(_high: number, _low: number): void {}
  onOutputDrained(): void {}

  expireFlushes(_before: number): number {
    return NaN;
  }
}
