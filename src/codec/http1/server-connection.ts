import { reasonPhrase } from '../../base/http-status.ts';
import type {
  CodecConnection,
  RequestDecoder,
  ServerConnection,
  ServerConnectionCallbacks,
  StreamResetReason,
} from '../../contract/codec.ts';
import { RESET_CONNECTION_TERMINATION } from '../../contract/codec.ts';
import type { CodecError } from '../../contract/errors.ts';
import type { HeaderMap } from '../../contract/header-map.ts';
import { PROTOCOL_HTTP10 } from '../../contract/stream-info.ts';
import { BODY_CHUNKED, BODY_LENGTH, BODY_NONE, BODY_RAW, Http1Connection } from './connection-base.ts';
import type { BodyKind } from './connection-base.ts';
import { CONNECTION_NAMES_HOST, CONNECTION_REFUSED, sanitizeConnectionHeader } from './connection-header.ts';
import {
  DETAILS_BODY_DISALLOWED,
  DETAILS_CONNECTION_HEADER,
  DETAILS_HTTPS_IN_PLAINTEXT,
  DETAILS_INVALID_SCHEME,
  DETAILS_INVALID_URL,
} from './details.ts';
import { lineMethod, lineTargetEnd, lineTargetStart, readRequestLine, scanRequestLine } from './first-line.ts';
import { HEAD_REQUEST } from './message-head.ts';
import { isAuthorityValid, parseAbsoluteTarget } from './request-target.ts';
import { Http1ResponseEncoder } from './response-encoder.ts';
import type { Http1Settings } from './settings.ts';
import type { Http1CodecStats } from './stats.ts';
import type { Http1StreamEncoder } from './stream-encoder.ts';

/** Responses whose bytes the client has not taken: with this many no further pipelined request is read. */
const MAX_OUTBOUND_RESPONSES = 2;
/** Bytes of pipelined requests that are kept while one is unanswered; reading is paused, so only what was under way comes. */
const MAX_WAITING_BYTES = 1024 * 1024;

const NOTHING: Buffer = Buffer.alloc(0);

export interface ServerConnectionOptions {
  /** The connection is TLS: `https` request targets are allowed on it. Default false. */
  readonly isSecure?: boolean;
  /** Bytes of unsent output before streams are told to pause; for `Stream.bufferLimit`. */
  readonly bufferLimit?: number;
}

/** HTTP/1 as a server: requests in, responses out, one at a time. A third of the file is what a request head must pass, in Envoy's order. */
export class Http1ServerConnection extends Http1Connection implements ServerConnection {
  private readonly callbacks: ServerConnectionCallbacks;
  private readonly isSecure: boolean;
  private encoder: Http1ResponseEncoder | null;
  private decoder: RequestDecoder | null;
  private dispatching: boolean;
  /** Bytes behind a request that is not answered yet, and whether the connection is paused for them. */
  private waiting: Buffer;
  private pausedForWaiting: boolean;
  private outboundResponses: number;
  /** The head ended its request: decodeHeaders comes with the end of the message. */
  private headersDeferred: boolean;

  constructor(
    connection: CodecConnection,
    callbacks: ServerConnectionCallbacks,
    settings: Http1Settings,
    stats: Http1CodecStats,
    options: ServerConnectionOptions = {},
  ) {
    super(connection, settings, stats, HEAD_REQUEST, options.bufferLimit ?? 0);
    this.callbacks = callbacks;
    this.isSecure = options.isSecure ?? false;
    this.encoder = null;
    this.decoder = null;
    this.dispatching = false;
    this.waiting = NOTHING;
    this.pausedForWaiting = false;
    this.outboundResponses = 0;
    this.headersDeferred = false;
  }

  get wantsToWrite(): boolean {
    return this.encoder !== null && !this.encoder.requestComplete;
  }

  /** Feeds bytes; with none it reads on in what waited (see CodecConnection.resumeDispatch). */
  dispatch(data: Buffer): CodecError | null {
    if (this.isDead || this.dispatching) return null;
    if (this.isPaused) return this.keepWaiting(data, 0);
    if (this.encoder !== null) this.encoder.bytesMeter.wireBytesReceived += data.length;
    let input = data;
    if (this.waiting.length > 0) {
      input = data.length === 0 ? this.waiting : Buffer.concat([this.waiting, data]);
      this.waiting = NOTHING;
    }
    this.dispatching = true;
    const read = this.consume(input);
    this.dispatching = false;
    if (this.error !== null) return this.takeError();
    if (read < input.length) return this.keepWaiting(input, read);
    this.resumeReading();
    return null;
  }

  private takeError(): CodecError | null {
    const error = this.error;
    this.waiting = NOTHING;
    return error;
  }

  private keepWaiting(data: Buffer, from: number): CodecError | null {
    if (from < data.length) {
      const rest = data.subarray(from);
      if (this.waiting.length + rest.length > MAX_WAITING_BYTES) {
        this.die({ kind: 'flood', message: 'Too many pipelined bytes.', details: '', status: 0 });
        return this.takeError();
      }
      this.waiting = this.waiting.length === 0 ? Buffer.from(rest) : Buffer.concat([this.waiting, rest]);
    }
    if (!this.pausedForWaiting && this.waiting.length > 0) {
      this.pausedForWaiting = true;
      this.connection.readDisable(true);
    }
    return null;
  }

  private resumeReading(): void {
    if (!this.pausedForWaiting) return;
    this.pausedForWaiting = false;
    this.connection.readDisable(false);
  }

  protected get isPaused(): boolean {
    return this.encoder !== null && this.encoder.requestComplete;
  }

  protected currentEncoder(): Http1StreamEncoder | null {
    return this.encoder;
  }

  protected onMessageBegin(available: number): boolean {
    this.headersDeferred = false;
    const encoder = new Http1ResponseEncoder(this);
    // As Envoy: bytes behind the request count for it too when they came with it.
    encoder.bytesMeter.wireBytesReceived = available;
    this.encoder = encoder;
    this.decoder = this.callbacks.newStream(encoder);
    if (this.outboundResponses > 0 && this.connection.pendingWriteBytes === 0) this.outboundResponses = 0;
    if (this.outboundResponses < MAX_OUTBOUND_RESPONSES) return true;
    this.stats.responseFlood.inc();
    this.die({ kind: 'flood', message: 'Too many responses queued.', details: '', status: 0 });
    return false;
  }

  protected readFirstLine(line: string): string {
    return readRequestLine(line, this.head, this.settings.allowCustomMethods);
  }

  protected scanFirstLine(data: Buffer, start: number, end: number): number {
    return scanRequestLine(data, start, end);
  }

  protected takeFirstLine(text: string, base: number): void {
    const head = this.head;
    head.method = lineMethod;
    head.target = text.substring(lineTargetStart - base, lineTargetEnd - base);
    head.isHttp11 = true;
  }

  protected onHead(): BodyKind | -1 {
    const head = this.head;
    const encoder = this.encoder;
    if (encoder === null) return BODY_NONE;
    const isConnect = head.method === 'CONNECT';
    encoder.isHttp10 = this.protocol === PROTOCOL_HTTP10;
    const upgrade = this.settleUpgrade();
    if (isConnect && !this.checkConnectLength()) return -1;
    if (!this.checkFraming(isConnect)) return -1;
    if (!upgrade && !isConnect && head.hasConnection && !this.sanitizeConnection()) return -1;
    encoder.isResponseToHead = head.method === 'HEAD';
    encoder.isResponseToConnect = isConnect;
    if (!this.finishHead(isConnect)) return -1;
    if (upgrade || isConnect) {
      this.giveHeaders(false);
      return BODY_RAW;
    }
    if (head.isChunked) {
      this.giveHeaders(false);
      return BODY_CHUNKED;
    }
    if (head.contentLength > 0) {
      this.giveHeaders(false);
      return BODY_LENGTH;
    }
    this.headersDeferred = true;
    return BODY_NONE;
  }

  private sanitizeConnection(): boolean {
    const verdict = sanitizeConnectionHeader(this.head.headers);
    if (verdict === CONNECTION_REFUSED) {
      this.fail(400, DETAILS_CONNECTION_HEADER, 'Invalid nominated headers in Connection.');
      return false;
    }
    if (verdict === CONNECTION_NAMES_HOST) this.head.hasHost = false;
    return true;
  }

  private giveHeaders(endStream: boolean): void {
    this.decoder?.decodeHeaders(this.head.headers, endStream);
  }

  /** A body in a CONNECT request has no meaning (RFC 9110 section 9.3.6). */
  private checkConnectLength(): boolean {
    const head = this.head;
    if (!head.hasContentLength) return true;
    if (head.headers.get('content-length') !== '0') {
      this.fail(400, DETAILS_BODY_DISALLOWED, 'http/1.1 protocol error: unsupported content length');
      return false;
    }
    head.headers.remove('content-length');
    head.hasContentLength = false;
    return true;
  }

  /** Target, version, host: what `:path`, `:authority` and `:scheme` become. False after `fail`. */
  private finishHead(isConnect: boolean): boolean {
    const head = this.head;
    const target = head.target;
    const first = target.charCodeAt(0);
    let path: string | null = target;
    let scheme = '';
    if (isConnect || !(first === 0x2f || (first === 0x2a && head.method === 'OPTIONS') || !this.settings.allowAbsoluteUrl)) {
      const parts = parseAbsoluteTarget(target, isConnect);
      if (parts === null) {
        this.fail(400, DETAILS_INVALID_URL, 'http/1.1 protocol error: invalid url in request line');
        return false;
      }
      // RFC 9112 section 3.2.2: the Host header is ignored then.
      head.setAuthority(parts.authority);
      path = isConnect ? null : parts.path;
      if (!isConnect && !this.checkScheme((scheme = parts.scheme.toLowerCase()))) return false;
    }
    if (!head.isHttp11 && !this.checkVersion()) return false;
    const authority = head.hasHost ? head.headers.valueAt(0) : '';
    head.finishRequest(path);
    if (scheme !== '') head.headers.add(':scheme', scheme);
    if (isAuthorityValid(authority)) return true;
    this.fail(400, 'http.invalid_authority', 'http/1.1 protocol error: request headers failed spec compliance checks');
    return false;
  }

  private checkScheme(scheme: string): boolean {
    if (scheme !== 'http' && scheme !== 'https') {
      this.fail(400, DETAILS_INVALID_SCHEME, 'http/1.1 protocol error: invalid scheme');
      return false;
    }
    if (scheme === 'https' && this.settings.validateScheme && !this.isSecure) {
      this.fail(403, DETAILS_HTTPS_IN_PLAINTEXT, 'http/1.1 protocol error: https in the clear');
      return false;
    }
    return true;
  }

  private checkVersion(): boolean {
    if (!this.settings.acceptHttp10) {
      this.fail(426, 'low_version', 'Upgrade required for HTTP/1.0 or HTTP/0.9');
      return false;
    }
    if (!this.head.hasHost && this.settings.defaultHostForHttp10 !== '') this.head.setAuthority(this.settings.defaultHostForHttp10);
    return true;
  }

  onBody(data: Buffer, endStream: boolean): void {
    const encoder = this.encoder;
    if (encoder === null) return;
    if (endStream) encoder.requestComplete = true;
    this.decoder?.decodeData(data, endStream);
    if (endStream) this.settleStream(encoder);
  }

  protected onTrailers(trailers: HeaderMap): void {
    const encoder = this.encoder;
    if (encoder === null) return;
    encoder.requestComplete = true;
    this.decoder?.decodeTrailers(trailers);
    this.settleStream(encoder);
  }

  protected onMessageEnd(): void {
    const encoder = this.encoder;
    if (encoder === null || !this.headersDeferred) return;
    encoder.requestComplete = true;
    this.giveHeaders(true);
    this.settleStream(encoder);
  }

  protected reportError(status: number, details: string): void {
    const encoder = this.encoder;
    if (encoder === null) return;
    encoder.responseDetails = details;
    if (!encoder.startedResponse) this.decoder?.sendLocalReply(status, reasonPhrase(status), details);
  }

  onStreamEncodeComplete(encoder: Http1StreamEncoder): void {
    if (encoder !== this.encoder) return;
    this.outboundResponses++;
    // Answered before its request was complete: the connection manager closes; until then the stream can still be reset.
    if (!this.encoder.requestComplete) return;
    this.endStream();
    if (!this.dispatching && this.waiting.length > 0) this.connection.resumeDispatch();
  }

  /** A stream that was answered while its last piece was handed over may have ended before it was known to be complete. */
  private settleStream(encoder: Http1ResponseEncoder): void {
    if (encoder === this.encoder && encoder.encodeComplete) this.endStream();
  }

  private endStream(): void {
    const encoder = this.encoder;
    this.encoder = null;
    this.decoder = null;
    encoder?.finish();
  }

  onStreamReset(encoder: Http1StreamEncoder, reason: StreamResetReason): void {
    if (encoder !== this.encoder) return;
    this.swallow();
    this.encoder = null;
    this.decoder = null;
    encoder.runResetCallbacks(reason);
  }

  onConnectionClose(): void {
    this.waiting = NOTHING;
    this.pausedForWaiting = false;
    if (this.encoder !== null) this.onStreamReset(this.encoder, RESET_CONNECTION_TERMINATION);
  }
}
