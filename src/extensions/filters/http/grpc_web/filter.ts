import { Base64Decoder, GrpcWebTextEncoder } from '../../../../codec/grpc/index.ts';
import { GRPC_CONTENT_TYPE } from '../../../../common/grpc/content-type.ts';
import { encodeGrpcMessage } from '../../../../common/grpc/message.ts';
import { grpcMethodOf } from '../../../../common/grpc/method.ts';
import { GRPC_WEB_STATS, grpcStatsOf } from '../../../../common/grpc/stats.ts';
import type { GrpcMethodStats } from '../../../../common/grpc/stats.ts';
import { httpToGrpcStatus } from '../../../../common/grpc/status.ts';
import type { HeaderMap } from '../../../../contract/header-map.ts';
import type { StreamDecoderFilterCallbacks, StreamEncoderFilterCallbacks, StreamFilter } from '../../../../contract/http-filter.ts';
import {
  DATA_CONTINUE, DATA_STOP_ITERATION_NO_BUFFER, HEADERS_CONTINUE, HEADERS_STOP_ITERATION, TRAILERS_CONTINUE,
} from '../../../../contract/status.ts';
import type { FilterDataStatus, FilterHeadersStatus, FilterTrailersStatus } from '../../../../contract/status.ts';
import { GRPC_WEB_PROTO, GRPC_WEB_TEXT_PROTO, isFramedResponse, isGrpcWebRequest, isTextType } from './content-types.ts';
import { grpcWebTrailersFrame } from './trailers-frame.ts';

/** Bytes of a foreign response that go into `grpc-message`, unless it is one piece that this proxy made itself. */
const MAX_MESSAGE_BYTES = 16_384;
const EMPTY = Buffer.alloc(0);
const BAD_BASE64 = 'Bad gRPC-web request, invalid base64 data.';

/**
 * Turns gRPC-Web of browsers into gRPC and back (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md): content types, base64 of the
 * text variants, and trailers as the last frame of the body. A response that is neither (an error page, a local reply) becomes headers with
 * `grpc-status` and its body as `grpc-message`.
 */
export class GrpcWebFilter implements StreamFilter {
  private decoderCallbacks: StreamDecoderFilterCallbacks | null;
  private encoderCallbacks: StreamEncoderFilterCallbacks | null;
  private stats: GrpcMethodStats | null;
  private active: boolean;
  /** Set for a request in base64. */
  private textDecoder: Base64Decoder | null;
  private textResponse: boolean;
  private textEncoder: GrpcWebTextEncoder | null;
  /** Headers of a foreign response, which wait for its body. */
  private foreignHeaders: HeaderMap | null;
  private foreignBody: Buffer[] | null;
  private foreignBytes: number;

  constructor() {
    this.decoderCallbacks = null;
    this.encoderCallbacks = null;
    this.stats = null;
    this.active = false;
    this.textDecoder = null;
    this.textResponse = false;
    this.textEncoder = null;
    this.foreignHeaders = null;
    this.foreignBody = null;
    this.foreignBytes = 0;
  }

  setDecoderFilterCallbacks(callbacks: StreamDecoderFilterCallbacks): void {
    this.decoderCallbacks = callbacks;
  }

  setEncoderFilterCallbacks(callbacks: StreamEncoderFilterCallbacks): void {
    this.encoderCallbacks = callbacks;
  }

  decodeHeaders(headers: HeaderMap): FilterHeadersStatus {
    if (!isGrpcWebRequest(headers)) return HEADERS_CONTINUE;
    this.active = true;
    // It counts the bytes of HTTP/1, which base64 makes others.
    headers.remove('content-length');
    const cluster = this.decoderCallbacks?.clusterInfo() ?? null;
    const method = cluster === null ? null : grpcMethodOf(headers.get(':path'));
    if (cluster !== null && method !== null) this.stats = grpcStatsOf(cluster, GRPC_WEB_STATS, method);
    if (isTextType(headers.get('content-type'))) this.textDecoder = new Base64Decoder();
    headers.set('content-type', GRPC_CONTENT_TYPE);
    this.textResponse = isTextType(headers.get('accept'));
    headers.set('te', 'trailers');
    if (!headers.has('grpc-accept-encoding')) headers.add('grpc-accept-encoding', 'identity');
    return HEADERS_CONTINUE;
  }

  decodeData(data: Buffer, endStream: boolean): FilterDataStatus {
    const decoder = this.textDecoder;
    if (decoder === null) return DATA_CONTINUE;
    if (endStream && (decoder.heldCount + data.length) % 4 !== 0) return this.refuse('grpc_base_64_decode_failed_bad_size');
    const bytes = decoder.decode(data);
    if (bytes === null) return this.refuse('grpc_base_64_decode_failed');
    if (bytes.length === 0 && !endStream) return DATA_STOP_ITERATION_NO_BUFFER;
    this.decoderCallbacks?.replaceData(bytes);
    return DATA_CONTINUE;
  }

  private refuse(details: string): FilterDataStatus {
    this.decoderCallbacks?.sendLocalReply(400, BAD_BASE64, null, -1, details);
    return DATA_STOP_ITERATION_NO_BUFFER;
  }

  decodeTrailers(): FilterTrailersStatus {
    return TRAILERS_CONTINUE;
  }

  encodeHeaders(headers: HeaderMap, endStream: boolean): FilterHeadersStatus {
    if (!this.active) return HEADERS_CONTINUE;
    this.stats?.chargeStatus(headers.get('grpc-status'));
    const foreign = !endStream && !isFramedResponse(headers, endStream);
    headers.remove('content-length');
    headers.set('content-type', this.textResponse ? GRPC_WEB_TEXT_PROTO : GRPC_WEB_PROTO);
    if (foreign) {
      this.foreignHeaders = headers;
      return HEADERS_STOP_ITERATION;
    }
    if (this.textResponse) this.textEncoder = new GrpcWebTextEncoder();
    return HEADERS_CONTINUE;
  }

  encodeData(data: Buffer, endStream: boolean): FilterDataStatus {
    if (this.foreignHeaders !== null) return this.encodeForeign(this.foreignHeaders, data, endStream);
    if (this.textEncoder === null) return DATA_CONTINUE;
    const text = this.textEncoder.encode(data);
    if (text.length === 0 && !endStream) return DATA_STOP_ITERATION_NO_BUFFER;
    this.encoderCallbacks?.replaceData(text);
    return DATA_CONTINUE;
  }

  /** The body goes into the headers; an answer of one piece, which only a local reply is, goes there whole. */
  private encodeForeign(headers: HeaderMap, data: Buffer, endStream: boolean): FilterDataStatus {
    const inParts = this.foreignBytes > 0 || !endStream;
    this.keepForeign(inParts ? data.subarray(0, MAX_MESSAGE_BYTES - this.foreignBytes) : data);
    if (!endStream) return DATA_STOP_ITERATION_NO_BUFFER;
    this.finishForeign(headers);
    this.encoderCallbacks?.replaceData(EMPTY);
    return DATA_CONTINUE;
  }

  private keepForeign(part: Buffer): void {
    if (part.length === 0) return;
    (this.foreignBody ??= []).push(Buffer.from(part));
    this.foreignBytes += part.length;
  }

  private finishForeign(headers: HeaderMap): void {
    this.foreignHeaders = null;
    headers.set('grpc-message', encodeGrpcMessage(Buffer.concat(this.foreignBody ?? []).toString('latin1')));
    headers.set('grpc-status', String(httpToGrpcStatus(Number(headers.get(':status')))));
    headers.set('content-length', '0');
    this.foreignBody = null;
  }

  encodeTrailers(trailers: HeaderMap): FilterTrailersStatus {
    if (!this.active) return TRAILERS_CONTINUE;
    this.stats?.chargeStatus(trailers.get('grpc-status'));
    if (this.foreignHeaders !== null) {
      this.finishForeign(this.foreignHeaders);
      return TRAILERS_CONTINUE;
    }
    const frame = grpcWebTrailersFrame(trailers);
    trailers.clear();
    this.encoderCallbacks?.addEncodedData(this.textEncoder === null ? frame : this.textEncoder.encodeLast(frame), true);
    return TRAILERS_CONTINUE;
  }

  onDestroy(): void {
    this.decoderCallbacks = null;
    this.encoderCallbacks = null;
    this.foreignHeaders = null;
    this.foreignBody = null;
  }
}
