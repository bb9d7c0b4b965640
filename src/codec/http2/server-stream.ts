import { bug } from '../../base/bug.ts';
import type { RequestDecoder, ResponseEncoder } from '../../contract/codec.ts';
import type { HeaderMap } from '../../contract/header-map.ts';
import { isUpgrade } from '../http1/connection-header.ts';
import { transformUpgradeResponseFromH1toH2 } from '../upgrade-translation.ts';
import { Http2Stream } from './stream.ts';
import type { StreamOwner } from './stream.ts';

/** A request that came in, and the encoder of its response. */
export class Http2ServerStream extends Http2Stream implements ResponseEncoder {
  decoder: RequestDecoder | null;
  readonly streamErrorOnInvalidHttpMessage: boolean;

  constructor(owner: StreamOwner, id: number, sendWindow: number, streamErrors: boolean) {
    super(owner, id, sendWindow);
    this.decoder = null;
    this.streamErrorOnInvalidHttpMessage = streamErrors;
  }

  get requestComplete(): boolean {
    return this.remoteEnded;
  }

  encode1xxHeaders(headers: HeaderMap): void {
    if (!this.isDone) this.pushHead(headers, false);
  }

  encodeHeaders(headers: HeaderMap, endStream: boolean): void {
    if (this.isDone) return;
    if (!headers.has(':status')) {
      bug('http2 response without :status');
      return;
    }
    this.pushHead(isUpgrade(headers) ? upgradeResponse(headers) : headers, endStream);
  }
}

/** The map itself goes on to access logs as it is. */
function upgradeResponse(headers: HeaderMap): HeaderMap {
  const translated = headers.clone();
  transformUpgradeResponseFromH1toH2(translated);
  return translated;
}
