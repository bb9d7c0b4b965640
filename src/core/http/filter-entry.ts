import { bug } from '../../base/bug.ts';
import type { StreamResetReason } from '../../contract/codec.ts';
import type { Dispatcher } from '../../contract/dispatcher.ts';
import type { HeaderMap } from '../../contract/header-map.ts';
import type {
  DownstreamWatermarkCallbacks, StreamDecoderFilter, StreamDecoderFilterCallbacks, StreamEncoderFilter, StreamEncoderFilterCallbacks,
  StreamFilterCallbacks,
} from '../../contract/http-filter.ts';
import type { Connection } from '../../contract/network.ts';
import type { Route } from '../../contract/route.ts';
import {
  DATA_CONTINUE, DATA_STOP_ITERATION_AND_BUFFER, DATA_STOP_ITERATION_AND_WATERMARK, HEADERS_CONTINUE,
  HEADERS_CONTINUE_AND_DONT_END_STREAM, HEADERS_STOP_ALL_AND_BUFFER, HEADERS_STOP_ALL_AND_WATERMARK, HEADERS_STOP_ITERATION,
  TRAILERS_CONTINUE,
} from '../../contract/status.ts';
import type { FilterDataStatus, FilterHeadersStatus, FilterTrailersStatus } from '../../contract/status.ts';
import type { StreamInfo } from '../../contract/stream-info.ts';
import type { ClusterInfo } from '../../contract/upstream.ts';
import type { BodyBuffer } from './body-buffer.ts';
import type { FilterManager, LocalReplyModifier } from './filter-manager.ts';

/** Where a filter stands in one direction of one stream. */
export const ITERATE = 0;
/** Headers are held; body and trailers still come to the filter. */
export const STOPPED = 1;
/** Nothing comes to the filter; the body is buffered, too much of it is an error. */
export const STOPPED_ALL_BUFFER = 2;
/** Nothing comes to the filter; the body is buffered, too much of it pauses the source. */
export const STOPPED_ALL_WATERMARK = 3;

/**
 * One filter in one direction of one stream: the iteration state that the manager keeps for it, and the callbacks through which the
 * filter speaks to the manager. The wrapper is what makes the manager's call sites monomorphic but for the call into the filter.
 */
abstract class FilterEntry implements StreamFilterCallbacks {
  readonly manager: FilterManager;
  /** Name in the configuration: the key of per-route configuration. */
  readonly name: string;
  /** Place in the manager's list of its direction. */
  index: number;
  state: number;
  /** A filter that stopped everything gets the held body and trailers itself when it continues. */
  iterateFromCurrent: boolean;
  headersContinued: boolean;
  /** The filter has been told the end of the stream. */
  endStream: boolean;

  constructor(manager: FilterManager, name: string, index: number) {
    this.manager = manager;
    this.name = name;
    this.index = index;
    this.state = ITERATE;
    this.iterateFromCurrent = false;
    this.headersContinued = false;
    this.endStream = false;
  }

  get stoppedAll(): boolean {
    return this.state >= STOPPED_ALL_BUFFER;
  }

  protected abstract canContinue(): boolean;
  protected abstract observedEndStream(): boolean;
  protected abstract hasTrailers(): boolean;
  protected abstract buffered(): BodyBuffer | null;
  protected abstract ensureBuffer(): BodyBuffer;
  protected abstract do1xxHeaders(): boolean;
  protected abstract doHeaders(endStream: boolean): void;
  protected abstract doData(endStream: boolean): void;
  protected abstract doTrailers(): void;

  /** Goes on behind this filter with what it held back: headers, then body, then trailers. */
  protected continueIteration(): void {
    if (!this.canContinue()) return;
    if (this.state === ITERATE) {
      bug('continued a filter that had not stopped', this.name);
      return;
    }
    if (this.stoppedAll) this.iterateFromCurrent = true;
    this.state = ITERATE;
    if (!this.do1xxHeaders()) return;
    if (!this.headersContinued) {
      this.headersContinued = true;
      this.doHeaders(this.observedEndStream() && this.buffered() === null && !this.hasTrailers());
    }
    if (!this.canContinue()) return;
    // Trailers that a filter adds while the body passes are sent on by that pass itself.
    const hadTrailers = this.hasTrailers();
    if (this.buffered() !== null) this.doData(this.observedEndStream() && !hadTrailers);
    if (!this.canContinue()) return;
    if (hadTrailers) this.doTrailers();
    this.iterateFromCurrent = false;
  }

  /** Whether the next filter gets the headers. */
  afterHeaders(status: FilterHeadersStatus): boolean {
    switch (status) {
      case HEADERS_CONTINUE:
      case HEADERS_CONTINUE_AND_DONT_END_STREAM:
        this.headersContinued = true;
        return true;
      case HEADERS_STOP_ITERATION:
        this.state = STOPPED;
        return false;
      case HEADERS_STOP_ALL_AND_BUFFER:
        this.state = STOPPED_ALL_BUFFER;
        return false;
      case HEADERS_STOP_ALL_AND_WATERMARK:
        this.state = STOPPED_ALL_WATERMARK;
        return false;
    }
  }

  /** Whether the next filter gets the data. `data` is what this filter was called with. */
  afterData(status: FilterDataStatus, data: Buffer): boolean {
    if (status === DATA_CONTINUE) {
      if (this.state !== STOPPED) return true;
      this.holdData(data);
      this.continueIteration();
      return false;
    }
    this.state = STOPPED;
    if (status === DATA_STOP_ITERATION_AND_BUFFER || status === DATA_STOP_ITERATION_AND_WATERMARK) {
      this.setStreaming(status === DATA_STOP_ITERATION_AND_WATERMARK);
      this.holdData(data);
    } else if (this.observedEndStream() && !this.hasTrailers() && this.buffered() === null && !this.manager.destroyed) {
      // The end of the stream must reach the next filter although the filter kept the bytes: an empty body carries it.
      this.ensureBuffer();
    }
    return false;
  }

  afterTrailers(status: FilterTrailersStatus): boolean {
    if (status === TRAILERS_CONTINUE) {
      if (this.state !== STOPPED) return true;
      this.continueIteration();
      return false;
    }
    if (this.state === ITERATE) this.state = STOPPED;
    return false;
  }

  /** Buffers `data` unless it is the buffered body itself on its way. */
  holdData(data: Uint8Array): void {
    const body = this.ensureBuffer();
    if (this.manager.inTransit === body && this.manager.inTransitBytes === data) this.manager.inTransitKept = true;
    else body.add(data);
  }

  protected abstract setStreaming(streaming: boolean): void;

  get connection(): Connection | null {
    return this.manager.connection;
  }

  get dispatcher(): Dispatcher {
    return this.manager.dispatcher;
  }

  get streamInfo(): StreamInfo {
    return this.manager.streamInfo;
  }

  get streamId(): number {
    return this.manager.streamId;
  }

  route(): Route | null {
    return this.manager.route();
  }

  clusterInfo(): ClusterInfo | null {
    return this.manager.clusterInfo();
  }

  clearRouteCache(): void {
    this.manager.clearRouteCache();
  }

  setRoute(route: Route | null): void {
    this.manager.setRoute(route);
  }

  resetStream(reason: StreamResetReason, failure: string): void {
    this.manager.resetStreamByFilter(reason, failure);
  }

  mostSpecificPerFilterConfig(): object | null {
    return this.manager.route()?.mostSpecificPerFilterConfig(this.name) ?? null;
  }

  perFilterConfigs(): readonly object[] {
    return this.manager.route()?.perFilterConfigs(this.name) ?? NO_CONFIGS;
  }

  get bufferLimit(): number {
    return this.manager.bufferLimit;
  }

  setBufferLimit(bytes: number): void {
    this.manager.setBufferLimit(bytes);
  }

  resetIdleTimer(): void {
    this.manager.resetIdleTimer();
  }

  sendLocalReply(status: number, body: string, modify: LocalReplyModifier | null, grpcStatus: number, details: string): void {
    this.manager.replyLocally(status, body, modify, grpcStatus, details);
  }
}

const NO_CONFIGS: readonly object[] = [];

/** A decoder filter of one stream. */
export class DecoderEntry extends FilterEntry implements StreamDecoderFilterCallbacks {
  readonly filter: StreamDecoderFilter;

  constructor(manager: FilterManager, name: string, index: number, filter: StreamDecoderFilter) {
    super(manager, name, index);
    this.filter = filter;
  }

  protected override canContinue(): boolean {
    return !this.manager.decoderAborted;
  }

  protected override observedEndStream(): boolean {
    return this.manager.observedDecodeEnd;
  }

  protected override hasTrailers(): boolean {
    return this.manager.requestTrailers !== null;
  }

  protected override buffered(): BodyBuffer | null {
    return this.manager.bufferedRequest;
  }

  protected override ensureBuffer(): BodyBuffer {
    return this.manager.ensureRequestBuffer();
  }

  protected override do1xxHeaders(): boolean {
    return true;
  }

  protected override doHeaders(endStream: boolean): void {
    const headers = this.manager.requestHeaders;
    if (headers !== null) this.manager.decodeHeadersFrom(this, headers, endStream);
  }

  protected override doData(endStream: boolean): void {
    this.manager.decodeBufferedFrom(this, endStream);
  }

  protected override doTrailers(): void {
    const trailers = this.manager.requestTrailers;
    if (trailers !== null) this.manager.decodeTrailersFrom(this, trailers);
  }

  protected override setStreaming(streaming: boolean): void {
    this.manager.decoderStreaming = streaming;
  }

  continueDecoding(): void {
    this.continueIteration();
  }

  decodingBuffer(): Buffer | null {
    return this.manager.bufferedRequest?.bytes() ?? null;
  }

  addDecodedData(data: Uint8Array, streaming: boolean): void {
    this.manager.addDecodedData(this, data, streaming);
  }

  injectDecodedDataToFilterChain(data: Uint8Array, endStream: boolean): void {
    if (!this.canContinue()) return;
    if (!this.headersContinued) {
      this.headersContinued = true;
      this.doHeaders(false);
    }
    this.manager.decodeDataFrom(this, asBuffer(data), endStream, true);
  }

  addDecodedTrailers(): HeaderMap {
    return this.manager.addDecodedTrailers();
  }

  encode1xxHeaders(headers: HeaderMap): void {
    this.manager.encode1xxByFilter(headers);
  }

  encodeHeaders(headers: HeaderMap, endStream: boolean, details: string): void {
    this.manager.encodeHeadersByFilter(this, headers, endStream, details);
  }

  encodeData(data: Buffer, endStream: boolean): void {
    this.manager.encodeDataByFilter(this, data, endStream);
  }

  encodeTrailers(trailers: HeaderMap): void {
    this.manager.encodeTrailersByFilter(this, trailers);
  }

  onDecoderFilterAboveWriteBufferHighWatermark(): void {
    this.manager.pauseDownstreamReading();
  }

  onDecoderFilterBelowWriteBufferLowWatermark(): void {
    this.manager.resumeDownstreamReading();
  }

  addDownstreamWatermarkCallbacks(callbacks: DownstreamWatermarkCallbacks): void {
    this.manager.addWatermarkCallbacks(callbacks);
  }

  removeDownstreamWatermarkCallbacks(callbacks: DownstreamWatermarkCallbacks): void {
    this.manager.removeWatermarkCallbacks(callbacks);
  }

  recreateStream(headers: HeaderMap): boolean {
    return this.manager.recreateByFilter(headers);
  }

  upgradeAccepted(): void {
    this.manager.upgradeAccepted();
  }
}

/** An encoder filter of one stream. */
export class EncoderEntry extends FilterEntry implements StreamEncoderFilterCallbacks {
  readonly filter: StreamEncoderFilter;
  continued1xx: boolean;

  constructor(manager: FilterManager, name: string, index: number, filter: StreamEncoderFilter) {
    super(manager, name, index);
    this.filter = filter;
    this.continued1xx = false;
  }

  protected override canContinue(): boolean {
    return !this.manager.encoderComplete && !this.manager.encoderAborted;
  }

  protected override observedEndStream(): boolean {
    return this.manager.observedEncodeEnd;
  }

  protected override hasTrailers(): boolean {
    return this.manager.responseTrailers !== null;
  }

  protected override buffered(): BodyBuffer | null {
    return this.manager.bufferedResponse;
  }

  protected override ensureBuffer(): BodyBuffer {
    return this.manager.ensureResponseBuffer();
  }

  /** Held informational headers go first; false when there is no final response yet to go on with. */
  protected override do1xxHeaders(): boolean {
    const manager = this.manager;
    if (this.continued1xx || manager.informationalHeaders === null) return true;
    this.continued1xx = true;
    manager.encode1xxFrom(this, manager.informationalHeaders);
    return manager.responseHeaders !== null && this.canContinue();
  }

  protected override doHeaders(endStream: boolean): void {
    const headers = this.manager.responseHeaders;
    if (headers !== null) this.manager.encodeHeadersFrom(this, headers, endStream);
  }

  protected override doData(endStream: boolean): void {
    this.manager.encodeBufferedFrom(this, endStream);
  }

  protected override doTrailers(): void {
    const trailers = this.manager.responseTrailers;
    if (trailers !== null) this.manager.encodeTrailersFrom(this, trailers);
  }

  protected override setStreaming(streaming: boolean): void {
    this.manager.encoderStreaming = streaming;
  }

  continueEncoding(): void {
    this.continueIteration();
  }

  encodingBuffer(): Buffer | null {
    return this.manager.bufferedResponse?.bytes() ?? null;
  }

  addEncodedData(data: Uint8Array, streaming: boolean): void {
    this.manager.addEncodedData(this, data, streaming);
  }

  injectEncodedDataToFilterChain(data: Uint8Array, endStream: boolean): void {
    if (!this.canContinue()) return;
    if (!this.headersContinued) {
      this.headersContinued = true;
      this.doHeaders(false);
    }
    this.manager.encodeDataFrom(this, asBuffer(data), endStream, true);
  }

  addEncodedTrailers(): HeaderMap {
    return this.manager.addEncodedTrailers();
  }

  onEncoderFilterAboveWriteBufferHighWatermark(): void {
    this.manager.callHighWatermarkCallbacks();
  }

  onEncoderFilterBelowWriteBufferLowWatermark(): void {
    this.manager.callLowWatermarkCallbacks();
  }
}

/** The same bytes as a Buffer. */
export function asBuffer(data: Uint8Array): Buffer {
  return Buffer.isBuffer(data) ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}
