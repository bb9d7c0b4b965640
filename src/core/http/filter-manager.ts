// Long because iteration in both directions shares one state; the wrappers of single filters are in filter-entry.ts.
import { bug } from '../../base/bug.ts';
import { isGrpcRequest } from '../../common/http/grpc.ts';
import type { AccessLog, AccessLogType, LogContext } from '../../contract/access-log.ts';
import { RESET_LOCAL_RESET } from '../../contract/codec.ts';
import type { StreamResetReason } from '../../contract/codec.ts';
import type { Dispatcher } from '../../contract/dispatcher.ts';
import { HeaderMap } from '../../contract/header-map.ts';
import type {
  DownstreamWatermarkCallbacks, FilterChainCallbacks, StreamDecoderFilter, StreamEncoderFilter, StreamFilter, StreamFilterBase,
} from '../../contract/http-filter.ts';
import type { Connection } from '../../contract/network.ts';
import type { Route } from '../../contract/route.ts';
import {
  DATA_CONTINUE, DATA_STOP_ITERATION_NO_BUFFER, HEADERS_CONTINUE, HEADERS_CONTINUE_AND_DONT_END_STREAM, HEADERS_STOP_ITERATION,
  TRAILERS_STOP_ITERATION,
} from '../../contract/status.ts';
import type { FilterDataStatus, FilterHeadersStatus, FilterTrailersStatus } from '../../contract/status.ts';
import type { StreamInfo } from '../../contract/stream-info.ts';
import type { ClusterInfo } from '../../contract/upstream.ts';
import type { BodyBuffer } from './body-buffer.ts';
import { statusText } from './codes.ts';
import { DecoderEntry } from './decoder-entry.ts';
import { EncoderEntry } from './encoder-entry.ts';
import { ITERATE, STOPPED } from './filter-entry.ts';
import { NO_GRPC_STATUS, prepareLocalReply, responseStatus } from './local-reply.ts';
import type { LocalReply, PreparedLocalReply } from './local-reply.ts';

export type LocalReplyModifier = (headers: HeaderMap) => void;

/** Builds the filters of one stream. Returns nothing: the filters arrive through the callbacks. */
export interface FilterChainFactory {
  createFilterChain(manager: FilterManager, route: Route | null): void;
  /** False when the upgrade is not allowed; then nothing was created. */
  createUpgradeFilterChain(upgradeType: string, manager: FilterManager, route: Route | null): boolean;
}

/** What became of an `Upgrade` (or CONNECT) when the chain was made. */
export const UPGRADE_UNNEEDED = 0;
export const UPGRADE_ACCEPTED = 1;
export const UPGRADE_REJECTED = 2;
export type UpgradeResult = 0 | 1 | 2;

const DECODE_HEADERS = 1;
const DECODE_DATA = 2;
const DECODE_TRAILERS = 4;
const ENCODE_1XX = 8;
const ENCODE_HEADERS = 16;
const ENCODE_DATA = 32;
const ENCODE_TRAILERS = 64;
/** The call under way carries the end of the stream: trailers may be added. */
const END_OF_STREAM = 128;
const DECODING = DECODE_HEADERS | DECODE_DATA | DECODE_TRAILERS;
const ENCODING = ENCODE_1XX | ENCODE_HEADERS | ENCODE_DATA | ENCODE_TRAILERS;

const EMPTY = Buffer.alloc(0);
const NO_DECODERS: DecoderEntry[] = [];
const NO_ENCODERS: EncoderEntry[] = [];

/**
 * Carries one stream through its filters, in Envoy's order and with Envoy's rules (docs/internals/life-of-a-request.md): decoder filters
 * first to last, encoder filters last to first, holding back what a stopped filter must not pass on.
 *
 * Abstract: the connection manager's ActiveStream fills in both ends, so that a stream is one object. It is at the same time the context
 * that access logs read.
 *
 * After `destroyFilters` no filter is called: both directions are aborted, and every loop looks at that after every call.
 */
export abstract class FilterManager implements FilterChainCallbacks, LogContext {
  readonly dispatcher: Dispatcher;
  readonly streamInfo: StreamInfo;
  readonly streamId: number;
  private readonly factory: FilterChainFactory;
  private readonly localReply: LocalReply;
  private readonly proxy100Continue: boolean;

  requestHeaders: HeaderMap | null;
  requestTrailers: HeaderMap | null;
  responseHeaders: HeaderMap | null;
  responseTrailers: HeaderMap | null;
  informationalHeaders: HeaderMap | null;

  /** LogContext: filled in at each moment of logging. */
  localReplyBody: string;
  type: AccessLogType;
  now: number;

  private decoders: DecoderEntry[];
  private encoders: EncoderEntry[];
  private filters: StreamFilterBase[];
  protected accessLogHandlers: AccessLog[] | null;
  /** Name under which filters added now are known. */
  private filterName: string;
  protected chainCreated: boolean;
  private upgrade: UpgradeResult;

  bufferLimit: number;

  private callState: number;
  observedDecodeEnd: boolean;
  observedEncodeEnd: boolean;
  decoderAborted: boolean;
  encoderAborted: boolean;
  private decoderComplete: boolean;
  encoderComplete: boolean;
  private headersEncoded: boolean;
  private isHeadRequest: boolean;
  private isGrpcRequest: boolean;
  private underOnLocalReply: boolean;
  destroyed: boolean;
  private prepared: PreparedLocalReply | null;
  /** A local reply is on its way: what the terminal filter still brings is no response any more. */
  private replied: boolean;

  private watermarkCallbacks: DownstreamWatermarkCallbacks[] | null;
  private highWatermarkCount: number;

  constructor(
    dispatcher: Dispatcher, streamInfo: StreamInfo, streamId: number, factory: FilterChainFactory, localReply: LocalReply,
    proxy100Continue: boolean, bufferLimit: number,
  ) {
    this.dispatcher = dispatcher;
    this.streamInfo = streamInfo;
    this.streamId = streamId;
    this.factory = factory;
    this.localReply = localReply;
    this.proxy100Continue = proxy100Continue;
    this.requestHeaders = null;
    this.requestTrailers = null;
    this.responseHeaders = null;
    this.responseTrailers = null;
    this.informationalHeaders = null;
    this.localReplyBody = '';
    this.type = 'NotSet';
    this.now = 0;
    this.decoders = NO_DECODERS;
    this.encoders = NO_ENCODERS;
    this.filters = [];
    this.accessLogHandlers = null;
    this.filterName = '';
    this.chainCreated = false;
    this.upgrade = UPGRADE_UNNEEDED;
    this.bufferLimit = bufferLimit;
    this.callState = 0;
    this.observedDecodeEnd = false;
    this.observedEncodeEnd = false;
    this.decoderAborted = false;
    this.encoderAborted = false;
    this.decoderComplete = false;
    this.encoderComplete = false;
    this.headersEncoded = false;
    this.isHeadRequest = false;
    this.isGrpcRequest = false;
    this.underOnLocalReply = false;
    this.destroyed = false;
    this.prepared = null;
    this.replied = false;
    this.watermarkCallbacks = null;
    this.highWatermarkCount = 0;
  }

  // The ends of the chain, filled in by the connection manager.

  abstract readonly connection: Connection | null;
  protected abstract encode1xxToCodec(headers: HeaderMap): void;
  protected abstract encodeHeadersToCodec(headers: HeaderMap, endStream: boolean): void;
  protected abstract encodeDataToCodec(data: Buffer, endStream: boolean): void;
  protected abstract encodeTrailersToCodec(trailers: HeaderMap): void;
  /** The response is complete, or the stream is to be reset if it is not. */
  protected abstract endStreamNow(): void;
  protected abstract resetStream(reason: StreamResetReason, failure: string): void;
  protected abstract onLocalReply(status: number): void;
  protected abstract onRequestDataTooLarge(): void;
  protected abstract onResponseDataTooLarge(): void;
  protected abstract disarmRequestTimeout(): void;
  abstract resetIdleTimer(): void;
  abstract pauseDownstreamReading(): void;
  abstract resumeDownstreamReading(): void;
  abstract route(): Route | null;
  abstract setRoute(route: Route | null): void;
  abstract clearRouteCache(): void;
  abstract clusterInfo(): ClusterInfo | null;
  protected abstract recreateStream(headers: HeaderMap, body: Buffer | null): void;
  abstract upgradeAccepted(): void;

  // Chain.

  /** Makes the filters if that has not been done; says what became of an upgrade. `route` may still be null. */
  createFilterChain(route: Route | null): UpgradeResult {
    if (this.chainCreated) return this.upgrade;
    this.chainCreated = true;
    const type = this.upgradeType();
    if (type !== null) {
      if (this.factory.createUpgradeFilterChain(type, this, route)) this.upgrade = UPGRADE_ACCEPTED;
      else this.upgrade = UPGRADE_REJECTED;
    }
    if (this.upgrade !== UPGRADE_ACCEPTED) this.factory.createFilterChain(this, route);
    if (this.encoders.length > 1) this.encoders.reverse();
    for (let i = 0; i < this.encoders.length; i++) this.encoders[i].index = i;
    return this.upgrade;
  }

  private upgradeType(): string | null {
    const headers = this.requestHeaders;
    if (headers === null) return null;
    const upgrade = headers.get('upgrade');
    if (upgrade !== undefined) return upgrade;
    return headers.get(':method') === 'CONNECT' ? 'CONNECT' : null;
  }

  /** No filters for this stream: it is refused so early that they would only cost. */
  skipFilterChainCreation(): void {
    this.chainCreated = true;
  }

  /** Filters that are added until the next call carry this name from the configuration, whatever the factory says. */
  setFilterName(name: string): void {
    this.filterName = name;
  }

  addStreamDecoderFilter(_name: string, filter: StreamDecoderFilter): void {
    this.filters.push(filter);
    this.addDecoder(filter);
  }

  addStreamEncoderFilter(_name: string, filter: StreamEncoderFilter): void {
    this.filters.push(filter);
    this.addEncoder(filter);
  }

  addStreamFilter(_name: string, filter: StreamFilter): void {
    this.filters.push(filter);
    this.addDecoder(filter);
    this.addEncoder(filter);
  }

  addAccessLogHandler(handler: AccessLog): void {
    if (this.accessLogHandlers === null) this.accessLogHandlers = [handler];
    else this.accessLogHandlers.push(handler);
  }

  private addDecoder(filter: StreamDecoderFilter): void {
    const entry = new DecoderEntry(this, this.filterName, this.decoders.length, filter);
    if (this.decoders === NO_DECODERS) this.decoders = [entry];
    else this.decoders.push(entry);
    filter.setDecoderFilterCallbacks(entry);
  }

  private addEncoder(filter: StreamEncoderFilter): void {
    const entry = new EncoderEntry(this, this.filterName, this.encoders.length, filter);
    if (this.encoders === NO_ENCODERS) this.encoders = [entry];
    else this.encoders.push(entry);
    filter.setEncoderFilterCallbacks(entry);
  }

  /** Latches what later changes of the headers must not change: HEAD and gRPC decide the shape of local replies. */
  protected requestHeadersInitialized(headers: HeaderMap): void {
    this.requestHeaders = headers;
    this.isHeadRequest = headers.get(':method') === 'HEAD';
    this.isGrpcRequest = isGrpcRequest(headers);
  }

  protected onStreamComplete(): void {
    const filters = this.filters;
    for (let i = 0; i < filters.length; i++) filters[i].onStreamComplete?.();
  }

  /** Once: afterwards nothing is called on any filter. */
  protected destroyFilters(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.decoderAborted = true;
    this.encoderAborted = true;
    this.observedEncodeEnd = true;
    const filters = this.filters;
    for (let i = 0; i < filters.length; i++) filters[i].onDestroy();
  }

  /** The stream is being reset by this side: nothing more may be sent or decoded. */
  protected setLocalComplete(): void {
    this.observedEncodeEnd = true;
    this.decoderAborted = true;
  }

  // Request.

  protected decodeHeaders(headers: HeaderMap, endStream: boolean): void {
    this.observedDecodeEnd = endStream;
    this.decodeHeadersFrom(null, headers, endStream);
  }

  protected decodeData(data: Buffer, endStream: boolean): void {
    this.observedDecodeEnd = endStream;
    this.decodeDataFrom(null, data, endStream, false);
  }

  /**
   * Filters before the router see the end of a body apart from its last bytes, as Envoy's codecs give it: limits count the bytes first. With the
   * router alone there is no difference to see.
   */
  protected get endComesApart(): boolean {
    return this.decoders.length > 1;
  }

  protected decodeTrailers(trailers: HeaderMap): void {
    this.observedDecodeEnd = true;
    this.requestTrailers = trailers;
    this.decodeTrailersFrom(null, trailers, false);
  }

  decodeHeadersFrom(from: DecoderEntry | null, headers: HeaderMap, end: boolean): void {
    const decoders = this.decoders;
    const last = decoders.length - 1;
    let endStream = end;
    /** The first filter that added a body to a request without one: the body goes on from there. */
    let bodyFrom = -1;
    let terminalSawEnd = false;
    for (let i = from === null ? 0 : from.index + 1; i <= last; i++) {
      const entry = decoders[i];
      entry.endStream = endStream && bodyFrom < 0;
      const status = this.callDecodeHeaders(entry, headers);
      const goOn = entry.afterHeaders(status);
      if (status === HEADERS_CONTINUE_AND_DONT_END_STREAM) endStream = false;
      if (goOn && this.decoderAborted && !this.destroyed) bug('filter continued after a local reply', entry.name);
      if (entry.endStream && !this.destroyed) entry.filter.decodeComplete?.();
      if ((this.decoderAborted || !goOn) && i < last) {
        this.maybeContinueDecoding(bodyFrom);
        return;
      }
      if (endStream && entry.body !== null && bodyFrom < 0) bodyFrom = i;
      terminalSawEnd = i === last && entry.endStream && bodyFrom < 0;
    }
    this.maybeContinueDecoding(bodyFrom);
    if (endStream) this.disarmRequestTimeout();
    if (terminalSawEnd) this.decoderComplete = true;
  }

  private callDecodeHeaders(entry: DecoderEntry, headers: HeaderMap): FilterHeadersStatus {
    const state = entry.endStream ? DECODE_HEADERS | END_OF_STREAM : DECODE_HEADERS;
    this.callState |= state;
    const status = entry.filter.decodeHeaders(headers, entry.endStream);
    this.callState &= ~state;
    if (!this.decoderAborted) return status;
    this.executePreparedLocalReply();
    return HEADERS_STOP_ITERATION;
  }

  /** A body was added to a request that came without: it goes on from the filter that added it. */
  private maybeContinueDecoding(index: number): void {
    if (index < 0 || this.decoderAborted) return;
    const entry = this.decoders[index];
    entry.state = STOPPED;
    entry.continueDecoding();
  }

  decodeDataFrom(from: DecoderEntry | null, bytes: Buffer, end: boolean, fromCurrent: boolean): void {
    this.resetIdleTimer();
    if (this.decoderAborted) return;
    const decoders = this.decoders;
    const last = decoders.length - 1;
    const hadTrailers = this.requestTrailers !== null;
    let data = bytes;
    let endStream = end;
    let trailersFrom = -1;
    let terminalSawEnd = false;
    for (let i = startIndex(from, fromCurrent); i <= last; i++) {
      const entry = decoders[i];
      if (entry.stoppedAll) {
        entry.holdStopped(data, endStream);
        return;
      }
      // The end was decoded by this filter already: data added upon that is not its business.
      if (entry.endStream) return;
      const status = this.callDecodeData(entry, data, endStream);
      if (this.decoderAborted) {
        this.executePreparedLocalReply();
        return;
      }
      if (status === DATA_CONTINUE && entry.body !== null && entry.state === ITERATE) data = entry.withAdded(data);
      if (!hadTrailers && this.requestTrailers !== null && trailersFrom < 0) {
        endStream = false;
        trailersFrom = i;
        if (status !== DATA_CONTINUE) entry.holdTrailers(false);
      }
      terminalSawEnd = endStream && i === last;
      if (!entry.afterData(status, data) && i < last) {
        // Trailers that this very filter added wait with its data.
        if (trailersFrom === i) return;
        break;
      }
    }
    if (trailersFrom >= 0 && this.requestTrailers !== null) this.decodeTrailersFrom(decoders[trailersFrom], this.requestTrailers, false);
    if (endStream) this.disarmRequestTimeout();
    if (terminalSawEnd) this.decoderComplete = true;
  }

  private callDecodeData(entry: DecoderEntry, data: Buffer, endStream: boolean): FilterDataStatus {
    const state = endStream ? DECODE_DATA | END_OF_STREAM : DECODE_DATA;
    entry.endStream = endStream && this.requestTrailers === null;
    this.callState |= state;
    const status = entry.filter.decodeData(data, entry.endStream);
    if (entry.endStream && !this.destroyed) entry.filter.decodeComplete?.();
    this.callState &= ~state;
    return status;
  }

  decodeTrailersFrom(from: DecoderEntry | null, trailers: HeaderMap, fromCurrent: boolean): void {
    if (this.decoderAborted) return;
    const decoders = this.decoders;
    const last = decoders.length - 1;
    for (let i = startIndex(from, fromCurrent); i <= last; i++) {
      const entry = decoders[i];
      if (entry.stoppedAll) {
        entry.holdTrailers(true);
        return;
      }
      const status = this.callDecodeTrailers(entry, trailers);
      if (!entry.afterTrailers(status) && i < last) return;
      if (this.decoderAborted && i < last) return;
      if (i === last) this.decoderComplete = true;
    }
    this.disarmRequestTimeout();
  }

  private callDecodeTrailers(entry: DecoderEntry, trailers: HeaderMap): FilterTrailersStatus {
    this.callState |= DECODE_TRAILERS;
    const status = entry.filter.decodeTrailers(trailers);
    if (!this.destroyed) entry.filter.decodeComplete?.();
    entry.endStream = true;
    this.callState &= ~DECODE_TRAILERS;
    if (!this.decoderAborted) return status;
    this.executePreparedLocalReply();
    return TRAILERS_STOP_ITERATION;
  }

  addDecodedData(entry: DecoderEntry, data: Uint8Array, streaming: boolean): void {
    if (this.destroyed) return;
    const state = this.callState;
    if (state === 0 || (state & (DECODE_HEADERS | DECODE_DATA)) !== 0 || ((state & DECODE_TRAILERS) !== 0 && entry.state !== ITERATE)) {
      entry.addData(data, streaming);
    } else if ((state & DECODE_TRAILERS) !== 0) {
      this.decodeDataFrom(entry, Buffer.from(data), false, false);
    } else {
      bug('invalid request data', entry.name);
      this.replyLocally(502, 'Filter error', null, NO_GRPC_STATUS, 'filter_added_invalid_request_data');
    }
  }

  addDecodedTrailers(): HeaderMap {
    if ((this.callState & END_OF_STREAM) === 0) bug('trailers added before the end of the request');
    this.requestTrailers ??= new HeaderMap();
    return this.requestTrailers;
  }

  /** A filter was to buffer more of the request than the limit allows. */
  requestTooLarge(): void {
    this.onRequestDataTooLarge();
    this.replyLocally(413, statusText(413), null, NO_GRPC_STATUS, 'request_payload_too_large');
  }

  responseTooLarge(): void {
    this.onResponseDataTooLarge();
    this.replyLocally(500, statusText(500), null, NO_GRPC_STATUS, 'response_payload_too_large');
  }

  setBufferLimit(bytes: number): void {
    this.bufferLimit = bytes;
    for (const entry of this.decoders) entry.body?.setLimit(bytes);
    for (const entry of this.encoders) entry.body?.setLimit(bytes);
  }

  // Response.

  /** Informational headers from the terminal filter. Swallowed unless they are to be proxied. */
  encode1xxByFilter(headers: HeaderMap): void {
    if (!this.proxy100Continue || this.destroyed || this.replied) return;
    this.informationalHeaders = headers;
    this.encode1xxFrom(null, headers);
  }

  encode1xxFrom(from: EncoderEntry | null, headers: HeaderMap): void {
    this.resetIdleTimer();
    const encoders = this.encoders;
    for (let i = from === null ? 0 : from.index + 1; i < encoders.length; i++) {
      const entry = encoders[i];
      this.callState |= ENCODE_1XX;
      const status = entry.filter.encode1xxHeaders?.(headers) ?? HEADERS_CONTINUE;
      this.callState &= ~ENCODE_1XX;
      if (this.encoderAborted) return;
      if (status !== HEADERS_CONTINUE) {
        entry.state = STOPPED;
        return;
      }
      entry.continued1xx = true;
    }
    this.encode1xxToCodec(headers);
  }

  encodeHeadersByFilter(entry: DecoderEntry, headers: HeaderMap, endStream: boolean, details: string): void {
    if (this.destroyed || this.replied) return;
    this.abortDecodingIfNotTerminal(entry, endStream);
    this.streamInfo.responseCodeDetails = details;
    this.responseHeaders = headers;
    this.encodeHeadersFrom(null, headers, endStream);
  }

  encodeDataByFilter(entry: DecoderEntry, data: Buffer, endStream: boolean): void {
    if (this.destroyed || this.replied) return;
    this.abortDecodingIfNotTerminal(entry, endStream);
    const apart = endStream && data.length > 0 && this.encoders.length > 0;
    this.encodeDataFrom(null, data, endStream && !apart, false);
    if (apart && !this.destroyed && !this.replied) this.encodeDataFrom(null, EMPTY, true, false);
  }

  encodeTrailersByFilter(entry: DecoderEntry, trailers: HeaderMap): void {
    if (this.destroyed || this.replied) return;
    this.abortDecodingIfNotTerminal(entry, true);
    this.responseTrailers = trailers;
    this.encodeTrailersFrom(null, trailers, false);
  }

  private abortDecodingIfNotTerminal(entry: DecoderEntry, endStream: boolean): void {
    if (endStream && entry.index !== this.decoders.length - 1 && !this.decoderComplete) this.decoderAborted = true;
  }

  /** Where to begin, and the note that the response has ended: nothing of the request is wanted after that. */
  private encodeStart(from: EncoderEntry | null, endStream: boolean, fromCurrent: boolean): number {
    if (from === null && endStream) {
      this.observedEncodeEnd = true;
      this.decoderAborted = true;
    }
    return startIndex(from, fromCurrent);
  }

  encodeHeadersFrom(from: EncoderEntry | null, headers: HeaderMap, end: boolean): void {
    this.resetIdleTimer();
    this.disarmRequestTimeout();
    const encoders = this.encoders;
    let endStream = end;
    let bodyFrom = -1;
    for (let i = this.encodeStart(from, end, false); i < encoders.length; i++) {
      const entry = encoders[i];
      entry.endStream = endStream && bodyFrom < 0;
      const status = this.callEncodeHeaders(entry, headers);
      const goOn = entry.afterHeaders(status);
      if (status === HEADERS_CONTINUE_AND_DONT_END_STREAM) endStream = false;
      if (entry.endStream && !this.destroyed) entry.filter.encodeComplete?.();
      if (!goOn) {
        if (!entry.endStream) this.maybeContinueEncoding(bodyFrom);
        return;
      }
      if (endStream && entry.body !== null && bodyFrom < 0) bodyFrom = i;
    }
    if (responseStatus(headers) < 0) {
      const missing = 'missing required header: :status';
      this.replyLocally(502, missing, null, NO_GRPC_STATUS, `filter_removed_required_response_headers{${missing.replaceAll(' ', '_')}}`);
      return;
    }
    const codecEnd = endStream && bodyFrom < 0;
    this.headersEncoded = true;
    this.encodeHeadersToCodec(headers, codecEnd);
    if (this.destroyed) return;
    if (codecEnd) this.endEncode();
    else this.maybeContinueEncoding(bodyFrom);
  }

  private callEncodeHeaders(entry: EncoderEntry, headers: HeaderMap): FilterHeadersStatus {
    const state = entry.endStream ? ENCODE_HEADERS | END_OF_STREAM : ENCODE_HEADERS;
    this.callState |= state;
    const status = entry.filter.encodeHeaders(headers, entry.endStream);
    this.callState &= ~state;
    return this.encoderAborted ? HEADERS_STOP_ITERATION : status;
  }

  private maybeContinueEncoding(index: number): void {
    if (index < 0 || this.encoderAborted) return;
    const entry = this.encoders[index];
    entry.state = STOPPED;
    entry.continueEncoding();
  }

  encodeDataFrom(from: EncoderEntry | null, bytes: Buffer, endStream: boolean, fromCurrent: boolean): void {
    this.resetIdleTimer();
    if (this.encoderAborted) return;
    const encoders = this.encoders;
    const hadTrailers = this.responseTrailers !== null;
    let data = bytes;
    let trailersFrom = -1;
    for (let i = this.encodeStart(from, endStream, fromCurrent); i < encoders.length; i++) {
      const entry = encoders[i];
      if (entry.stoppedAll) {
        entry.holdStopped(data, endStream);
        return;
      }
      if (entry.endStream) return;
      const status = this.callEncodeData(entry, data, endStream);
      if (this.destroyed) return;
      if (status === DATA_CONTINUE && entry.body !== null && entry.state === ITERATE) data = entry.withAdded(data);
      if (!hadTrailers && this.responseTrailers !== null && trailersFrom < 0) {
        trailersFrom = i;
        if (status !== DATA_CONTINUE) entry.holdTrailers(false);
      }
      if (!entry.afterData(status, data)) {
        if (trailersFrom >= 0 && trailersFrom < i && this.responseTrailers !== null) this.encodeTrailersFrom(encoders[trailersFrom], this.responseTrailers, false);
        return;
      }
    }
    const codecEnd = endStream && trailersFrom < 0;
    this.encodeDataToCodec(data, codecEnd);
    if (this.destroyed) return;
    if (codecEnd) this.endEncode();
    if (trailersFrom >= 0 && this.responseTrailers !== null) this.encodeTrailersFrom(encoders[trailersFrom], this.responseTrailers, false);
  }

  private callEncodeData(entry: EncoderEntry, data: Buffer, endStream: boolean): FilterDataStatus {
    const state = endStream ? ENCODE_DATA | END_OF_STREAM : ENCODE_DATA;
    entry.endStream = endStream && this.responseTrailers === null;
    this.callState |= state;
    const status = entry.filter.encodeData(data, entry.endStream);
    if (entry.endStream && !this.destroyed) entry.filter.encodeComplete?.();
    this.callState &= ~state;
    return this.encoderAborted ? DATA_STOP_ITERATION_NO_BUFFER : status;
  }

  encodeTrailersFrom(from: EncoderEntry | null, trailers: HeaderMap, fromCurrent: boolean): void {
    this.resetIdleTimer();
    if (this.encoderAborted) return;
    const encoders = this.encoders;
    for (let i = this.encodeStart(from, true, fromCurrent); i < encoders.length; i++) {
      const entry = encoders[i];
      if (entry.stoppedAll) {
        entry.holdTrailers(true);
        return;
      }
      this.callState |= ENCODE_TRAILERS;
      const status = entry.filter.encodeTrailers(trailers);
      if (!this.destroyed) entry.filter.encodeComplete?.();
      entry.endStream = true;
      this.callState &= ~ENCODE_TRAILERS;
      if (this.encoderAborted || !entry.afterTrailers(status)) return;
    }
    this.encodeTrailersToCodec(trailers);
    if (!this.destroyed) this.endEncode();
  }

  private endEncode(): void {
    if (this.encoderComplete) {
      bug('response ended twice');
      return;
    }
    this.encoderComplete = true;
    this.endStreamNow();
  }

  addEncodedData(entry: EncoderEntry, data: Uint8Array, streaming: boolean): void {
    if (this.destroyed) return;
    const state = this.callState;
    if (state === 0 || (state & (ENCODE_HEADERS | ENCODE_DATA)) !== 0 || ((state & ENCODE_TRAILERS) !== 0 && entry.state !== ITERATE)) {
      entry.addData(data, streaming);
    } else if ((state & ENCODE_TRAILERS) !== 0) {
      this.encodeDataFrom(entry, Buffer.from(data), false, false);
    } else {
      bug('invalid response data', entry.name);
      this.replyLocally(502, 'Filter error', null, NO_GRPC_STATUS, 'filter_added_invalid_response_data');
    }
  }

  addEncodedTrailers(): HeaderMap {
    if ((this.callState & END_OF_STREAM) === 0) bug('trailers added before the end of the response');
    this.responseTrailers ??= new HeaderMap();
    return this.responseTrailers;
  }

  // Local replies and resets.

  /**
   * Answers the request from here: through the encoder filters when no response has begun, straight to the codec when filters hold one
   * back, by reset when headers have left. From inside a decoder call the reply is prepared now and sent when that call returns, so
   * that the filter is not re-entered.
   */
  replyLocally(status: number, body: string, modify: LocalReplyModifier | null, grpcStatus: number, details: string): void {
    if (this.destroyed || this.underOnLocalReply) return;
    if ((this.callState & DECODING) !== 0) this.decoderAborted = true;
    else if ((this.callState & ENCODING) !== 0) this.encoderAborted = true;
    this.streamInfo.responseCodeDetails = details;
    this.notifyLocalReply(status, details);
    if (this.destroyed) return;
    if (this.responseHeaders === null && (this.informationalHeaders === null || (this.callState & ENCODING) === 0)) {
      this.replyThroughFilters(status, body, modify, grpcStatus);
    } else if (!this.headersEncoded) {
      this.replyDirectly(status, body, modify, grpcStatus);
    } else {
      this.resetStream(RESET_LOCAL_RESET, '');
    }
  }

  private notifyLocalReply(status: number, details: string): void {
    this.underOnLocalReply = true;
    this.onLocalReply(status);
    const filters = this.filters;
    for (let i = 0; i < filters.length && !this.destroyed; i++) filters[i].onLocalReply?.(status, details);
    this.underOnLocalReply = false;
  }

  private replyThroughFilters(status: number, body: string, modify: LocalReplyModifier | null, grpcStatus: number): void {
    if (this.prepared !== null) return;
    // The route's response header changes apply to local replies too.
    const route = this.route();
    this.createFilterChain(route);
    this.prepared = this.prepareReply(status, body, modify, grpcStatus);
    if ((this.callState & DECODING) === 0) this.executePreparedLocalReply();
  }

  private prepareReply(status: number, body: string, modify: LocalReplyModifier | null, grpcStatus: number): PreparedLocalReply {
    return prepareLocalReply(this.localReply, this, this.isGrpcRequest, this.isHeadRequest, status, body, modify, grpcStatus);
  }

  private executePreparedLocalReply(): void {
    const reply = this.prepared;
    if (reply === null || this.destroyed) return;
    this.prepared = null;
    this.replied = true;
    this.responseHeaders = reply.headers;
    this.encodeHeadersFrom(null, reply.headers, reply.body === null);
    if (reply.body !== null && !this.destroyed) this.encodeDataFrom(null, reply.body, true, false);
  }

  /** Filters hold a response back, or informational headers are stopped: this reply passes them by. */
  private replyDirectly(status: number, body: string, modify: LocalReplyModifier | null, grpcStatus: number): void {
    const reply = this.prepareReply(status, body, modify, grpcStatus);
    this.responseHeaders = reply.headers;
    this.headersEncoded = true;
    this.observedEncodeEnd = true;
    this.encoderAborted = true;
    this.decoderAborted = true;
    this.encodeHeadersToCodec(reply.headers, reply.body === null);
    if (this.destroyed) return;
    if (reply.body !== null) this.encodeDataToCodec(reply.body, true);
    if (!this.destroyed) this.endEncode();
  }

  resetStreamByFilter(reason: StreamResetReason, failure: string): void {
    if (this.destroyed) return;
    if ((this.callState & DECODING) !== 0) this.decoderAborted = true;
    else if ((this.callState & ENCODING) !== 0) this.encoderAborted = true;
    this.resetStream(reason, failure);
  }

  /** Whether the stream could be started again with the present request headers. */
  recreateByFilter(headers: HeaderMap, body: BodyBuffer | null): boolean {
    if (!this.observedDecodeEnd || this.destroyed) return false;
    this.decoderAborted = true;
    this.encoderAborted = true;
    this.streamInfo.responseCodeDetails = 'internal_redirect';
    this.recreateStream(headers, body === null || body.length === 0 ? null : body.bytes());
    return true;
  }

  // Flow control towards the upstream.

  addWatermarkCallbacks(callbacks: DownstreamWatermarkCallbacks): void {
    if (this.watermarkCallbacks === null) this.watermarkCallbacks = [callbacks];
    else this.watermarkCallbacks.push(callbacks);
    for (let i = 0; i < this.highWatermarkCount; i++) callbacks.onAboveWriteBufferHighWatermark();
  }

  removeWatermarkCallbacks(callbacks: DownstreamWatermarkCallbacks): void {
    const at = this.watermarkCallbacks?.indexOf(callbacks) ?? -1;
    if (at >= 0) this.watermarkCallbacks?.splice(at, 1);
  }

  callHighWatermarkCallbacks(): void {
    this.highWatermarkCount++;
    const callbacks = this.watermarkCallbacks;
    if (callbacks === null) return;
    for (let i = 0; i < callbacks.length; i++) callbacks[i].onAboveWriteBufferHighWatermark();
  }

  callLowWatermarkCallbacks(): void {
    if (this.highWatermarkCount === 0) return;
    this.highWatermarkCount--;
    const callbacks = this.watermarkCallbacks;
    if (callbacks === null) return;
    for (let i = 0; i < callbacks.length; i++) callbacks[i].onBelowWriteBufferLowWatermark();
  }
}

/** The first filter, the one behind `from`, or `from` itself when it has not seen what it held. */
function startIndex(from: DecoderEntry | EncoderEntry | null, fromCurrent: boolean): number {
  if (from === null) return 0;
  return fromCurrent ? from.index : from.index + 1;
}
