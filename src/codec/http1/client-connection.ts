import { latin1 } from '../../base/latin1.ts';
import type { ClientConnection, CodecConnection, RequestEncoder, ResponseDecoder, StreamResetReason } from '../../contract/codec.ts';
import { RESET_CONNECTION_TERMINATION, RESET_HTTP1_PREMATURE_UPSTREAM_HALF_CLOSE, RESET_PROTOCOL_ERROR } from '../../contract/codec.ts';
import type { CodecError } from '../../contract/errors.ts';
import type { HeaderMap } from '../../contract/header-map.ts';
import { bug } from '../../base/bug.ts';
import { BODY_CHUNKED, BODY_LENGTH, BODY_NONE, BODY_RAW, BODY_UNTIL_CLOSE, Http1Connection } from './connection-base.ts';
import type { BodyKind } from './connection-base.ts';
import {
  DETAILS_CODEC_ERROR,
  DETAILS_CONTENT_LENGTH_NOT_ALLOWED,
  DETAILS_TRANSFER_ENCODING_NOT_ALLOWED,
} from './details.ts';
import { lineStatus, readStatusLine, scanStatusLine } from './first-line.ts';
import { HEAD_RESPONSE } from './message-head.ts';
import { Http1RequestEncoder } from './request-encoder.ts';
import { http1Settings, UNDERSCORES_ALLOW } from './settings.ts';
import type { Http1Settings } from './settings.ts';
import type { Http1CodecStats } from './stats.ts';
import type { Http1StreamEncoder } from './stream-encoder.ts';

const EMPTY: Buffer = Buffer.alloc(0);

/** Informational responses to one request before it counts as an attack; Envoy has no limit. */
const MAX_INFORMATIONAL_RESPONSES = 1000;

/** Texts of `:status`, so that equal codes are one string. */
const statusTexts: readonly string[] = Array.from({ length: 1000 }, (_, code) => String(code));

/** HTTP/1 as a client: one request out, its response in, then the next. */
export class Http1ClientConnection extends Http1Connection implements ClientConnection {
  private encoder: Http1RequestEncoder | null;
  /** The response was handed over in full: what comes now is too much. */
  private responseDone: boolean;
  private informational: boolean;
  private informationalCount: number;
  private headersDeferred: boolean;

  constructor(connection: CodecConnection, settings: Http1Settings, stats: Http1CodecStats, bufferLimit = 0) {
    super(connection, allowUnderscores(settings), stats, HEAD_RESPONSE, bufferLimit);
    this.encoder = null;
    this.responseDone = true;
    this.informational = false;
    this.informationalCount = 0;
    this.headersDeferred = false;
  }

  get wantsToWrite(): boolean {
    return this.encoder !== null;
  }

  newStream(decoder: ResponseDecoder): RequestEncoder {
    if (this.encoder !== null || this.isDead) bug('http1 client: newStream on a busy connection');
    const encoder = new Http1RequestEncoder(this, decoder);
    this.encoder = encoder;
    this.responseDone = false;
    this.informational = false;
    this.informationalCount = 0;
    this.headersDeferred = false;
    return encoder;
  }

  endWrite(): void {
    this.connection.endWrite();
  }

  /** Feeds bytes; an empty buffer says that the peer has closed (see onConnectionClose). */
  dispatch(data: Buffer): CodecError | null {
    if (this.isDead) return null;
    if (data.length === 0) return this.endOfInput();
    const encoder = this.encoder;
    if (encoder === null) return this.refuseUnsolicited(data);
    encoder.bytesMeter.wireBytesReceived += data.length;
    const read = this.consume(data);
    if (this.error !== null) return this.error;
    if (read < data.length && !this.isDead) {
      // Whatever follows a response is a response to nothing: the next request must not get it.
      this.die(protocolError('extraneous data after response complete', DETAILS_CODEC_ERROR));
      return this.error;
    }
    return null;
  }

  /**
   * Bytes on an idle connection: it is poisoned and must close. A 408 is a server's way to say goodbye, not an error (`goaway`).
   */
  private refuseUnsolicited(data: Buffer): CodecError {
    const isTimeout = /^HTTP\/1\.[01] 408/.test(latin1(data, 0, Math.min(data.length, 16)));
    const error: CodecError = {
      kind: isTimeout ? 'goaway' : 'codec',
      message: 'http/1.1 protocol error: response before a request',
      details: DETAILS_CODEC_ERROR,
      status: 0,
    };
    this.die(error);
    return error;
  }

  private endOfInput(): CodecError | null {
    const encoder = this.encoder;
    if (encoder === null || !this.isMidMessage) return null;
    if (this.isUntilClose) {
      this.endMessage();
      this.onBody(EMPTY, true);
      return null;
    }
    // A tunnel that ends is no error.
    if (this.isRaw) return null;
    this.fail(0, DETAILS_CODEC_ERROR, 'http/1.1 protocol error: HPE_INVALID_EOF_STATE');
    return this.error;
  }

  protected get isPaused(): boolean {
    return this.responseDone;
  }

  protected currentEncoder(): Http1StreamEncoder | null {
    return this.encoder;
  }

  protected onMessageBegin(): boolean {
    return true;
  }

  protected readFirstLine(line: string): string {
    return readStatusLine(line, this.head);
  }

  protected scanFirstLine(data: Buffer, start: number, end: number): number {
    return scanStatusLine(data, start, end);
  }

  protected takeFirstLine(text: string, _base: number): void {
    const head = this.head;
    head.status = lineStatus;
    head.isHttp11 = true;
    if (head.formatter !== null && head.forwardReasonPhrase) head.formatter.reasonPhrase = text.slice(13, text.indexOf('\r', 13)).trim();
  }

  protected onHead(): BodyKind | -1 {
    const head = this.head;
    const encoder = this.encoder;
    if (encoder === null) return BODY_NONE;
    const upgraded = encoder.isUpgradeRequest && this.settleUpgrade() && head.status === 101;
    if (!this.checkFraming(false)) return -1;
    const status = head.status;
    head.finishResponse(statusTexts[status] ?? String(status));
    const tunnel = upgraded || (encoder.isConnect && status >= 200 && status < 300);
    if ((status < 200 || status === 204) && !this.checkBodiless()) return -1;
    if (status >= 100 && status < 200 && status !== 101) return this.onInformational(encoder, status);
    if (tunnel) {
      encoder.decoder.decodeHeaders(head.headers, false);
      return BODY_RAW;
    }
    return this.bodyOf(encoder, status);
  }

  /** How the response's body is delimited (RFC 9112 section 6.3). */
  private bodyOf(encoder: Http1RequestEncoder, status: number): BodyKind {
    const head = this.head;
    const length = head.contentLength;
    if (encoder.isHead || status < 200 || status === 204 || status === 304 || (length === 0 && !head.isChunked)) {
      this.headersDeferred = true;
      return BODY_NONE;
    }
    encoder.decoder.decodeHeaders(head.headers, false);
    if (head.isChunked) return BODY_CHUNKED;
    return length > 0 ? BODY_LENGTH : BODY_UNTIL_CLOSE;
  }

  /** 1xx and 204 have no body, and no framing headers but `content-length: 0`, which is taken out. */
  private checkBodiless(): boolean {
    const head = this.head;
    if (head.hasTransferEncoding) {
      this.fail(0, DETAILS_TRANSFER_ENCODING_NOT_ALLOWED, 'http/1.1 protocol error: transfer encoding not allowed in 1xx or 204');
      return false;
    }
    if (!head.hasContentLength) return true;
    if (head.headers.get('content-length') !== '0') {
      this.fail(0, DETAILS_CONTENT_LENGTH_NOT_ALLOWED, 'http/1.1 protocol error: content length not allowed in 1xx or 204');
      return false;
    }
    head.headers.remove('content-length');
    return true;
  }

  private onInformational(encoder: Http1RequestEncoder, status: number): BodyKind | -1 {
    if (++this.informationalCount > MAX_INFORMATIONAL_RESPONSES) {
      return this.fail(0, DETAILS_CODEC_ERROR, 'http/1.1 protocol error: too many informational responses');
    }
    this.informational = true;
    if (status <= 104) encoder.decoder.decode1xxHeaders(this.head.headers);
    return BODY_NONE;
  }

  onBody(data: Buffer, endStream: boolean): void {
    const encoder = this.encoder;
    if (encoder === null || this.responseDone) return;
    if (endStream) this.responseDone = true;
    encoder.decoder.decodeData(data, endStream);
    if (endStream) this.endResponse(encoder);
  }

  protected onTrailers(trailers: HeaderMap): void {
    const encoder = this.encoder;
    if (encoder === null) return;
    this.responseDone = true;
    encoder.decoder.decodeTrailers(trailers);
    this.endResponse(encoder);
  }

  protected onMessageEnd(): void {
    const encoder = this.encoder;
    if (this.informational) {
      this.informational = false;
      return;
    }
    if (encoder === null || !this.headersDeferred) return;
    this.headersDeferred = false;
    this.responseDone = true;
    encoder.decoder.decodeHeaders(this.head.headers, true);
    this.endResponse(encoder);
  }

  /** The response is over. One that came before its request was complete resets the stream: the connection cannot be used again. */
  private endResponse(encoder: Http1RequestEncoder): void {
    if (this.encoder !== encoder) return;
    this.encoder = null;
    if (encoder.encodeComplete) encoder.finish();
    else encoder.runResetCallbacks(RESET_HTTP1_PREMATURE_UPSTREAM_HALF_CLOSE);
  }

  protected reportError(_status: number, details: string): void {
    if (this.encoder !== null) this.encoder.responseDetails = details;
  }

  onStreamEncodeComplete(_encoder: Http1StreamEncoder): void {}

  onStreamReset(encoder: Http1StreamEncoder, reason: StreamResetReason): void {
    if (encoder !== this.encoder || this.responseDone) return;
    this.encoder = null;
    this.responseDone = true;
    // What still comes was for this stream, and is no fault of the peer's.
    this.swallow();
    encoder.runResetCallbacks(reason);
  }

  /**
   * The connection is gone. A response that is delimited by the close is complete; one that is cut off is an error of the peer's
   * (returned, and its stream reset with PROTOCOL_ERROR); one that did not begin resets with CONNECTION_TERMINATION.
   */
  onConnectionClose(): CodecError | null {
    const error = this.isDead ? null : this.endOfInput();
    const encoder = this.encoder;
    if (encoder !== null) this.onStreamReset(encoder, this.isDead ? RESET_PROTOCOL_ERROR : RESET_CONNECTION_TERMINATION);
    return error;
  }
}

/** What an upstream names its headers is not judged. */
function allowUnderscores(settings: Http1Settings): Http1Settings {
  return settings.headersWithUnderscoresAction === UNDERSCORES_ALLOW ? settings : http1Settings({ headersWithUnderscoresAction: UNDERSCORES_ALLOW }, settings);
}

function protocolError(message: string, details: string): CodecError {
  return { kind: 'codec', message: 'http/1.1 protocol error: ' + message, details, status: 0 };
}
