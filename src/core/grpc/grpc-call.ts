import { encodeGrpcFrame, GRPC_DECODE_OK, GRPC_DECODE_TOO_LARGE, grpcFrameHeader, GrpcFrameDecoder } from '../../codec/grpc/index.ts';
import type { GrpcMessageSink } from '../../codec/grpc/index.ts';
import {
  GRPC_INTERNAL, GRPC_NO_STATUS, GRPC_RESOURCE_EXHAUSTED, GRPC_UNAVAILABLE, GRPC_UNKNOWN, grpcStatusIn, httpToGrpcStatus,
} from '../../common/grpc/status.ts';
import type { Timer } from '../../base/timer-wheel.ts';
import type { AsyncClient, AsyncStream, AsyncStreamCallbacks, AsyncStreamOptions, AsyncWatermarkCallbacks } from '../../contract/async-client.ts';
import type { Dispatcher } from '../../contract/dispatcher.ts';
import { HeaderMap } from '../../contract/header-map.ts';
import type { StreamInfo } from '../../contract/stream-info.ts';
import { responseStatus } from '../http/local-reply.ts';

/** Messages up to this length are copied behind their frame header; longer ones go out as they are. */
const COPY_LIMIT = 16_384;
/** Of a message that a server may send where the service sets no limit: what a process can hold at all. */
const HARD_MESSAGE_LIMIT = 1_024 * 1_024 * 1_024;
const NO_BYTES = new Uint8Array(0);
const NO_MISTAKE = -2;

/** What belongs to every call of a client. */
export interface GrpcCallSettings {
  readonly dispatcher: Dispatcher;
  /** Bytes; 0 = no limit of the service's own. */
  readonly maxReceiveMessageLength: number;
  /** Hears how each call ended; null = nobody asks. */
  readonly onClosed: ((status: number) => void) | null;
}

/**
 * One gRPC call over an asynchronous HTTP stream: frames messages, understands every way in which a server can end a call, and reduces
 * them to one `closed(status, message)`. Subclasses make a stream or a unary call of it.
 */
export abstract class GrpcCall implements AsyncStreamCallbacks, GrpcMessageSink {
  protected readonly settings: GrpcCallSettings;
  private stream: AsyncStream | null;
  private readonly decoder: GrpcFrameDecoder;
  /** No callback comes any more. */
  private over: boolean;
  /** The HTTP stream has ended by itself: there is nothing to reset. */
  private httpOver: boolean;
  private silent: boolean;
  private mistake: number;
  private closeTimer: Timer | null;

  constructor(settings: GrpcCallSettings) {
    this.settings = settings;
    this.stream = null;
    const limit = settings.maxReceiveMessageLength;
    this.decoder = new GrpcFrameDecoder(limit === 0 ? HARD_MESSAGE_LIMIT : limit);
    this.over = false;
    this.httpOver = false;
    this.silent = false;
    this.mistake = NO_MISTAKE;
    this.closeTimer = null;
  }

  protected abstract initialMetadata(metadata: HeaderMap): void;
  /** False = the message is not what it should be. */
  protected abstract message(message: Buffer): boolean;
  protected abstract trailingMetadata(metadata: HeaderMap): void;
  protected abstract closed(status: number, message: string): void;

  get finished(): boolean {
    return this.over;
  }

  /** There is no cluster to call. */
  refuse(): void {
    this.notifyClose(GRPC_UNAVAILABLE, 'Cluster not available');
    this.over = true;
  }

  /** Opens the HTTP stream and sends `headers`. The call may be over when this returns. */
  open(client: AsyncClient, headers: HeaderMap, options: AsyncStreamOptions): void {
    this.stream = client.start(this, options);
    this.stream.sendHeaders(headers, false);
  }

  get streamInfo(): StreamInfo | null {
    return this.stream?.streamInfo ?? null;
  }

  sendMessage(message: Uint8Array, endStream: boolean): void {
    if (this.over || this.stream === null) return;
    if (message.length <= COPY_LIMIT) {
      this.stream.sendData(encodeGrpcFrame(message), endStream);
      return;
    }
    this.stream.sendData(grpcFrameHeader(message.length, 0), false);
    this.stream.sendData(message, endStream);
  }

  closeStream(): void {
    if (!this.over) this.stream?.sendData(NO_BYTES, true);
  }

  resetStream(): void {
    this.end();
  }

  waitForRemoteCloseAndDelete(timeoutMs = 1_000): void {
    if (this.over || this.silent) return;
    this.silent = true;
    this.stream?.setWatermarkCallbacks(null);
    this.closeTimer = this.settings.dispatcher.createTimer(() => this.end());
    this.closeTimer.enable(timeoutMs);
  }

  get isAboveWriteBufferHighWatermark(): boolean {
    return this.stream?.isAboveWriteBufferHighWatermark ?? false;
  }

  setWatermarkCallbacks(callbacks: AsyncWatermarkCallbacks | null): void {
    if (!this.over) this.stream?.setWatermarkCallbacks(callbacks);
  }

  readDisable(disable: boolean): void {
    if (!this.over) this.stream?.readDisable(disable);
  }

  /** Ends the call from this side with a status of its own (a deadline). */
  protected fail(status: number, message: string): void {
    this.streamError(status, message);
  }

  // From the HTTP stream.

  onHeaders(headers: HeaderMap, endStream: boolean): void {
    if (this.over) return;
    const http = responseStatus(headers);
    if (endStream && (http === 200 || grpcStatusIn(headers) !== GRPC_NO_STATUS)) {
      // Trailers only. `grpc-status` counts before what the HTTP status would mean.
      if (!this.silent) this.initialMetadata(new HeaderMap());
      this.onTrailers(headers);
    } else if (http !== 200) {
      if (!this.silent) this.initialMetadata(new HeaderMap());
      this.streamError(httpToGrpcStatus(http), '');
    } else if (!this.silent) this.initialMetadata(headers);
  }

  onData(data: Buffer, endStream: boolean): void {
    if (this.over) return;
    const result = this.decoder.decode(data, this);
    if (this.over) return;
    if (this.mistake !== NO_MISTAKE) this.streamError(this.mistake, '');
    else if (result === GRPC_DECODE_TOO_LARGE) this.streamError(GRPC_RESOURCE_EXHAUSTED, '');
    else if (result !== GRPC_DECODE_OK) this.streamError(GRPC_INTERNAL, '');
    // A response must end with trailers.
    else if (endStream) this.streamError(GRPC_UNKNOWN, '');
  }

  /** From the decoder. */
  onMessage(flags: number, data: Buffer): void {
    const wrong = data.length > 0 && flags !== 0;
    if (!wrong && (this.silent || this.message(data))) return;
    if (!this.over) this.mistake = GRPC_INTERNAL;
    this.decoder.close();
  }

  onTrailers(trailers: HeaderMap): void {
    if (this.over) return;
    const status = grpcStatusIn(trailers);
    const message = trailers.get('grpc-message') ?? '';
    if (!this.silent) this.trailingMetadata(trailers);
    if (this.over) return;
    this.notifyClose(status === GRPC_NO_STATUS ? GRPC_UNKNOWN : status, message);
    this.end();
  }

  onComplete(): void {
    this.httpOver = true;
  }

  onReset(): void {
    this.httpOver = true;
    if (!this.over) this.streamError(GRPC_INTERNAL, '');
  }

  private streamError(status: number, message: string): void {
    // A callback just before may have ended the call.
    if (this.over) return;
    if (!this.silent) this.trailingMetadata(new HeaderMap());
    if (this.over) return;
    this.notifyClose(status, message);
    this.end();
  }

  private notifyClose(status: number, message: string): void {
    if (this.over) return;
    // The subclass may start anew from its callback: by then this call is over.
    const details = this.stream?.streamInfo.responseCodeDetails ?? '';
    this.settings.onClosed?.(status);
    const silent = this.silent;
    this.end();
    if (!silent) this.closed(status, enhanced(message, details));
  }

  /** No callback comes any more; what is left of the HTTP stream is reset. */
  protected end(): void {
    if (this.over) return;
    this.over = true;
    this.closeTimer?.disable();
    this.decoder.close();
    if (!this.httpOver) this.stream?.reset();
  }
}

/** Envoy's: the response code details stand behind the message, or in its place. */
function enhanced(message: string, details: string): string {
  if (message === '') return details;
  return details === '' ? message : `${message}{${details}}`;
}
