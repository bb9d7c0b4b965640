import { GRPC_FRAME_HEADER_BYTES, grpcFrameHeader } from '../../../../codec/grpc/index.ts';
import { parseUint } from '../../../../common/byte-string.ts';
import { isGrpcRequest } from '../../../../common/grpc/content-type.ts';
import { GRPC_INTERNAL, GRPC_OK, GRPC_UNKNOWN, httpToGrpcStatus } from '../../../../common/grpc/status.ts';
import type { HeaderMap } from '../../../../contract/header-map.ts';
import type { StreamDecoderFilterCallbacks, StreamEncoderFilterCallbacks, StreamFilter } from '../../../../contract/http-filter.ts';
import {
  DATA_CONTINUE, DATA_STOP_ITERATION_NO_BUFFER, HEADERS_CONTINUE, HEADERS_STOP_ITERATION, TRAILERS_CONTINUE, TRAILERS_STOP_ITERATION,
} from '../../../../contract/status.ts';
import type { FilterDataStatus, FilterHeadersStatus, FilterTrailersStatus } from '../../../../contract/status.ts';
import type { ReverseBridgeConfig, ReverseBridgeRoute } from './config.ts';
import { HoldingFramer, SizedFramer } from './message-framer.ts';
import type { MessageFramer } from './message-framer.ts';

/**
 * Lets gRPC clients call upstreams that speak plain HTTP: the content type is exchanged, gRPC's frame header is taken off and put on if so
 * configured, and the HTTP status becomes `grpc-status` in trailers.
 */
export class ReverseBridgeFilter implements StreamFilter {
  private readonly config: ReverseBridgeConfig;
  private decoderCallbacks: StreamDecoderFilterCallbacks | null;
  private encoderCallbacks: StreamEncoderFilterCallbacks | null;
  private active: boolean;
  /** The client's, such as `application/grpc+proto`. */
  private contentType: string;
  /** Bytes of the request's frame header that are still to be dropped. */
  private headerToDrop: number;
  private grpcStatus: number;
  private framer: MessageFramer | null;
  /** What `response_size_header` said, -1 = it is not used. */
  private announcedBytes: number;
  private responseBytes: number;

  constructor(config: ReverseBridgeConfig) {
    this.config = config;
    this.decoderCallbacks = null;
    this.encoderCallbacks = null;
    this.active = false;
    this.contentType = '';
    this.headerToDrop = 0;
    this.grpcStatus = GRPC_UNKNOWN;
    this.framer = null;
    this.announcedBytes = -1;
    this.responseBytes = 0;
  }

  setDecoderFilterCallbacks(callbacks: StreamDecoderFilterCallbacks): void {
    this.decoderCallbacks = callbacks;
  }

  setEncoderFilterCallbacks(callbacks: StreamEncoderFilterCallbacks): void {
    this.encoderCallbacks = callbacks;
  }

  decodeHeaders(headers: HeaderMap, endStream: boolean): FilterHeadersStatus {
    const callbacks = this.decoderCallbacks;
    if (endStream || callbacks === null || !isGrpcRequest(headers)) return HEADERS_CONTINUE;
    // createPerRoute is the only maker of this filter's route configurations.
    const route = callbacks.mostSpecificPerFilterConfig() as ReverseBridgeRoute | null;
    if (route?.disabled === true) return HEADERS_CONTINUE;
    this.active = true;
    this.contentType = headers.get('content-type') ?? '';
    headers.set('content-type', this.config.contentType);
    headers.set('accept', this.config.contentType);
    if (this.config.withholdFrames) {
      this.headerToDrop = GRPC_FRAME_HEADER_BYTES;
      adjustLength(headers, -GRPC_FRAME_HEADER_BYTES);
    }
    callbacks.clearRouteCache();
    return HEADERS_CONTINUE;
  }

  decodeData(data: Buffer, endStream: boolean): FilterDataStatus {
    if (this.headerToDrop === 0) return DATA_CONTINUE;
    const dropped = Math.min(this.headerToDrop, data.length);
    this.headerToDrop -= dropped;
    if (this.headerToDrop > 0) {
      if (endStream) this.refuseShortBody();
      return DATA_STOP_ITERATION_NO_BUFFER;
    }
    this.decoderCallbacks?.replaceData(data.subarray(dropped));
    return DATA_CONTINUE;
  }

  decodeTrailers(): FilterTrailersStatus {
    if (this.headerToDrop === 0 || this.headerToDrop === GRPC_FRAME_HEADER_BYTES) return TRAILERS_CONTINUE;
    this.refuseShortBody();
    return TRAILERS_STOP_ITERATION;
  }

  private refuseShortBody(): void {
    this.decoderCallbacks?.sendLocalReply(200, 'invalid request body', null, GRPC_UNKNOWN, 'grpc_bridge_data_too_small');
  }

  encodeHeaders(headers: HeaderMap, endStream: boolean): FilterHeadersStatus {
    const callbacks = this.encoderCallbacks;
    if (!this.active || callbacks === null) return HEADERS_CONTINUE;
    if ((headers.get('content-type') ?? '') !== this.config.contentType) {
      callbacks.sendLocalReply(200, badContentType(headers), null, GRPC_UNKNOWN, 'grpc_bridge_content_type_wrong');
      return HEADERS_STOP_ITERATION;
    }
    headers.set('content-type', this.contentType);
    if (this.config.withholdFrames && !this.frameResponse(headers, callbacks)) return HEADERS_STOP_ITERATION;
    const status = Number(headers.get(':status'));
    this.grpcStatus = status === 200 ? GRPC_OK : httpToGrpcStatus(status);
    // Clients of gRPC know no other.
    headers.set(':status', '200');
    if (endStream && this.config.withholdFrames) {
      callbacks.addEncodedData(grpcFrameHeader(0, 0), false);
      headers.set('content-length', String(GRPC_FRAME_HEADER_BYTES));
      this.writeStatus(callbacks.addEncodedTrailers());
    }
    return HEADERS_CONTINUE;
  }

  /** Chooses how the response gets its frame header, and says its length; false when the upstream owed one and gave none. */
  private frameResponse(headers: HeaderMap, callbacks: StreamEncoderFilterCallbacks): boolean {
    const { sizeHeader } = this.config;
    if (sizeHeader === '') {
      const length = adjustLength(headers, GRPC_FRAME_HEADER_BYTES);
      this.framer = length > 0 ? new SizedFramer(callbacks, length) : new HoldingFramer(callbacks);
      return true;
    }
    const announced = parseUint((headers.get(sizeHeader) ?? '').split(',', 1)[0]);
    if (announced < 0 || announced > MAX_ANNOUNCED) {
      const text = 'envoy reverse bridge: upstream did not set content length';
      callbacks.sendLocalReply(200, text, null, GRPC_INTERNAL, 'grpc_bridge_content_length_missing');
      return false;
    }
    headers.set('content-length', String(announced + GRPC_FRAME_HEADER_BYTES));
    this.announcedBytes = announced;
    this.framer = new SizedFramer(callbacks, announced);
    return true;
  }

  encodeData(data: Buffer, endStream: boolean): FilterDataStatus {
    const callbacks = this.encoderCallbacks;
    if (!this.active || callbacks === null) return DATA_CONTINUE;
    this.responseBytes += data.length;
    const status = this.framer?.encodeData(data, endStream) ?? DATA_CONTINUE;
    if (!endStream) return status;
    this.writeStatus(callbacks.addEncodedTrailers());
    if (this.announcedBytes < 0 || this.announcedBytes === this.responseBytes) return status;
    const text = 'envoy reverse bridge: upstream set incorrect content length';
    callbacks.sendLocalReply(200, text, null, GRPC_INTERNAL, 'grpc_bridge_content_length_wrong');
    return DATA_STOP_ITERATION_NO_BUFFER;
  }

  encodeTrailers(trailers: HeaderMap): FilterTrailersStatus {
    if (!this.active) return TRAILERS_CONTINUE;
    this.writeStatus(trailers);
    this.framer?.encodeTrailers();
    return TRAILERS_CONTINUE;
  }

  private writeStatus(trailers: HeaderMap): void {
    trailers.set('grpc-status', String(this.grpcStatus));
  }

  onDestroy(): void {
    this.decoderCallbacks = null;
    this.encoderCallbacks = null;
    this.framer = null;
  }
}

/** The header is a number of 32 bits. */
const MAX_ANNOUNCED = 0xffff_ffff;

/** Adds to a `content-length` that is there and not zero; returns what it said before, or 0. */
function adjustLength(headers: HeaderMap, by: number): number {
  const length = parseUint(headers.get('content-length') ?? '');
  if (length <= 0) return 0;
  headers.set('content-length', String(Math.max(0, length + by)));
  return length;
}

function badContentType(headers: HeaderMap): string {
  const type = headers.get('content-type');
  const status = headers.get(':status') ?? '';
  return type === undefined
    ? `envoy reverse bridge: upstream responded with no content-type header, status code ${status}`
    : `envoy reverse bridge: upstream responded with unsupported content-type ${type}, status code ${status}`;
}
