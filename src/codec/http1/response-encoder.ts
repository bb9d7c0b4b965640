import type { ResponseEncoder } from '../../contract/codec.ts';
import type { HeaderMap } from '../../contract/header-map.ts';
import { isUpgrade } from './connection-header.ts';
import { CRLF, statusLine, writeField, writeFields } from './head-writer.ts';
import { Http1StreamEncoder } from './stream-encoder.ts';
import type { StreamOwner } from './stream-encoder.ts';

/** Answers one request on a server connection. */
export class Http1ResponseEncoder extends Http1StreamEncoder implements ResponseEncoder {
  readonly streamErrorOnInvalidHttpMessage: boolean;
  requestComplete: boolean;
  /** The request was HEAD: its response has no body whatever its headers say. */
  isResponseToHead: boolean;
  isResponseToConnect: boolean;
  /** The request came as HTTP/1.0 or older. */
  isHttp10: boolean;
  startedResponse: boolean;

  constructor(owner: StreamOwner) {
    super(owner);
    this.streamErrorOnInvalidHttpMessage = owner.settings.streamErrorOnInvalidHttpMessage;
    this.requestComplete = false;
    this.isResponseToHead = false;
    this.isResponseToConnect = false;
    this.isHttp10 = false;
    this.startedResponse = false;
  }

  encode1xxHeaders(headers: HeaderMap): void {
    this.encodeHeaders(headers, false);
    this.startedResponse = false;
    this.chunked = true;
  }

  encodeHeaders(headers: HeaderMap, endStream: boolean): void {
    if (this.isFinished || this.encodeComplete) return;
    this.startedResponse = true;
    const status = statusOf(headers);
    const formatter = headers.keyFormatter;
    const asHttp10 = this.isHttp10 && this.owner.settings.acceptHttp10;
    if (status >= 300) this.isResponseToConnect = false;
    const head = statusLine(status, asHttp10, formatter === null ? '' : formatter.reasonPhrase);
    const fields = writeFields(head, headers, this.owner.settings.headerKeyFormat, this.bytesMeter);
    this.writeHead(this.frame(fields, headers, status, endStream) + CRLF, endStream);
  }

  /** Decides how the body is delimited (RFC 9112 section 6) and adds the header that says so. */
  private frame(fields: string, headers: HeaderMap, status: number, endStream: boolean): string {
    const keyFormat = this.owner.settings.headerKeyFormat;
    if (headers.has('content-length') || status < 200 || status === 204 || status === 304) {
      this.chunked = false;
      return fields;
    }
    if (endStream && !this.isResponseToHead) {
      this.chunked = false;
      return writeField(fields, 'content-length', '0', headers, keyFormat, this.bytesMeter);
    }
    if (this.isHttp10) {
      this.chunked = false;
      return fields;
    }
    // No body in chunks after an upgrade, and none at all after HEAD; HEAD's header is informational.
    this.chunked = !this.isResponseToHead && !this.isResponseToConnect && !isUpgrade(headers);
    if (this.isResponseToConnect) return fields;
    return writeField(fields, 'transfer-encoding', 'chunked', headers, keyFormat, this.bytesMeter);
  }
}

function statusOf(headers: HeaderMap): number {
  const text = headers.get(':status');
  const status = text === undefined ? 0 : Number(text);
  return Number.isInteger(status) ? status : 0;
}
