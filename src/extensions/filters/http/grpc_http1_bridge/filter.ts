import { GRPC_FRAME_HEADER_BYTES, encodeGrpcFrame, writeGrpcFrameHeader } from '../../../../codec/grpc/index.ts';
import { GRPC_CONTENT_TYPE, isGrpcRequest, isProtobufRequest } from '../../../../common/grpc/content-type.ts';
import { parseUint } from '../../../../common/byte-string.ts';
import type { HeaderMap } from '../../../../contract/header-map.ts';
import type { StreamDecoderFilterCallbacks, StreamEncoderFilterCallbacks, StreamFilter } from '../../../../contract/http-filter.ts';
import {
  DATA_CONTINUE, DATA_STOP_ITERATION_AND_BUFFER, HEADERS_CONTINUE, HEADERS_STOP_ITERATION, TRAILERS_CONTINUE,
} from '../../../../contract/status.ts';
import type { FilterDataStatus, FilterHeadersStatus, FilterTrailersStatus } from '../../../../contract/status.ts';
import { PROTOCOL_HTTP2 } from '../../../../contract/stream-info.ts';
import type { GrpcHttp1BridgeConfig } from './config.ts';

const NO_HEADER = Buffer.alloc(GRPC_FRAME_HEADER_BYTES);

/**
 * Lets HTTP/1.1 clients, which cannot read trailers, call gRPC services: the response is held until its trailers are there, and their status
 * goes into the headers. With `upgrade_protobuf_to_grpc` the client need not know gRPC's framing either.
 */
export class GrpcHttp1BridgeFilter implements StreamFilter {
  private readonly config: GrpcHttp1BridgeConfig;
  private decoderCallbacks: StreamDecoderFilterCallbacks | null;
  private encoderCallbacks: StreamEncoderFilterCallbacks | null;
  private bridging: boolean;
  /** The request is a bare message: it gets a frame header, and the response loses its own. */
  private framing: boolean;
  private requestHeld: boolean;
  /** Bytes of the response's frame header that are still to be dropped. */
  private headerToDrop: number;
  private responseHeaders: HeaderMap | null;

  constructor(config: GrpcHttp1BridgeConfig) {
    this.config = config;
    this.decoderCallbacks = null;
    this.encoderCallbacks = null;
    this.bridging = false;
    this.framing = false;
    this.requestHeld = false;
    this.headerToDrop = 0;
    this.responseHeaders = null;
  }

  setDecoderFilterCallbacks(callbacks: StreamDecoderFilterCallbacks): void {
    this.decoderCallbacks = callbacks;
  }

  setEncoderFilterCallbacks(callbacks: StreamEncoderFilterCallbacks): void {
    this.encoderCallbacks = callbacks;
  }

  decodeHeaders(headers: HeaderMap): FilterHeadersStatus {
    const callbacks = this.decoderCallbacks;
    if (callbacks === null) return HEADERS_CONTINUE;
    const upgrade = this.config.upgradeProtobuf && isProtobufRequest(headers);
    if (upgrade) {
      headers.set('content-type', GRPC_CONTENT_TYPE);
      // The frame header makes the body longer.
      headers.remove('content-length');
      callbacks.clearRouteCache();
    }
    this.bridging = callbacks.streamInfo.protocol < PROTOCOL_HTTP2 && isGrpcRequest(headers);
    this.framing = upgrade && this.bridging;
    if (this.framing) this.headerToDrop = GRPC_FRAME_HEADER_BYTES;
    if (this.bridging && this.config.ignoreQuery) dropQuery(headers);
    return HEADERS_CONTINUE;
  }

  decodeData(data: Buffer, endStream: boolean): FilterDataStatus {
    const callbacks = this.decoderCallbacks;
    if (!this.framing || callbacks === null) return DATA_CONTINUE;
    if (this.requestHeld) {
      if (endStream) this.fillHeldHeader(data.length);
    } else if (data.length > 0 || !endStream) {
      // A body of no bytes stays one, as in Envoy. Room for the header, whose length is known when the body has ended.
      this.requestHeld = true;
      callbacks.replaceData(endStream ? encodeGrpcFrame(data) : Buffer.concat([NO_HEADER, data]));
    }
    return endStream ? DATA_CONTINUE : DATA_STOP_ITERATION_AND_BUFFER;
  }

  decodeTrailers(): FilterTrailersStatus {
    if (this.requestHeld) this.fillHeldHeader(0);
    return TRAILERS_CONTINUE;
  }

  private fillHeldHeader(more: number): void {
    const held = this.decoderCallbacks?.decodingBuffer() ?? null;
    if (held !== null) writeGrpcFrameHeader(held, 0, held.length - GRPC_FRAME_HEADER_BYTES + more, 0);
  }

  encodeHeaders(headers: HeaderMap, endStream: boolean): FilterHeadersStatus {
    if (!this.bridging || endStream) return HEADERS_CONTINUE;
    this.responseHeaders = headers;
    return HEADERS_STOP_ITERATION;
  }

  encodeData(data: Buffer, endStream: boolean): FilterDataStatus {
    if (!this.bridging || endStream) return DATA_CONTINUE;
    if (this.headerToDrop > 0) {
      const dropped = Math.min(this.headerToDrop, data.length);
      this.headerToDrop -= dropped;
      this.encoderCallbacks?.replaceData(data.subarray(dropped));
    }
    return DATA_STOP_ITERATION_AND_BUFFER;
  }

  encodeTrailers(trailers: HeaderMap): FilterTrailersStatus {
    const headers = this.responseHeaders;
    if (headers === null) return TRAILERS_CONTINUE;
    const status = trailers.get('grpc-status');
    if (status !== undefined) {
      if (parseUint(status) !== 0) headers.set(':status', '503');
      headers.set('grpc-status', status);
    }
    const message = trailers.get('grpc-message');
    if (message !== undefined) headers.set('grpc-message', message);
    // Clients see by it whether the response is whole.
    headers.set('content-length', String(this.encoderCallbacks?.encodingBuffer()?.length ?? 0));
    return TRAILERS_CONTINUE;
  }

  onDestroy(): void {
    this.decoderCallbacks = null;
    this.encoderCallbacks = null;
    this.responseHeaders = null;
  }
}

function dropQuery(headers: HeaderMap): void {
  const path = headers.get(':path') ?? '';
  const query = path.indexOf('?');
  if (query >= 0) headers.set(':path', path.slice(0, query));
}
