import { CONNECT_FLAG_END_STREAM, GRPC_FLAG_COMPRESSED, GRPC_FRAME_HEADER_BYTES, encodeGrpcFrame } from '../../../../codec/grpc/index.ts';
import { isGrpcResponse } from '../../../../common/grpc/content-type.ts';
import type { HeaderMap } from '../../../../contract/header-map.ts';
import type { StreamDecoderFilterCallbacks, StreamEncoderFilterCallbacks, StreamFilter } from '../../../../contract/http-filter.ts';
import {
  DATA_CONTINUE, DATA_STOP_ITERATION_NO_BUFFER, HEADERS_CONTINUE, HEADERS_STOP_ITERATION, TRAILERS_CONTINUE,
} from '../../../../contract/status.ts';
import type { FilterDataStatus, FilterHeadersStatus, FilterTrailersStatus } from '../../../../contract/status.ts';
import { endOfStreamJson } from './connect-error.ts';
import { MessageBuffer } from './message-buffer.ts';
import { connectQuery, isStreaming, isUnary, streamingToGrpc, unaryGetToGrpc, unaryToGrpc } from './request-headers.ts';
import { streamingToConnect, trailersToHeaders, unaryOutcome, unaryToConnect } from './response-headers.ts';

const NOT_CONNECT = 0;
const STREAMING = 1;
const UNARY = 2;

const NOTHING = Buffer.alloc(0);
const REQUEST_TOO_LARGE = 'Request rejected because the filter\'s internal buffer size exceeds the configured limit.';
const RESPONSE_TOO_LARGE = 'Response discarded because the filter\'s internal buffer size exceeds the configured limit.';

/**
 * Lets Connect clients (https://connectrpc.com/docs/protocol) call gRPC services: unary by POST and GET, and streams. A unary message has no
 * frame in Connect, so it is held until it is whole; messages of streams pass as they come.
 */
export class ConnectGrpcBridgeFilter implements StreamFilter {
  private decoderCallbacks: StreamDecoderFilterCallbacks | null;
  private encoderCallbacks: StreamEncoderFilterCallbacks | null;
  private kind: number;
  /** The unary message of the client's while it comes, or null. */
  private request: MessageBuffer | null;
  private requestFlags: number;
  private responseHeaders: HeaderMap | null;
  /** The unary answer's message. */
  private response: MessageBuffer | null;
  /** Bytes of the response's frame header that were dropped. */
  private headerDropped: number;

  constructor() {
    this.decoderCallbacks = null;
    this.encoderCallbacks = null;
    this.kind = NOT_CONNECT;
    this.request = null;
    this.requestFlags = 0;
    this.responseHeaders = null;
    this.response = null;
    this.headerDropped = 0;
  }

  setDecoderFilterCallbacks(callbacks: StreamDecoderFilterCallbacks): void {
    this.decoderCallbacks = callbacks;
  }

  setEncoderFilterCallbacks(callbacks: StreamEncoderFilterCallbacks): void {
    this.encoderCallbacks = callbacks;
  }

  decodeHeaders(headers: HeaderMap, endStream: boolean): FilterHeadersStatus {
    if (isStreaming(headers)) {
      this.kind = STREAMING;
      streamingToGrpc(headers);
      return HEADERS_CONTINUE;
    }
    const request = this.beginUnary(headers);
    if (request === null) return HEADERS_CONTINUE;
    this.kind = UNARY;
    this.request = request;
    if (this.requestTooLarge(request)) return HEADERS_STOP_ITERATION;
    if (endStream) this.decoderCallbacks?.addDecodedData(this.takeRequest(request), true);
    return HEADERS_CONTINUE;
  }

  /** Translates the headers of a unary call, by POST or GET; gives what there is of its message, or null when it is none. */
  private beginUnary(headers: HeaderMap): MessageBuffer | null {
    if (isUnary(headers)) {
      this.requestFlags = unaryToGrpc(headers);
      return new MessageBuffer();
    }
    const query = connectQuery(headers);
    if (query === null) return null;
    const { flags, message } = unaryGetToGrpc(headers, query);
    this.requestFlags = flags;
    const request = new MessageBuffer();
    request.add(message);
    return request;
  }

  decodeData(data: Buffer, endStream: boolean): FilterDataStatus {
    const request = this.request;
    if (request === null) return DATA_CONTINUE;
    request.add(data);
    if (this.requestTooLarge(request) || !endStream) return DATA_STOP_ITERATION_NO_BUFFER;
    this.decoderCallbacks?.replaceData(this.takeRequest(request));
    return DATA_CONTINUE;
  }

  decodeTrailers(): FilterTrailersStatus {
    if (this.request !== null) this.decoderCallbacks?.addDecodedData(this.takeRequest(this.request), true);
    return TRAILERS_CONTINUE;
  }

  private takeRequest(request: MessageBuffer): Buffer {
    return encodeGrpcFrame(request.take(), this.requestFlags);
  }

  private requestTooLarge(request: MessageBuffer): boolean {
    const limit = this.decoderCallbacks?.bufferLimit ?? 0;
    if (limit === 0 || request.length <= limit) return false;
    request.clear();
    this.decoderCallbacks?.sendLocalReply(413, REQUEST_TOO_LARGE, null, -1, 'connect_bridge_unary_request_too_large');
    return true;
  }

  encodeHeaders(headers: HeaderMap, endStream: boolean): FilterHeadersStatus {
    if (this.kind === NOT_CONNECT || !isGrpcResponse(headers, endStream)) return HEADERS_CONTINUE;
    this.responseHeaders = headers;
    headers.remove('content-length');
    if (this.kind === STREAMING) {
      streamingToConnect(headers);
      if (endStream) {
        this.encoderCallbacks?.addEncodedData(endOfStream(headers, false), true);
        headers.removePrefix('grpc-');
      }
      return HEADERS_CONTINUE;
    }
    unaryToConnect(headers);
    if (!endStream) {
      this.response = new MessageBuffer();
      return HEADERS_STOP_ITERATION;
    }
    const error = unaryOutcome(headers, headers);
    if (error !== null) this.encoderCallbacks?.addEncodedData(error, true);
    headers.removePrefix('grpc-');
    return HEADERS_CONTINUE;
  }

  encodeData(data: Buffer, endStream: boolean): FilterDataStatus {
    const response = this.response;
    if (response === null) return DATA_CONTINUE;
    response.add(this.withoutHeader(data));
    if (this.responseTooLarge(response) || !endStream) return DATA_STOP_ITERATION_NO_BUFFER;
    this.encoderCallbacks?.replaceData(response.take());
    return DATA_CONTINUE;
  }

  private withoutHeader(data: Buffer): Buffer {
    if (this.headerDropped === GRPC_FRAME_HEADER_BYTES || data.length === 0) return data;
    // `content-encoding` speaks of the body, which need not be what gRPC has agreed upon.
    if (this.headerDropped === 0 && (data[0] & GRPC_FLAG_COMPRESSED) === 0) this.responseHeaders?.remove('content-encoding');
    const drop = Math.min(GRPC_FRAME_HEADER_BYTES - this.headerDropped, data.length);
    this.headerDropped += drop;
    return data.subarray(drop);
  }

  private responseTooLarge(response: MessageBuffer): boolean {
    const limit = this.encoderCallbacks?.bufferLimit ?? 0;
    if (limit === 0 || response.length <= limit) return false;
    response.clear();
    this.encoderCallbacks?.sendLocalReply(500, RESPONSE_TOO_LARGE, null, -1, 'connect_bridge_unary_response_too_large');
    return true;
  }

  encodeTrailers(trailers: HeaderMap): FilterTrailersStatus {
    const headers = this.responseHeaders;
    const callbacks = this.encoderCallbacks;
    if (headers === null || callbacks === null) return TRAILERS_CONTINUE;
    if (this.kind === STREAMING) callbacks.addEncodedData(endOfStream(trailers, true), true);
    else {
      trailersToHeaders(headers, trailers);
      callbacks.addEncodedData(unaryOutcome(headers, trailers) ?? this.response?.take() ?? NOTHING, true);
    }
    trailers.clear();
    return TRAILERS_CONTINUE;
  }

  onDestroy(): void {
    this.decoderCallbacks = null;
    this.encoderCallbacks = null;
    this.responseHeaders = null;
    this.request = null;
    this.response = null;
  }
}

function endOfStream(trailers: HeaderMap, withMetadata: boolean): Buffer {
  return encodeGrpcFrame(Buffer.from(endOfStreamJson(trailers, withMetadata), 'latin1'), CONNECT_FLAG_END_STREAM);
}
