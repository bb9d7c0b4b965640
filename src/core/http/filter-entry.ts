import { bug } from '../../base/bug.ts';
import type { StreamResetReason } from '../../contract/codec.ts';
import type { Dispatcher } from '../../contract/dispatcher.ts';
import type { StreamFilterCallbacks } from '../../contract/http-filter.ts';
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
import { asBuffer } from './as-buffer.ts';
import { BodyBuffer } from './body-buffer.ts';
import type { BodyBufferOwner } from './body-buffer.ts';
import type { FilterManager } from './filter-manager.ts';
import type { LocalReplyModifier } from './local-reply.ts';

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
 *
 * Each filter holds back its own body (Envoy has one buffer a direction, and two filters that hold at a time mix theirs up).
 */
export abstract class FilterEntry implements StreamFilterCallbacks, BodyBufferOwner {
  readonly manager: FilterManager;
  /** Name in the configuration: the key of per-route configuration. */
  readonly name: string;
  /** Place in the manager's list of its direction. */
  index: number;
  state: number;
  headersContinued: boolean;
  /** The filter has been told the end of the stream. */
  endStream: boolean;
  /** The end of the body is held back with it; the filter has not been told. */
  private heldEnd: boolean;
  private heldTrailers: boolean;
  /** What is held has not been seen by this filter, which had stopped everything: it gets it first when it continues. */
  private bodyUnseen: boolean;
  private trailersUnseen: boolean;
  /** Too much held body pauses the source; else it is an error. */
  private streaming: boolean;
  body: BodyBuffer | null;
  /** What the filter puts in the place of the data that it was called with, until the manager has taken it. */
  replaced: Buffer | null;
  /** The held body on its way through the filters, and whether this filter held it again. */
  private transit: Buffer | null;
  private transitKept: boolean;

  constructor(manager: FilterManager, name: string, index: number) {
    this.manager = manager;
    this.name = name;
    this.index = index;
    this.state = ITERATE;
    this.headersContinued = false;
    this.endStream = false;
    this.heldEnd = false;
    this.heldTrailers = false;
    this.bodyUnseen = false;
    this.trailersUnseen = false;
    this.streaming = true;
    this.body = null;
    this.replaced = null;
    this.transit = null;
    this.transitKept = false;
  }

  get stoppedAll(): boolean {
    return this.state >= STOPPED_ALL_BUFFER;
  }

  protected abstract canContinue(): boolean;
  protected abstract do1xxHeaders(): boolean;
  protected abstract doHeaders(endStream: boolean): void;
  protected abstract doData(data: Buffer, endStream: boolean, fromCurrent: boolean): void;
  protected abstract doTrailers(fromCurrent: boolean): void;
  /** The held body crossed its limit while it was to be buffered whole. */
  protected abstract bodyTooLarge(): void;
  protected abstract pauseSource(): void;
  protected abstract resumeSource(): void;

  /** Goes on behind this filter with what it held back: headers, then body, then trailers. */
  protected continueIteration(): void {
    if (!this.canContinue()) return;
    if (this.state === ITERATE) {
      bug('continued a filter that had not stopped', this.name);
      return;
    }
    this.state = ITERATE;
    if (!this.do1xxHeaders()) return;
    if (!this.headersContinued) {
      this.headersContinued = true;
      this.doHeaders(this.endStream && this.body === null && !this.heldTrailers);
    }
    if (!this.canContinue()) return;
    // Trailers that a filter adds while the body passes are sent on by that pass itself.
    const trailers = this.heldTrailers;
    if (this.body !== null) this.releaseBody((this.endStream || this.heldEnd) && !trailers);
    if (!this.canContinue()) return;
    if (!trailers) return;
    const fromCurrent = this.trailersUnseen;
    this.heldTrailers = false;
    this.trailersUnseen = false;
    this.doTrailers(fromCurrent);
  }

  /** Sends the held body on; what this filter does not hold again is dropped then. */
  private releaseBody(endStream: boolean): void {
    const body = this.body;
    if (body === null) return;
    const bytes = body.bytes();
    const fromCurrent = this.bodyUnseen;
    this.bodyUnseen = false;
    this.transit = bytes;
    this.transitKept = false;
    this.doData(bytes, endStream, fromCurrent);
    this.transit = null;
    if (this.transitKept || this.manager.destroyed) return;
    if (this.body === body) this.body = null;
    body.drain();
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
      this.streaming = status === DATA_STOP_ITERATION_AND_WATERMARK;
      this.holdData(data);
    } else if (this.endStream && this.body === null) {
      // The end of the stream must reach the next filter although the filter kept the bytes: an empty body carries it.
      this.ensureBody();
    }
    return false;
  }

  afterTrailers(status: FilterTrailersStatus): boolean {
    if (status === TRAILERS_CONTINUE && this.state !== STOPPED) return true;
    this.heldTrailers = true;
    if (status === TRAILERS_CONTINUE) this.continueIteration();
    else if (this.state === ITERATE) this.state = STOPPED;
    return false;
  }

  /** This filter stopped everything: what comes is held before it. */
  holdStopped(data: Buffer, endStream: boolean): void {
    this.streaming = this.state === STOPPED_ALL_WATERMARK;
    if (endStream) this.heldEnd = true;
    this.bodyUnseen = true;
    this.holdData(data);
  }

  /** `unseen`: this filter stopped everything and has not been called with them. */
  holdTrailers(unseen: boolean): void {
    this.heldTrailers = true;
    this.trailersUnseen = unseen;
  }

  /** Buffers `data` unless it is the held body itself on its way. */
  private holdData(data: Uint8Array): void {
    if (this.transit !== null && this.transit === data) this.transitKept = true;
    else this.ensureBody().add(data);
  }

  addData(data: Uint8Array, streaming: boolean): void {
    this.streaming = streaming;
    this.holdData(data);
  }

  /** The filter added to the body that is passing: those behind see it longer. */
  withAdded(data: Buffer): Buffer {
    const body = this.body;
    if (body === null) return data;
    if (this.transit === data) {
      if (body.length === data.length) return data;
      this.transit = body.bytes();
      return this.transit;
    }
    if (this.transit !== null) return data;
    this.body = null;
    const longer = Buffer.concat([data, body.bytes()]);
    body.drain();
    return longer;
  }

  /** What goes on in the place of `data`, with which the filter was called: held data that it replaces is held no more. */
  takeReplaced(data: Buffer, replaced: Buffer): Buffer {
    this.replaced = null;
    const body = this.body;
    if (body === null || this.transit !== data) return replaced;
    body.drain();
    body.add(replaced);
    this.transit = body.bytes();
    return this.transit;
  }

  private ensureBody(): BodyBuffer {
    this.body ??= new BodyBuffer(this, this.manager.bufferLimit);
    return this.body;
  }

  onBodyAboveHighWatermark(): void {
    if (this.manager.destroyed) return;
    if (this.streaming) this.pauseSource();
    else this.bodyTooLarge();
  }

  onBodyBelowLowWatermark(): void {
    // Over the limit without streaming ended the stream: there is nothing to resume.
    if (!this.manager.destroyed) this.resumeSource();
  }

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

  replaceData(data: Uint8Array): void {
    this.replaced = asBuffer(data);
  }

  sendLocalReply(status: number, body: string, modify: LocalReplyModifier | null, grpcStatus: number, details: string): void {
    this.manager.replyLocally(status, body, modify, grpcStatus, details);
  }
}

const NO_CONFIGS: readonly object[] = [];
