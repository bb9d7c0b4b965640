import type { AccessLog, AccessLogType, LogContext } from '../../contract/access-log.ts';
import { isGrpcRequest } from '../../common/grpc/content-type.ts';
import type { StreamResetReason } from '../../contract/codec.ts';
import type { Dispatcher } from '../../contract/dispatcher.ts';
import type { HeaderMap } from '../../contract/header-map.ts';
import type { DownstreamWatermarkCallbacks, StreamFilterBase } from '../../contract/http-filter.ts';
import type { Connection } from '../../contract/network.ts';
import type { Route } from '../../contract/route.ts';
import type { StreamInfo } from '../../contract/stream-info.ts';
import type { ClusterInfo } from '../../contract/upstream.ts';
import { statusText } from './codes.ts';
import type { DecoderEntry } from './decoder-entry.ts';
import type { EncoderEntry } from './encoder-entry.ts';
import type { FilterChainFactory } from './filter-manager.ts';
import { NO_GRPC_STATUS } from './local-reply.ts';
import type { LocalReply, LocalReplyModifier, PreparedLocalReply } from './local-reply.ts';

/** What became of an `Upgrade` (or CONNECT) when the chain was made. */
export const UPGRADE_UNNEEDED = 0;
export const UPGRADE_ACCEPTED = 1;
export const UPGRADE_REJECTED = 2;
export type UpgradeResult = 0 | 1 | 2;

/** Which calls into filters are under way: bits of `callState`. */
export const DECODE_HEADERS = 1;
export const DECODE_DATA = 2;
export const DECODE_TRAILERS = 4;
export const ENCODE_1XX = 8;
export const ENCODE_HEADERS = 16;
export const ENCODE_DATA = 32;
export const ENCODE_TRAILERS = 64;
/** The call under way carries the end of the stream: trailers may be added. */
export const END_OF_STREAM = 128;
export const DECODING = DECODE_HEADERS | DECODE_DATA | DECODE_TRAILERS;
export const ENCODING = ENCODE_1XX | ENCODE_HEADERS | ENCODE_DATA | ENCODE_TRAILERS;

export const NO_DECODERS: DecoderEntry[] = [];
export const NO_ENCODERS: EncoderEntry[] = [];

/**
 * What a stream's filter manager knows while headers, body and trailers pass through the filters, both directions together, and the two
 * ends that the connection manager fills in. The steps are in the classes that extend it, one on the other, for a stream is one object:
 * filter-manager.ts tells which is where.
 */
export abstract class FilterManagerState implements LogContext {
  readonly dispatcher: Dispatcher;
  readonly streamInfo: StreamInfo;
  readonly streamId: number;
  protected readonly factory: FilterChainFactory;
  protected readonly localReply: LocalReply;
  protected readonly proxy100Continue: boolean;

  requestHeaders: HeaderMap | null;
  requestTrailers: HeaderMap | null;
  responseHeaders: HeaderMap | null;
  responseTrailers: HeaderMap | null;
  informationalHeaders: HeaderMap | null;

  /** LogContext: filled in at each moment of logging. */
  localReplyBody: string;
  type: AccessLogType;
  now: number;

  protected decoders: DecoderEntry[];
  protected encoders: EncoderEntry[];
  protected filters: StreamFilterBase[];
  protected accessLogHandlers: AccessLog[] | null;
  /** Name under which filters added now are known. */
  protected filterName: string;
  protected chainCreated: boolean;
  protected upgrade: UpgradeResult;

  bufferLimit: number;

  protected callState: number;
  observedDecodeEnd: boolean;
  observedEncodeEnd: boolean;
  decoderAborted: boolean;
  encoderAborted: boolean;
  protected decoderComplete: boolean;
  encoderComplete: boolean;
  protected headersEncoded: boolean;
  protected isHeadRequest: boolean;
  protected isGrpcRequest: boolean;
  protected underOnLocalReply: boolean;
  destroyed: boolean;
  protected prepared: PreparedLocalReply | null;
  /** A local reply is on its way: what the terminal filter still brings is no response any more. */
  protected replied: boolean;

  protected watermarkCallbacks: DownstreamWatermarkCallbacks[] | null;
  protected highWatermarkCount: number;

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
  /** `allow_multiplexed_upstream_half_close`: the stream ends when both directions have, not with the response. */
  protected abstract readonly halfCloseEnabled: boolean;
  protected abstract encode1xxToCodec(headers: HeaderMap): void;
  protected abstract encodeHeadersToCodec(headers: HeaderMap, endStream: boolean): void;
  protected abstract encodeDataToCodec(data: Buffer, endStream: boolean): void;
  protected abstract encodeTrailersToCodec(trailers: HeaderMap): void;
  /** METADATA, where the codec has it. */
  encodeMetadataToCodec(_metadata: ReadonlyMap<string, string>): void {}
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

  // The steps that others begin; docstrings where they are.

  abstract createFilterChain(route: Route | null): UpgradeResult;
  abstract replyLocally(status: number, body: string, modify: LocalReplyModifier | null, grpcStatus: number, details: string): void;

  /** Latches what later changes of the headers must not change: HEAD and gRPC decide the shape of local replies. */
  protected requestHeadersInitialized(headers: HeaderMap): void {
    this.requestHeaders = headers;
    this.isHeadRequest = headers.get(':method') === 'HEAD';
    this.isGrpcRequest = isGrpcRequest(headers);
  }

  /** The stream is being reset by this side: nothing more may be sent or decoded. */
  protected setLocalComplete(): void {
    this.observedEncodeEnd = true;
    this.decoderAborted = true;
  }

  // Buffer limits.

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
export function startIndex(from: DecoderEntry | EncoderEntry | null, fromCurrent: boolean): number {
  if (from === null) return 0;
  return fromCurrent ? from.index : from.index + 1;
}
