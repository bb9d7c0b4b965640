import type { RequestEncoder, ResponseDecoder } from '../../contract/codec.ts';
import type { HeaderMap } from '../../contract/header-map.ts';
import { isUpgrade } from '../http1/connection-header.ts';
import { checkRequest } from '../http1/request-encoder.ts';
import { transformUpgradeRequestFromH1toH2 } from '../upgrade-translation.ts';
import { Http2Stream } from './stream.ts';
import type { StreamOwner } from './stream.ts';

/** What a request asks of its connection besides the rest. */
export interface RequestOwner extends StreamOwner {
  /** Gives the stream its id. False when the connection takes no more: the stream is refused then. */
  assignId(stream: Http2ClientStream): boolean;
}

/** A request that goes out; its id comes with its headers. */
export class Http2ClientStream extends Http2Stream implements RequestEncoder {
  readonly decoder: ResponseDecoder;
  /** What the request upgrades to, in HTTP/1's words; empty = it does not. */
  upgradeType: string;
  isHead: boolean;
  isConnect: boolean;
  /** It counts as one of the peer's concurrent streams. */
  opened: boolean;
  private readonly requestOwner: RequestOwner;

  constructor(owner: RequestOwner, sendWindow: number, decoder: ResponseDecoder) {
    super(owner, 0, sendWindow);
    this.decoder = decoder;
    this.upgradeType = '';
    this.isHead = false;
    this.isConnect = false;
    this.opened = false;
    this.requestOwner = owner;
  }

  /** Nothing is different on the wire: DATA is what flows. */
  enableTcpTunneling(): void {}

  encodeHeaders(headers: HeaderMap, endStream: boolean): string | null {
    if (this.isDone || this.head !== null || this.codecStreamId !== 0) return null;
    const invalid = checkRequest(headers);
    if (invalid !== null) return invalid;
    if (!this.requestOwner.assignId(this)) return null;
    const method = headers.get(':method');
    this.isHead = method === 'HEAD';
    this.isConnect = method === 'CONNECT';
    let sent = headers;
    if (isUpgrade(headers)) {
      this.upgradeType = headers.get('upgrade') ?? '';
      this.isConnect = true;
      sent = headers.clone();
      transformUpgradeRequestFromH1toH2(sent);
    } else if (this.isConnect) {
      sent = headers.clone();
      sent.remove(':scheme');
      sent.remove(':path');
      sent.remove(':protocol');
    }
    this.pushHead(sent, endStream);
    return null;
  }
}
