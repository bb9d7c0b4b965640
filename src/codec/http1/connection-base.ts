import { IN_RESPONSE_TRAILERS } from '../../base/header-names.ts';
import { latin1 } from '../../base/latin1.ts';
import type { CodecConnection, StreamResetReason } from '../../contract/codec.ts';
import type { CodecError } from '../../contract/errors.ts';
import type { HeaderMap } from '../../contract/header-map.ts';
import { PROTOCOL_HTTP10, PROTOCOL_HTTP11 } from '../../contract/stream-info.ts';
import type { Protocol } from '../../contract/stream-info.ts';
import { ChunkGatherer } from './chunk-gatherer.ts';
import type { BodySink } from './chunk-gatherer.ts';
import { CHUNK_BODY_END, CHUNK_DATA, CHUNK_END, CHUNK_MORE, CHUNK_TRAILERS_TOO_LONG, ChunkedDecoder } from './chunked-decoder.ts';
import { isUpgrade, removeConnectionTokens, removeIgnoredUpgrades } from './connection-header.ts';
import {
  DETAILS_CHUNKED_CONTENT_LENGTH,
  DETAILS_CODEC_ERROR,
  DETAILS_HEADERS_TOO_LARGE,
  DETAILS_INVALID_CHARACTERS,
  DETAILS_INVALID_TRANSFER_ENCODING,
  DETAILS_TOO_MANY_HEADERS,
  DETAILS_UNDERSCORE,
} from './details.ts';
import { EXACT_INVALID_CHARACTERS, EXACT_OK, EXACT_TOO_MANY, EXACT_UNDERSCORE, exactErrorText, parseExactFields } from './exact-head.ts';
import { addScannedFields, SCAN_INCOMPLETE, SCAN_UNUSUAL, scanFields } from './field-scanner.ts';
import { FIELD_OK, FIELD_TOO_MANY, HEAD_RESPONSE, HEAD_TRAILERS, LENGTH_NONE, MessageHead } from './message-head.ts';
import type { FieldResult, HeadKind } from './message-head.ts';
import { PartialHead } from './partial-head.ts';
import type { Http1Settings } from './settings.ts';
import type { Http1CodecStats } from './stats.ts';
import type { Http1StreamEncoder } from './stream-encoder.ts';


/** Between messages, or in the middle of a head. */
const STATE_HEAD = 0;
const STATE_LENGTH_BODY = 1;
const STATE_CHUNKED_BODY = 2;
const STATE_BODY_UNTIL_CLOSE = 3;
/** After an upgrade or CONNECT: all bytes are the stream's. */
const STATE_RAW = 4;
/** After an error: nothing is read any more. */
const STATE_DEAD = 5;
type State = 0 | 1 | 2 | 3 | 4 | 5;

/** How a message's body is delimited. */
export const BODY_NONE = 0;
export const BODY_LENGTH = 1;
export const BODY_CHUNKED = 2;
export const BODY_UNTIL_CLOSE = 3;
export const BODY_RAW = 4;
export type BodyKind = 0 | 1 | 2 | 3 | 4;

const CR = 13;
const LF = 10;
/** `H`: nothing else may begin a response, not even an empty line. */
const FIRST_RESPONSE_BYTE = 0x48;
const EMPTY: Buffer = Buffer.alloc(0);

/**
 * What both roles share: cuts the input into heads and bodies. The roles say what a head means (`onFirstLine`, `onHead`) and where body
 * bytes go.
 *
 * A head that comes whole in one piece is parsed where it lies. Otherwise its bytes are copied until it is complete, at most
 * `maxHeadBytes`; so the events never depend on how the input was cut.
 *
 * Longer than other files, for it is one state machine: its states share what they know of the message.
 */
export abstract class Http1Connection implements BodySink {
  readonly connection: CodecConnection;
  readonly settings: Http1Settings;
  readonly bufferLimit: number;
  protocol: Protocol;
  aboveHighWatermark: boolean;
  readonly stats: Http1CodecStats;
  protected readonly head: MessageHead;
  protected error: CodecError | null;
  private readonly kind: HeadKind;
  private state: State;
  private remaining: number;
  private messageBegun: boolean;
  private readonly chunks: ChunkedDecoder;
  private readonly trailerHead: MessageHead;
  private readonly partial: PartialHead;
  private readonly gatherer: ChunkGatherer;

  constructor(connection: CodecConnection, settings: Http1Settings, stats: Http1CodecStats, kind: HeadKind, bufferLimit: number) {
    this.connection = connection;
    this.settings = settings;
    this.bufferLimit = bufferLimit;
    this.protocol = PROTOCOL_HTTP11;
    this.aboveHighWatermark = false;
    this.stats = stats;
    this.head = new MessageHead(settings);
    this.error = null;
    this.kind = kind;
    this.state = STATE_HEAD;
    this.remaining = 0;
    this.messageBegun = false;
    this.chunks = new ChunkedDecoder(settings.maxHeadBytes);
    this.trailerHead = new MessageHead(settings, kind === HEAD_RESPONSE ? IN_RESPONSE_TRAILERS : 0);
    this.partial = new PartialHead(settings.maxHeadBytes);
    this.gatherer = new ChunkGatherer(this);
  }

  /** First byte of a message; `available` bytes from it on are here already. False = stop (an error was reported). */
  protected abstract onMessageBegin(available: number): boolean;
  /** Reads a first line in full into `head`; returns what is wrong or an empty text. */
  protected abstract readFirstLine(line: string): string;
  /** The quick way for a first line: the index behind it, or -1. Fills `head`. */
  protected abstract scanFirstLine(data: Buffer, start: number, end: number): number;
  /** Takes the text of a quick first line over into `head`. */
  protected abstract takeFirstLine(text: string, base: number): void;
  /** The head is complete. Returns how the body is delimited, or -1 after `fail`. */
  protected abstract onHead(): BodyKind | -1;
  abstract onBody(data: Buffer, endStream: boolean): void;
  /** The message ended with its head or with a piece of body that did not say so. */
  protected abstract onMessageEnd(): void;
  protected abstract onTrailers(trailers: HeaderMap): void;
  /** Whether input must wait (a complete request is unanswered). */
  protected abstract get isPaused(): boolean;
  /** Tells the stream (and a client) of an error before it is returned. */
  protected abstract reportError(status: number, details: string): void;
  protected abstract currentEncoder(): Http1StreamEncoder | null;

  /** Reads `data` up to its end, an error or a pause; returns how many bytes were read. */
  protected consume(data: Buffer): number {
    const end = data.length;
    let pos = 0;
    while (pos < end && !this.isPaused) {
      switch (this.state) {
        case STATE_HEAD:
          pos = this.readHead(data, pos, end);
          break;
        case STATE_LENGTH_BODY:
          pos = this.readLengthBody(data, pos, end);
          break;
        case STATE_CHUNKED_BODY:
          pos = this.readChunkedBody(data, pos, end);
          break;
        case STATE_DEAD:
          return end;
        default:
          this.onBody(pos === 0 ? data : data.subarray(pos), false);
          return end;
      }
    }
    return pos;
  }

  /** Records an error, tells the stream, and reads nothing any more. Returns -1 for `onHead`. */
  protected fail(status: number, details: string, message: string): -1 {
    if (this.error !== null) return -1;
    // As Envoy: body that came in the same piece as the error is not handed on.
    this.gatherer.clear();
    this.state = STATE_DEAD;
    this.error = { kind: 'codec', message, details, status };
    this.reportError(status, details);
    return -1;
  }

  /** Reads nothing any more, without an error: the stream was reset, the connection is about to close. */
  protected swallow(): void {
    this.state = STATE_DEAD;
  }

  /** Like `fail` without a word to the stream. */
  protected die(error: CodecError): void {
    this.state = STATE_DEAD;
    this.error = error;
  }

  protected get isRaw(): boolean {
    return this.state === STATE_RAW;
  }

  protected get isDead(): boolean {
    return this.state === STATE_DEAD;
  }

  /** Whether a body ends with the connection. */
  protected get isUntilClose(): boolean {
    return this.state === STATE_BODY_UNTIL_CLOSE;
  }

  /** In the middle of a message. */
  protected get isMidMessage(): boolean {
    return this.messageBegun;
  }

  protected endMessage(): void {
    this.messageBegun = false;
    if (this.state !== STATE_DEAD) this.state = STATE_HEAD;
  }

  private readHead(data: Buffer, pos: number, end: number): number {
    if (!this.messageBegun) {
      this.messageBegun = true;
      this.head.begin(this.kind);
      this.protocol = PROTOCOL_HTTP11;
      if (!this.onMessageBegin(end - pos)) return end;
      if (this.kind === HEAD_RESPONSE && data[pos] !== FIRST_RESPONSE_BYTE) {
        this.fail(0, DETAILS_CODEC_ERROR, 'http/1.1 protocol error: HPE_INVALID_CONSTANT');
        return end;
      }
    }
    if (this.partial.length === 0) {
      const next = this.readWholeHead(data, pos, end);
      if (next >= 0) return next;
    }
    return this.readPartialHead(data, pos, end);
  }

  /** The quick way: a usual head that lies whole in the input. -1 when it is not that; nothing has happened then. */
  private readWholeHead(data: Buffer, pos: number, end: number): number {
    const fieldsAt = this.scanFirstLine(data, pos, end);
    if (fieldsAt < 0) return -1;
    const next = scanFields(data, fieldsAt, end);
    if (next === SCAN_INCOMPLETE || next === SCAN_UNUSUAL || next - pos > this.settings.maxHeadBytes) return -1;
    const text = latin1(data, pos, next);
    this.takeFirstLine(text, pos);
    if (this.finishFields(addScannedFields(data, text, pos, this.head))) this.beginBody();
    return next;
  }

  /** The other way: copies bytes until the head is complete, and judges its first line as soon as that is. */
  private readPartialHead(data: Buffer, from: number, end: number): number {
    let pos = from;
    if (this.partial.length === 0) {
      while (pos < end && (data[pos] === CR || data[pos] === LF)) pos++;
      if (pos === end) return end;
      if (data[pos] <= 0x20) {
        this.fail(400, DETAILS_CODEC_ERROR, 'http/1.1 protocol error: NO_REQUEST_LINE_IN_REQUEST');
        return end;
      }
    }
    const before = this.partial.length;
    const take = this.partial.add(data, pos, end);
    const headEnd = this.findHeadEnd();
    if (this.error !== null) return end;
    if (headEnd < 0) {
      if (!this.partial.isFull) return pos + take;
      this.fail(431, DETAILS_HEADERS_TOO_LARGE, 'http/1.1 protocol error: headers size exceeds limit');
      return end;
    }
    if (this.parsePartial(headEnd)) this.beginBody();
    return pos + headEnd - before;
  }

  /** Index behind the empty line in the kept bytes, or -1. Reads the first line when it comes by. */
  private findHeadEnd(): number {
    const partial = this.partial;
    const end = partial.findFirstLine();
    if (end > 0) {
      const wrong = this.readFirstLine(latin1(partial.bytes, 0, end - 1));
      if (wrong !== '') {
        this.fail(400, DETAILS_CODEC_ERROR, 'http/1.1 protocol error: ' + wrong);
        return -1;
      }
      if (this.head.isVersionless) return end;
    }
    return partial.findEmptyLine();
  }

  /** Reads the fields of a head that was kept; its first line is in `head` already. */
  private parsePartial(headEnd: number): boolean {
    const { bytes, firstLineEnd } = this.partial;
    const text = latin1(bytes, 0, headEnd);
    this.partial.clear();
    if (scanFields(bytes, firstLineEnd, headEnd) === headEnd && !hasBadFirstLine(text, firstLineEnd)) {
      return this.finishFields(addScannedFields(bytes, text, 0, this.head));
    }
    const result = parseExactFields(text, firstLineEnd, this.head);
    if (result === EXACT_TOO_MANY || result === EXACT_UNDERSCORE) return this.refuseFields(result === EXACT_TOO_MANY, 'headers');
    this.countDropped(this.head);
    if (result === EXACT_OK) return true;
    this.fail(
      400,
      result === EXACT_INVALID_CHARACTERS ? DETAILS_INVALID_CHARACTERS : DETAILS_CODEC_ERROR,
      'http/1.1 protocol error: ' + exactErrorText,
    );
    return false;
  }

  private finishFields(result: FieldResult): boolean {
    this.countDropped(this.head);
    return result === FIELD_OK ? true : this.refuseFields(result === FIELD_TOO_MANY, 'headers');
  }

  private countDropped(head: MessageHead): void {
    for (let i = head.droppedUnderscores; i > 0; i--) this.stats.droppedHeadersWithUnderscores.inc();
    head.droppedUnderscores = 0;
  }

  private refuseFields(tooMany: boolean, what: string): boolean {
    this.meterFields(what === 'headers' ? this.head : this.trailerHead);
    if (tooMany) {
      this.fail(431, DETAILS_TOO_MANY_HEADERS, `http/1.1 protocol error: ${what} count exceeds limit`);
      return false;
    }
    this.fail(400, DETAILS_UNDERSCORE, 'http/1.1 protocol error: header name contains underscores');
    this.stats.requestsRejectedWithUnderscoresInHeaders.inc();
    return false;
  }

  /** A head without fields counts three bytes, as Envoy's end of its last line does. */
  private meterFields(head: MessageHead): void {
    const encoder = this.currentEncoder();
    if (encoder !== null) encoder.bytesMeter.headerBytesReceived += head.fieldBytes === 0 ? 3 : head.fieldBytes;
  }

  /** The fields are read: checks that hold for both roles, then the role's own, then the body. */
  private beginBody(): void {
    this.meterFields(this.head);
    if (!this.head.isHttp11) this.protocol = PROTOCOL_HTTP10;
    const body = this.onHead();
    if (body === -1 || this.state === STATE_DEAD) return;
    if (body === BODY_LENGTH) {
      this.remaining = this.head.contentLength;
      this.state = STATE_LENGTH_BODY;
    } else if (body === BODY_CHUNKED) {
      this.chunks.begin();
      this.state = STATE_CHUNKED_BODY;
    } else if (body === BODY_UNTIL_CLOSE) this.state = STATE_BODY_UNTIL_CLOSE;
    else if (body === BODY_RAW) this.state = STATE_RAW;
    else {
      this.endMessage();
      this.onMessageEnd();
    }
  }

  /** Takes ignored protocols out of the head; true when it is still an upgrade. */
  protected settleUpgrade(): boolean {
    const headers = this.head.headers;
    if (!this.head.hasUpgrade || !isUpgrade(headers)) return false;
    if ((headers.get('upgrade') ?? '').toLowerCase() === 'h2c') {
      headers.remove('upgrade');
      removeConnectionTokens(headers, ['upgrade', 'http2-settings']);
      headers.remove('http2-settings');
    } else if (this.settings.ignoreUpgrade !== null) removeIgnoredUpgrades(headers, this.settings.ignoreUpgrade);
    return isUpgrade(headers);
  }

  /** Both framing headers, or a transfer coding that is not understood (RFC 9112 section 6.1). False after `fail`. */
  protected checkFraming(isConnect: boolean): boolean {
    const head = this.head;
    if (!head.hasTransferEncoding) return true;
    if (head.hasContentLength) {
      if (!head.isChunked || !this.settings.allowChunkedLength) {
        this.fail(
          400,
          DETAILS_CHUNKED_CONTENT_LENGTH,
          "http/1.1 protocol error: both 'Content-Length' and 'Transfer-Encoding' are set.",
        );
        return false;
      }
      head.headers.remove('content-length');
      head.hasContentLength = false;
      head.contentLength = LENGTH_NONE;
    }
    if ((head.headers.get('transfer-encoding') ?? '').toLowerCase() !== 'chunked' || isConnect) {
      this.fail(501, DETAILS_INVALID_TRANSFER_ENCODING, 'http/1.1 protocol error: unsupported transfer encoding');
      return false;
    }
    return true;
  }

  private readLengthBody(data: Buffer, pos: number, end: number): number {
    const take = Math.min(this.remaining, end - pos);
    this.remaining -= take;
    const piece = take === end && pos === 0 ? data : data.subarray(pos, pos + take);
    if (this.remaining > 0) this.onBody(piece, false);
    else {
      this.endMessage();
      this.onBody(piece, true);
    }
    return pos + take;
  }

  private readChunkedBody(data: Buffer, from: number, end: number): number {
    const chunks = this.chunks;
    let pos = from;
    while (pos < end && this.state === STATE_CHUNKED_BODY) {
      const event = chunks.next(data, pos, end);
      pos = chunks.position;
      if (event === CHUNK_DATA) this.gatherer.add(data, chunks.dataStart, chunks.dataEnd);
      else if (event === CHUNK_BODY_END) this.gatherer.flush();
      else if (event === CHUNK_END) {
        this.endChunked(chunks.trailerBytes);
        return pos;
      } else if (event === CHUNK_TRAILERS_TOO_LONG) {
        this.fail(431, DETAILS_HEADERS_TOO_LARGE, 'http/1.1 protocol error: trailers size exceeds limit');
      } else if (event !== CHUNK_MORE) this.fail(400, DETAILS_CODEC_ERROR, 'http/1.1 protocol error: ' + chunks.errorText);
    }
    if (this.error !== null) return end;
    this.gatherer.flush();
    return pos;
  }

  private endChunked(trailerBytes: Buffer | null): void {
    if (trailerBytes === null) {
      this.endMessage();
      this.onBody(EMPTY, true);
      return;
    }
    const head = this.trailerHead;
    head.begin(HEAD_TRAILERS);
    const result = parseExactFields(latin1(trailerBytes, 0, trailerBytes.length), 0, head);
    if (result !== EXACT_OK && (this.settings.enableTrailers || (result !== EXACT_TOO_MANY && result !== EXACT_UNDERSCORE))) {
      if (result === EXACT_TOO_MANY || result === EXACT_UNDERSCORE) this.refuseFields(result === EXACT_TOO_MANY, 'trailers');
      else {
        const details = result === EXACT_INVALID_CHARACTERS ? DETAILS_INVALID_CHARACTERS : DETAILS_CODEC_ERROR;
        this.fail(400, details, 'http/1.1 protocol error: ' + exactErrorText);
      }
      return;
    }
    if (!this.settings.enableTrailers) head.droppedUnderscores = 0;
    this.countDropped(head);
    if (this.settings.enableTrailers) this.meterFields(head);
    this.endMessage();
    if (this.settings.enableTrailers) this.onTrailers(head.headers);
    else this.onBody(EMPTY, true);
  }

  onUnderlyingConnectionAboveWriteBufferHighWatermark(): void {
    if (this.aboveHighWatermark) return;
    this.aboveHighWatermark = true;
    this.currentEncoder()?.runHighWatermarkCallbacks();
  }

  onUnderlyingConnectionBelowWriteBufferLowWatermark(): void {
    if (!this.aboveHighWatermark) return;
    this.aboveHighWatermark = false;
    this.currentEncoder()?.runLowWatermarkCallbacks();
  }

  /** HTTP/1 has no such notice: the connection manager says `connection: close`. */
  shutdownNotice(): void {}
  goAway(): void {}

  abstract onStreamEncodeComplete(encoder: Http1StreamEncoder): void;
  abstract onStreamReset(encoder: Http1StreamEncoder, reason: StreamResetReason): void;
}

/** A control character in a first line, which only whole heads tell. */
function hasBadFirstLine(text: string, end: number): boolean {
  for (let i = 0; i < end; i++) {
    const c = text.charCodeAt(i);
    if (c < 0x20 ? c !== 0x09 && c !== 0x0a && c !== 0x0d : c === 0x7f) return true;
  }
  return false;
}
