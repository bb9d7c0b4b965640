import type { Stream, StreamCallbacks, StreamResetReason } from '../../contract/codec.ts';
import { RESET_OVERLOAD_MANAGER } from '../../contract/codec.ts';
import type { HeaderMap } from '../../contract/header-map.ts';
import { BytesMeter } from '../../contract/stream-info.ts';
import type { MetadataMap } from './metadata.ts';
import type { ReceiveWindow } from './receive-window.ts';
import { SendBuffer } from './send-buffer.ts';

/** What a stream asks of its connection. */
export interface StreamOwner {
  readonly bufferLimit: number;
  readonly isServer: boolean;
  /** The stream has heads, window or a reset to send. */
  queueStream(stream: Http2Stream): void;
  /** The stream has body, trailers or its end to send. */
  queueData(stream: Http2Stream): void;
  /** Bytes that were withheld from the peer's window are consumed now. */
  onStreamConsumed(stream: Http2Stream, bytes: number): void;
  /** Takes the stream out, telling nobody. */
  forgetStream(stream: Http2Stream): void;
  resetCode(reason: StreamResetReason, endSent: boolean): number;
  /** Sends what is encoded now instead of at the end of the turn, unless a dispatch is under way. */
  flushEarly(): void;
  /** METADATA, if this connection may send it. */
  sendMetadata(stream: Http2Stream, metadata: MetadataMap): void;
}

/** No RST_STREAM is asked for. */
export const NO_RESET = -1;

/**
 * One stream of either role: send buffer, encoder and contract Stream in one object. What is encoded waits here until the connection's
 * flush at the end of its dispatch, or of the turn.
 */
export abstract class Http2Stream extends SendBuffer implements Stream {
  codecStreamId: number;
  readonly bytesMeter: BytesMeter;
  responseDetails: string;
  /** Heads to be sent: the next one, and those after it (informational ones come before the final one). */
  head: HeaderMap | null;
  moreHeads: HeaderMap[] | null;
  trailers: HeaderMap | null;
  /** The final head has END_STREAM on it. */
  headEnds: boolean;
  /** The final head was written. */
  headSent: boolean;
  /** This side's message is encoded in full, and written in full. */
  localEnded: boolean;
  endSent: boolean;
  /** The peer's message came in full. */
  remoteEnded: boolean;
  remoteReset: boolean;
  /** The peer's first (final) head came. */
  headReceived: boolean;
  /** A 1xx response came before it. */
  interimReceived: boolean;
  /** It is out of the connection's list: nothing is sent or called any more. */
  closed: boolean;
  /** Code of an RST_STREAM that waits to be sent; what comes for the stream is ignored. */
  resetToSend: number;
  /** The reset is to be sent behind what is encoded, as far as that can go now. */
  resetDeferred: boolean;
  /** The peer's message was malformed and only the stream shall end. */
  messagingError: boolean;
  /** Membership in the connection's lists. */
  inQueue: boolean;
  inDataQueue: boolean;
  /** What we may send. */
  sendWindow: number;
  /** What the peer may send; null until it sends. */
  window: ReceiveWindow | null;
  /** WINDOW_UPDATE increment that waits to be sent. */
  credit: number;
  /** Bytes received while reading was disabled. */
  unconsumed: number;
  /** Declared length of the peer's body or -1, and how much of it came. */
  contentLength: number;
  receivedLength: number;
  /** Bytes that the gauge `pending_send_bytes` shows for this stream. */
  shownPending: number;
  protected readonly owner: StreamOwner;
  private firstListener: StreamCallbacks | null;
  private secondListener: StreamCallbacks | null;
  private otherListeners: StreamCallbacks[] | null;
  private readDisables: number;
  private resetTold: boolean;
  private aboveHigh: boolean;
  /** How often listeners were told to pause and not to go on. */
  private highCalls: number;

  constructor(owner: StreamOwner, id: number, sendWindow: number) {
    super();
    this.codecStreamId = id;
    this.bytesMeter = new BytesMeter();
    this.responseDetails = '';
    this.head = null;
    this.moreHeads = null;
    this.trailers = null;
    this.headEnds = false;
    this.headSent = false;
    this.localEnded = false;
    this.endSent = false;
    this.remoteEnded = false;
    this.remoteReset = false;
    this.headReceived = false;
    this.interimReceived = false;
    this.closed = false;
    this.resetToSend = NO_RESET;
    this.resetDeferred = false;
    this.messagingError = false;
    this.inQueue = false;
    this.inDataQueue = false;
    this.sendWindow = sendWindow;
    this.window = null;
    this.credit = 0;
    this.unconsumed = 0;
    this.contentLength = -1;
    this.receivedLength = 0;
    this.shownPending = 0;
    this.owner = owner;
    this.firstListener = null;
    this.secondListener = null;
    this.otherListeners = null;
    this.readDisables = 0;
    this.resetTold = false;
    this.aboveHigh = false;
    this.highCalls = 0;
  }

  get stream(): Stream {
    return this;
  }

  get bufferLimit(): number {
    return this.owner.bufferLimit;
  }

  get encodePending(): boolean {
    return this.localEnded && !this.endSent && !this.closed && !this.resetTold;
  }

  /** Whether it can take no more output. */
  protected get isDone(): boolean {
    return this.closed || this.localEnded || this.resetTold || this.resetToSend !== NO_RESET;
  }

  /** It ends with an RST_STREAM that does not wait for what is encoded: what comes for it is ignored. */
  get isClosing(): boolean {
    return this.resetToSend !== NO_RESET && !this.resetDeferred;
  }

  get isResetTold(): boolean {
    return this.resetTold;
  }

  get isReadDisabled(): boolean {
    return this.readDisables > 0;
  }

  /** Whether anything of the body, or the end, waits to be sent. */
  get hasOutput(): boolean {
    return this.pendingBytes > 0 || (this.localEnded && !this.endSent && !this.headEnds);
  }

  /** Whether anything encoded was not looked at yet. */
  private get hasEncoded(): boolean {
    return this.head !== null || (this.pendingBytes > 0 && this.inDataQueue);
  }

  /** The first cause stays. */
  setDetails(details: string): void {
    if (this.responseDetails === '') this.responseDetails = details;
  }

  addCallbacks(callbacks: StreamCallbacks): void {
    if (this.closed || this.resetTold) return;
    if (this.firstListener === null) this.firstListener = callbacks;
    else if (this.secondListener === null) this.secondListener = callbacks;
    else (this.otherListeners ??= []).push(callbacks);
    for (let i = 0; i < this.highCalls; i++) callbacks.onAboveWriteBufferHighWatermark();
  }

  removeCallbacks(callbacks: StreamCallbacks): void {
    if (this.firstListener === callbacks) this.firstListener = null;
    else if (this.secondListener === callbacks) this.secondListener = null;
    else if (this.otherListeners !== null) this.otherListeners = this.otherListeners.filter((each) => each !== callbacks);
  }

  resetStream(reason: StreamResetReason): void {
    if (this.closed || this.resetTold) return;
    // What is encoded is on its way at Envoy by now, and in the meters that the listeners look at.
    if (this.owner.isServer && this.hasEncoded) this.owner.flushEarly();
    if (this.closed || this.resetTold) return;
    // What was encoded in this turn would be on its way already if it were written at once.
    const hasOutput = this.localEnded || this.hasEncoded;
    const deferred = this.owner.isServer && hasOutput && !this.endSent && reason !== RESET_OVERLOAD_MANAGER;
    this.runResetCallbacks(reason);
    if (this.closed || this.resetToSend !== NO_RESET) return;
    if (!deferred) this.dropOutput();
    if (!this.owner.isServer && !this.headSent) {
      this.owner.forgetStream(this);
      return;
    }
    this.resetToSend = this.owner.resetCode(reason, this.endSent);
    this.resetDeferred = deferred;
    this.owner.queueStream(this);
  }

  /** Ends the stream with an RST_STREAM of the codec's own; listeners hear of it when it is sent. */
  resetByCodec(code: number): void {
    if (this.closed || this.isClosing) return;
    this.dropOutput();
    this.resetToSend = code;
    this.resetDeferred = false;
    this.owner.queueStream(this);
  }

  readDisable(disable: boolean): void {
    if (this.closed) return;
    if (disable) {
      this.readDisables++;
      return;
    }
    if (this.readDisables === 0 || --this.readDisables > 0 || this.unconsumed === 0) return;
    const bytes = this.unconsumed;
    this.unconsumed = 0;
    this.owner.onStreamConsumed(this, bytes);
  }

  encodeData(data: Uint8Array, endStream: boolean): void {
    if (this.isDone) return;
    if (data.length > 0) this.pushData(data);
    if (endStream) this.localEnded = true;
    else if (data.length === 0) return;
    this.owner.queueData(this);
    if (!this.aboveHigh && this.pendingBytes > this.owner.bufferLimit) {
      this.aboveHigh = true;
      this.runHighWatermarkCallbacks();
    }
  }

  encodeTrailers(trailers: HeaderMap): void {
    if (this.isDone) return;
    this.localEnded = true;
    // Trailers without a field are the end of the body and no more.
    if (trailers.size > 0) this.trailers = trailers;
    this.owner.queueData(this);
  }

  encodeMetadata(metadata: MetadataMap): void {
    if (!this.isDone && this.codecStreamId !== 0) this.owner.sendMetadata(this, metadata);
  }

  /** Queues a head; only the last one may end the stream. */
  protected pushHead(headers: HeaderMap, endStream: boolean): void {
    if (this.head === null) this.head = headers;
    else (this.moreHeads ??= []).push(headers);
    if (endStream) this.localEnded = this.headEnds = true;
    this.owner.queueStream(this);
  }

  /** The next head to write, which is taken out. */
  shiftHead(): HeaderMap | null {
    const head = this.head;
    const more = this.moreHeads;
    this.head = null;
    if (more !== null) {
      this.head = more.shift() ?? null;
      if (more.length === 0) this.moreHeads = null;
    }
    return head;
  }

  /** Nothing more of the message goes out. */
  protected dropOutput(): void {
    this.head = null;
    this.moreHeads = null;
    this.trailers = null;
    this.clearData();
  }

  /** Part of the body went out. */
  onDataSent(): void {
    if (!this.aboveHigh || this.pendingBytes > this.owner.bufferLimit >> 1) return;
    this.aboveHigh = false;
    this.runLowWatermarkCallbacks();
  }

  runHighWatermarkCallbacks(): void {
    if (this.resetTold || this.localEnded) return;
    this.highCalls++;
    this.firstListener?.onAboveWriteBufferHighWatermark();
    this.secondListener?.onAboveWriteBufferHighWatermark();
    if (this.otherListeners !== null) for (const each of this.otherListeners) each.onAboveWriteBufferHighWatermark();
  }

  runLowWatermarkCallbacks(): void {
    if (this.resetTold || this.localEnded || this.highCalls === 0) return;
    this.highCalls--;
    this.firstListener?.onBelowWriteBufferLowWatermark();
    this.secondListener?.onBelowWriteBufferLowWatermark();
    if (this.otherListeners !== null) for (const each of this.otherListeners) each.onBelowWriteBufferLowWatermark();
  }

  /** All of this side's message is with the connection. */
  runEncodeComplete(): void {
    if (this.resetTold) return;
    this.firstListener?.onCodecEncodeComplete?.();
    this.secondListener?.onCodecEncodeComplete?.();
    if (this.otherListeners !== null) for (const each of this.otherListeners) each.onCodecEncodeComplete?.();
  }

  /** Tells the listeners once that the stream died; they hear nothing more. */
  runResetCallbacks(reason: StreamResetReason): void {
    if (this.resetTold) return;
    this.resetTold = true;
    const { firstListener, secondListener, otherListeners } = this;
    this.dropListeners();
    firstListener?.onResetStream(reason, '');
    secondListener?.onResetStream(reason, '');
    if (otherListeners !== null) for (const each of otherListeners) each.onResetStream(reason, '');
  }

  /** The stream is out of the connection's list. */
  onClosed(): void {
    this.closed = true;
    this.dropOutput();
    this.dropListeners();
  }

  private dropListeners(): void {
    this.firstListener = null;
    this.secondListener = null;
    this.otherListeners = null;
  }
}
