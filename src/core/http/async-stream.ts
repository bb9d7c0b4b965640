import type { AsyncStreamCallbacks, AsyncStreamOptions, AsyncStream, AsyncWatermarkCallbacks } from '../../contract/async-client.ts';
import { isGrpcRequest } from '../../common/grpc/content-type.ts';
import type { Dispatcher } from '../../contract/dispatcher.ts';
import type { HeaderMap } from '../../contract/header-map.ts';
import type { DownstreamWatermarkCallbacks, StreamDecoderFilterCallbacks } from '../../contract/http-filter.ts';
import type { Route } from '../../contract/route.ts';
import { PROTOCOL_HTTP11, StreamInfo } from '../../contract/stream-info.ts';
import type { ClusterInfo } from '../../contract/upstream.ts';
import { UNNAMED_PIPE } from '../network/address.ts';
import type { RouterConfig } from '../router/router-config.ts';
import { RouterFilter } from '../router/router.ts';
import { asBuffer } from './as-buffer.ts';
import { AsyncRoute } from './async-route.ts';
import { LocalReply, prepareLocalReply } from './local-reply.ts';
import type { LocalReplyModifier } from './local-reply.ts';
import { appendLocalXff } from './xff.ts';

/** Bytes of request body that are kept for a retry, or that wait for a connection, where the caller sets no limit. */
const DEFAULT_BUFFER_LIMIT = 65_536;
const NO_REPLY_CHANGES = new LocalReply([], null);
const NO_CONFIGS: readonly object[] = [];

/** What a stream needs of the client that it belongs to. */
export interface AsyncStreamOwner {
  readonly clusterName: string;
  readonly dispatcher: Dispatcher;
  /** The router's configuration, with the client's statistics in it; `given` = the caller's own. */
  routerConfig(given: object | undefined): RouterConfig;
  clusterInfo(): ClusterInfo | null;
  add(stream: AsyncStreamBase): void;
  remove(stream: AsyncStreamBase): void;
}

/**
 * One request of an AsyncClient: a router filter whose "filter manager" this is. What the router would pass down to a client comes to the
 * `on…` methods, which a subclass makes something of.
 */
export abstract class AsyncStreamBase implements StreamDecoderFilterCallbacks {
  readonly streamInfo: StreamInfo;
  readonly streamId: number;
  readonly dispatcher: Dispatcher;
  readonly connection: null;
  private readonly owner: AsyncStreamOwner;
  private readonly router: RouterFilter;
  private readonly asyncRoute: AsyncRoute;
  private readonly sendXff: boolean;
  private readonly sendInternal: boolean;
  private limit: number;
  /** Null before they are sent. */
  requestHeaders: HeaderMap | null;
  private isGrpc: boolean;
  private isHead: boolean;
  private localClosed: boolean;
  private remoteClosed: boolean;
  private headersEncoded: boolean;
  private finished: boolean;
  private kept: Buffer[] | null;
  private watermarks: AsyncWatermarkCallbacks | null;
  private highWatermarkCalls: number;
  private downstream: DownstreamWatermarkCallbacks | null;
  private readDisables: number;

  constructor(owner: AsyncStreamOwner, options: AsyncStreamOptions) {
    const { dispatcher } = owner;
    this.streamInfo = new StreamInfo(PROTOCOL_HTTP11, dispatcher.clock.wall(), dispatcher.now(), UNNAMED_PIPE, UNNAMED_PIPE);
    this.streamId = dispatcher.random.uint32();
    this.dispatcher = dispatcher;
    this.connection = null;
    this.owner = owner;
    this.router = new RouterFilter(owner.routerConfig(options.routerConfig));
    this.asyncRoute = new AsyncRoute(owner.clusterName, options);
    this.sendXff = options.sendXff ?? true;
    this.sendInternal = options.sendInternal ?? true;
    this.limit = options.bufferLimit ?? DEFAULT_BUFFER_LIMIT;
    this.requestHeaders = null;
    this.isGrpc = false;
    this.isHead = false;
    this.localClosed = false;
    this.remoteClosed = false;
    this.headersEncoded = false;
    this.finished = false;
    this.kept = null;
    this.watermarks = null;
    this.highWatermarkCalls = 0;
    this.downstream = null;
    this.readDisables = 0;
    this.streamInfo.route = this.asyncRoute;
    this.streamInfo.upstreamCluster = owner.clusterInfo();
    this.router.setDecoderFilterCallbacks(this);
    owner.add(this);
  }

  protected abstract onHeaders(headers: HeaderMap, endStream: boolean): void;
  protected abstract onData(data: Buffer, endStream: boolean): void;
  protected abstract onTrailers(trailers: HeaderMap): void;
  protected abstract onComplete(): void;
  protected abstract onReset(): void;

  // The caller's side.

  sendHeaders(headers: HeaderMap, endStream: boolean): void {
    if (this.finished) return;
    this.requestHeaders = headers;
    this.isHead = headers.get(':method') === 'HEAD';
    this.isGrpc = isGrpcRequest(headers);
    if (this.sendInternal) headers.set('x-envoy-internal', 'true');
    if (this.sendXff) appendLocalXff(headers);
    this.router.decodeHeaders(headers, endStream);
    this.closeLocal(endStream);
  }

  sendData(data: Uint8Array, endStream: boolean): void {
    // What was queued before the end came is of no use to anybody.
    if (this.localClosed) return;
    this.router.decodeData(asBuffer(data), endStream);
    this.closeLocal(endStream);
  }

  sendTrailers(trailers: HeaderMap): void {
    if (this.localClosed) return;
    this.router.decodeTrailers(trailers);
    this.closeLocal(true);
  }

  /** Ends the stream; no callback comes. */
  reset(): void {
    this.finish();
  }

  readDisable(disable: boolean): void {
    if (this.finished) return;
    if (disable) {
      this.readDisables++;
      this.downstream?.onAboveWriteBufferHighWatermark();
    } else if (this.readDisables > 0) {
      this.readDisables--;
      this.downstream?.onBelowWriteBufferLowWatermark();
    }
  }

  get isAboveWriteBufferHighWatermark(): boolean {
    return this.highWatermarkCalls > 0;
  }

  setWatermarkCallbacks(callbacks: AsyncWatermarkCallbacks | null): void {
    const before = this.watermarks;
    this.watermarks = callbacks;
    for (let i = 0; i < this.highWatermarkCalls; i++) {
      before?.onBelowWriteBufferLowWatermark();
      callbacks?.onAboveWriteBufferHighWatermark();
    }
  }

  /** The client goes away: the stream is reset, and its owner told. */
  abandon(): void {
    this.breakOff();
  }

  // Ends. A response that has ended ends the request too: nobody reads the rest.

  private closeLocal(endStream: boolean): void {
    if (this.localClosed || !endStream) return;
    this.localClosed = true;
    if (this.remoteClosed) this.complete();
  }

  private closeRemote(endStream: boolean): void {
    if (this.remoteClosed || !endStream) return;
    this.remoteClosed = true;
    this.localClosed = true;
    this.complete();
  }

  private complete(): void {
    if (this.finished) return;
    this.finish();
    this.onComplete();
  }

  private breakOff(): void {
    if (this.finished) return;
    this.finish();
    this.onReset();
  }

  private finish(): void {
    if (this.finished) return;
    this.finished = true;
    this.localClosed = true;
    this.remoteClosed = true;
    this.kept = null;
    this.router.onDestroy();
    this.watermarks = null;
    this.owner.remove(this);
  }

  // The router's side: StreamDecoderFilterCallbacks.

  route(): Route {
    return this.asyncRoute;
  }

  clusterInfo(): ClusterInfo | null {
    return this.owner.clusterInfo();
  }

  get bufferLimit(): number {
    return this.limit;
  }

  setBufferLimit(bytes: number): void {
    this.limit = bytes;
  }

  /** Body kept for retries: the router asks only where it may retry, and gives up before the limit is passed. */
  addDecodedData(data: Uint8Array): void {
    const copy = Buffer.from(data);
    if (this.kept === null) this.kept = [copy];
    else this.kept.push(copy);
  }

  decodingBuffer(): Buffer | null {
    const { kept } = this;
    if (kept === null) return null;
    if (kept.length > 1) this.kept = [Buffer.concat(kept)];
    return this.kept?.[0] ?? null;
  }

  sendLocalReply(status: number, body: string, modify: LocalReplyModifier | null, grpcStatus: number, details: string): void {
    if (this.finished) return;
    this.streamInfo.responseCodeDetails = details;
    if (this.headersEncoded) {
      this.breakOff();
      return;
    }
    const reply = prepareLocalReply(NO_REPLY_CHANGES, this, this.isGrpc, this.isHead, status, body, modify, grpcStatus);
    this.encodeHeaders(reply.headers, reply.body === null);
    if (reply.body !== null) this.encodeData(reply.body, true);
  }

  encodeHeaders(headers: HeaderMap, endStream: boolean): void {
    if (this.remoteClosed) return;
    this.headersEncoded = true;
    this.onHeaders(headers, endStream);
    this.closeRemote(endStream);
  }

  encodeData(data: Buffer, endStream: boolean): void {
    if (this.remoteClosed) return;
    this.onData(data, endStream);
    this.closeRemote(endStream);
  }

  encodeTrailers(trailers: HeaderMap): void {
    if (this.remoteClosed) return;
    this.onTrailers(trailers);
    this.closeRemote(true);
  }

  resetStream(): void {
    this.breakOff();
  }

  onDecoderFilterAboveWriteBufferHighWatermark(): void {
    this.highWatermarkCalls++;
    this.watermarks?.onAboveWriteBufferHighWatermark();
  }

  onDecoderFilterBelowWriteBufferLowWatermark(): void {
    if (this.highWatermarkCalls === 0) return;
    this.highWatermarkCalls--;
    this.watermarks?.onBelowWriteBufferLowWatermark();
  }

  addDownstreamWatermarkCallbacks(callbacks: DownstreamWatermarkCallbacks): void {
    this.downstream = callbacks;
    for (let i = 0; i < this.readDisables; i++) callbacks.onAboveWriteBufferHighWatermark();
  }

  removeDownstreamWatermarkCallbacks(): void {
    this.downstream = null;
  }

  // Of no meaning without a filter chain.

  encode1xxHeaders(): void {}
  continueDecoding(): void {}
  injectDecodedDataToFilterChain(): void {}
  replaceData(): void {}
  upgradeAccepted(): void {}
  clearRouteCache(): void {}
  setRoute(): void {}
  resetIdleTimer(): void {}

  addDecodedTrailers(): never {
    throw new Error('the router adds no trailers');
  }

  recreateStream(): boolean {
    return false;
  }

  mostSpecificPerFilterConfig(): null {
    return null;
  }

  perFilterConfigs(): readonly object[] {
    return NO_CONFIGS;
  }
}

/** A stream whose events go to its caller as they are. */
export class AsyncStreamImpl extends AsyncStreamBase implements AsyncStream {
  private readonly callbacks: AsyncStreamCallbacks;

  constructor(owner: AsyncStreamOwner, callbacks: AsyncStreamCallbacks, options: AsyncStreamOptions) {
    super(owner, options);
    this.callbacks = callbacks;
  }

  protected onHeaders(headers: HeaderMap, endStream: boolean): void {
    this.callbacks.onHeaders(headers, endStream);
  }

  protected onData(data: Buffer, endStream: boolean): void {
    this.callbacks.onData(data, endStream);
  }

  protected onTrailers(trailers: HeaderMap): void {
    this.callbacks.onTrailers(trailers);
  }

  protected onComplete(): void {
    this.callbacks.onComplete();
  }

  protected onReset(): void {
    this.callbacks.onReset();
  }
}
