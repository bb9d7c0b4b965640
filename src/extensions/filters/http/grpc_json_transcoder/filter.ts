import { GRPC_FRAME_HEADER_BYTES, writeGrpcFrameHeader } from '../../../../codec/grpc/frame.ts';
import { GRPC_CONTENT_TYPE, isGrpcRequest, isGrpcResponse } from '../../../../common/grpc/content-type.ts';
import { GRPC_OK, grpcStatusIn, grpcToHttpStatus } from '../../../../common/grpc/status.ts';
import { httpBodyEnvelope } from '../../../../common/transcoding/http-body.ts';
import { OK, STATUS_INVALID_ARGUMENT, STATUS_NOT_FOUND, statusName } from '../../../../common/transcoding/status.ts';
import type { TranscodingStatus } from '../../../../common/transcoding/status.ts';
import { RESET_LOCAL_RESET } from '../../../../contract/codec.ts';
import type { HeaderMap } from '../../../../contract/header-map.ts';
import type { StreamDecoderFilterCallbacks, StreamEncoderFilterCallbacks, StreamFilter } from '../../../../contract/http-filter.ts';
import {
  DATA_CONTINUE, DATA_STOP_ITERATION_AND_BUFFER, DATA_STOP_ITERATION_NO_BUFFER, HEADERS_CONTINUE, HEADERS_STOP_ITERATION, TRAILERS_CONTINUE,
} from '../../../../contract/status.ts';
import type { FilterDataStatus, FilterHeadersStatus, FilterTrailersStatus } from '../../../../contract/status.ts';
import type { DISABLED, TranscoderSettings } from './config.ts';
import { HttpBodyFrames } from './http-body-frames.ts';
import { EVENT_STREAM_CONTENT_TYPE, JSON_CONTENT_TYPE, removeTrailerHeader, setStatusFromTrailers } from './response-headers.ts';
import { HeldBytes } from './stats.ts';
import type { TranscoderStats } from './stats.ts';
import { GRPC_STATUS_DETAILS_BIN, statusJson } from './status-details.ts';
import { startTranscoding } from './transcoding.ts';
import type { Transcoding } from './transcoding.ts';

const FAILED_EARLY = 'early_grpc_json_transcode_failure';
const FAILED = 'grpc_json_transcode_failure';
const REQUEST_TOO_LARGE = "Request rejected because the transcoder's internal buffer size exceeds the configured limit.";
const RESPONSE_TOO_LARGE = "Response not transcoded because the transcoder's internal buffer size exceeds the configured limit.";
/** gRPC peers refuse messages above 4 MiB: a streamed HttpBody goes in pieces. */
const MAX_STREAMED_PIECE = 1_048_576;
/**
 * Bytes that one message may hold while it is not complete, unless the limits allow more. Envoy has no bound: of a request it counts what
 * it has not parsed yet only, and nothing of an HttpBody that comes.
 */
const MAX_MESSAGE_BYTES = 33_554_432;
const NO_GRPC_STATUS = -1;

type Settings = TranscoderSettings | typeof DISABLED;

/** Lets HTTP/JSON clients speak to gRPC servers: requests become gRPC messages by `google.api.http` rules, and responses JSON. */
export class JsonTranscoderFilter implements StreamFilter {
  private settings: Settings;
  private decoder: StreamDecoderFilterCallbacks | null;
  private encoder: StreamEncoderFilterCallbacks | null;
  /** Set while this request is being transcoded. */
  private transcoding: Transcoding | null;
  /** A local reply has been sent, or the response is not gRPC: it passes. */
  private failed: boolean;
  private readonly requestHeld: HeldBytes;
  private readonly responseHeld: HeldBytes;
  /** The message around an HttpBody, which goes before its first bytes; null when it has been sent. */
  private envelope: Buffer | null;
  private contentType: string;
  /** Pieces of an HttpBody that is sent as one message. */
  private requestBody: Buffer[];
  private requestBodyBytes: number;
  private responseHeaders: HeaderMap | null;
  private hasBody: boolean;
  /** JSON that waits for the end of a unary response. */
  private responseJson: string;
  private bodyFrames: HttpBodyFrames | null;
  private bodyHeadersSet: boolean;

  constructor(settings: Settings, stats: TranscoderStats) {
    this.settings = settings;
    this.decoder = null;
    this.encoder = null;
    this.transcoding = null;
    this.failed = false;
    this.requestHeld = new HeldBytes(stats.requestBufferBytes);
    this.responseHeld = new HeldBytes(stats.responseBufferBytes);
    this.envelope = null;
    this.contentType = '';
    this.requestBody = [];
    this.requestBodyBytes = 0;
    this.responseHeaders = null;
    this.hasBody = false;
    this.responseJson = '';
    this.bodyFrames = null;
    this.bodyHeadersSet = false;
  }

  setDecoderFilterCallbacks(callbacks: StreamDecoderFilterCallbacks): void {
    this.decoder = callbacks;
  }

  setEncoderFilterCallbacks(callbacks: StreamEncoderFilterCallbacks): void {
    this.encoder = callbacks;
  }

  onDestroy(): void {
    this.requestHeld.set(0);
    this.responseHeld.set(0);
    this.transcoding = null;
    this.decoder = null;
    this.encoder = null;
  }

  decodeHeaders(headers: HeaderMap, endStream: boolean): FilterHeadersStatus {
    const { decoder } = this;
    if (decoder === null) return HEADERS_CONTINUE;
    const route = decoder.mostSpecificPerFilterConfig();
    // createPerRoute is the only maker of this filter's route configurations.
    if (route !== null) this.settings = route as Settings;
    const { settings } = this;
    if ('disabled' in settings || isGrpcRequest(headers)) return HEADERS_CONTINUE;
    const started = startTranscoding(settings, headers);
    if ('code' in started) return this.notTranscoded(settings, started);
    this.transcoding = started;
    if (settings.maxRequestBodySize > decoder.bufferLimit) decoder.setBufferLimit(settings.maxRequestBodySize);
    if (settings.maxResponseBodySize > decoder.bufferLimit) decoder.setBufferLimit(settings.maxResponseBodySize);
    if (started.message !== null && !this.startHttpBody(started, headers)) return HEADERS_STOP_ITERATION;
    rewriteRequest(headers, started);
    if (!settings.matchIncomingRequestRoute) decoder.clearRouteCache();
    return endStream ? this.endWithHeaders(started) : HEADERS_CONTINUE;
  }

  /** The request passes as it is, unless it is to be refused. */
  private notTranscoded(settings: TranscoderSettings, status: TranscodingStatus): FilterHeadersStatus {
    if (status.code === STATUS_NOT_FOUND && !settings.rejectUnknownMethod) return HEADERS_CONTINUE;
    if (status.code === STATUS_INVALID_ARGUMENT && !settings.rejectUnknownQueryParameters) return HEADERS_CONTINUE;
    this.failed = true;
    this.replyToRequest(grpcToHttpStatus(status.code), status.message, `${FAILED_EARLY}{${statusName(status.code)}}`);
    return HEADERS_STOP_ITERATION;
  }

  /** Makes the message around an HttpBody; false when it was answered. */
  private startHttpBody(transcoding: Transcoding, headers: HeaderMap): boolean {
    const { message } = transcoding;
    if (message === null) return true;
    this.contentType = headers.get('content-type') ?? '';
    message.input.startObject('');
    message.input.endObject();
    this.envelope = message.nextMessage();
    if (this.envelope === null) {
      this.failed = true;
      this.replyToRequest(400, 'Bad request', `${FAILED_EARLY}{BAD_REQUEST}`);
      return false;
    }
    return !this.rejectRequest(message.status, FAILED);
  }

  private endWithHeaders(transcoding: Transcoding): FilterHeadersStatus {
    const { json } = transcoding;
    if (json === null) {
      this.decoder?.addDecodedData(this.httpBodyMessage(transcoding), true);
      return HEADERS_CONTINUE;
    }
    json.end();
    const frames = json.read();
    if (this.rejectRequest(json.status, FAILED_EARLY)) return HEADERS_STOP_ITERATION;
    const data = Buffer.concat(frames);
    if (data.length > 0) this.decoder?.addDecodedData(data, true);
    return HEADERS_CONTINUE;
  }

  decodeData(data: Buffer, endStream: boolean): FilterDataStatus {
    const { transcoding } = this;
    if (transcoding === null) return DATA_CONTINUE;
    return transcoding.json === null ? this.decodeHttpBody(transcoding, data, endStream) : this.decodeJson(transcoding.json, data, endStream);
  }

  private decodeJson(json: NonNullable<Transcoding['json']>, data: Buffer, endStream: boolean): FilterDataStatus {
    if (this.requestTooLarge(json.unreadBytes + data.length)) return DATA_STOP_ITERATION_NO_BUFFER;
    json.write(data);
    if (endStream) json.end();
    const frames = json.read();
    this.requestHeld.set(json.unreadBytes + json.heldBytes);
    if (this.rejectRequest(json.status, FAILED)) return DATA_STOP_ITERATION_NO_BUFFER;
    if (json.heldBytes > MAX_MESSAGE_BYTES && this.requestTooLarge(json.heldBytes)) return DATA_STOP_ITERATION_NO_BUFFER;
    this.decoder?.replaceData(frames.length === 1 ? frames[0] : Buffer.concat(frames));
    return DATA_CONTINUE;
  }

  private decodeHttpBody(transcoding: Transcoding, data: Buffer, endStream: boolean): FilterDataStatus {
    if (transcoding.method.method.clientStreaming) {
      this.decoder?.replaceData(this.streamedHttpBody(transcoding, data));
      return DATA_CONTINUE;
    }
    if (data.length > 0) {
      this.requestBody.push(Buffer.from(data));
      this.requestBodyBytes += data.length;
      this.requestHeld.set(this.requestBodyBytes);
    }
    if (this.requestTooLarge(this.requestBodyBytes)) return DATA_STOP_ITERATION_NO_BUFFER;
    // The bytes are held here; the message goes with the end.
    if (!endStream) return DATA_STOP_ITERATION_NO_BUFFER;
    this.decoder?.replaceData(this.httpBodyMessage(transcoding));
    return DATA_CONTINUE;
  }

  /** A message for each piece of `data`, and one for the path and the query even when there is no body. */
  private streamedHttpBody(transcoding: Transcoding, data: Buffer): Buffer {
    const parts: Buffer[] = [];
    for (let at = 0; at < data.length || this.envelope !== null; at += MAX_STREAMED_PIECE) {
      this.requestBody = [data.subarray(at, at + MAX_STREAMED_PIECE)];
      this.requestBodyBytes = this.requestBody[0].length;
      parts.push(this.httpBodyMessage(transcoding));
    }
    return parts.length === 1 ? parts[0] : Buffer.concat(parts);
  }

  /** The gRPC frame of what has been gathered of an HttpBody; empty when there is nothing to send. */
  private httpBodyMessage(transcoding: Transcoding): Buffer {
    if (this.envelope === null && this.requestBodyBytes === 0) return EMPTY;
    const { requestBodyFieldPath } = transcoding.method;
    const around = this.envelope ?? EMPTY;
    const envelope = httpBodyEnvelope(requestBodyFieldPath, this.contentType, this.requestBodyBytes, transcoding.unknownParams);
    const length = around.length + envelope.length + this.requestBodyBytes;
    const header = Buffer.allocUnsafe(GRPC_FRAME_HEADER_BYTES);
    writeGrpcFrameHeader(header, 0, length, 0);
    const frame = Buffer.concat([header, around, envelope, ...this.requestBody]);
    this.envelope = null;
    this.contentType = '';
    this.requestBody = [];
    this.requestBodyBytes = 0;
    this.requestHeld.set(0);
    return frame;
  }

  decodeTrailers(): FilterTrailersStatus {
    const { transcoding } = this;
    if (transcoding === null || this.failed) return TRAILERS_CONTINUE;
    const { json } = transcoding;
    json?.end();
    const data = json === null ? this.httpBodyMessage(transcoding) : Buffer.concat(json.read());
    if (data.length > 0) this.decoder?.addDecodedData(data, true);
    this.requestHeld.set(json?.unreadBytes ?? 0);
    return TRAILERS_CONTINUE;
  }

  encodeHeaders(headers: HeaderMap, endStream: boolean): FilterHeadersStatus {
    const { transcoding, settings } = this;
    if (this.failed || transcoding === null || 'disabled' in settings) return HEADERS_CONTINUE;
    if (!isGrpcResponse(headers, endStream)) {
      this.failed = true;
      return HEADERS_CONTINUE;
    }
    this.responseHeaders = headers;
    const streaming = transcoding.method.method.serverStreaming;
    const events = streaming && settings.translate.streamSseStyleDelimited;
    if (streaming || !endStream) headers.set('content-type', events ? EVENT_STREAM_CONTENT_TYPE : JSON_CONTENT_TYPE);
    if (endStream) {
      this.finishResponse(headers);
      return HEADERS_CONTINUE;
    }
    // Status and length of a unary response, and the type of an HttpBody, are known later.
    return streaming && !transcoding.method.responseIsHttpBody ? HEADERS_CONTINUE : HEADERS_STOP_ITERATION;
  }

  encodeData(data: Buffer, endStream: boolean): FilterDataStatus {
    const { transcoding, encoder } = this;
    if (this.failed || transcoding === null || encoder === null) return DATA_CONTINUE;
    this.hasBody = true;
    const { method, responseIsHttpBody } = transcoding.method;
    if (responseIsHttpBody) return this.encodeHttpBody(transcoding, data);
    const { response } = transcoding;
    response.write(data);
    if (this.responseTooLarge(response.storedBytes + this.responseJson.length)) return DATA_STOP_ITERATION_NO_BUFFER;
    if (endStream) response.end();
    this.responseJson += response.read();
    this.responseHeld.set(response.storedBytes + this.responseJson.length);
    if (this.rejectResponse(response.status)) return DATA_STOP_ITERATION_NO_BUFFER;
    if (!method.serverStreaming && !endStream) return DATA_STOP_ITERATION_NO_BUFFER;
    encoder.replaceData(this.takeJson());
    this.responseHeld.set(response.storedBytes);
    return DATA_CONTINUE;
  }

  private takeJson(): Buffer {
    const bytes = Buffer.from(this.responseJson, 'latin1');
    this.responseJson = '';
    return bytes;
  }

  private encodeHttpBody(transcoding: Transcoding, data: Buffer): FilterDataStatus {
    const { encoder, responseHeaders } = this;
    if (encoder === null || responseHeaders === null) return DATA_CONTINUE;
    const streaming = transcoding.method.method.serverStreaming;
    this.bodyFrames ??= new HttpBodyFrames(transcoding.method.responseBodyFieldPath, streaming, Math.max(this.responseLimit, MAX_MESSAGE_BYTES));
    const bodies = this.bodyFrames.read(data);
    if (bodies === null) {
      this.failed = true;
      encoder.resetStream(RESET_LOCAL_RESET, '');
      return DATA_STOP_ITERATION_NO_BUFFER;
    }
    this.responseHeld.set(this.bodyFrames.heldBytes);
    encoder.replaceData(bodies.data);
    if (bodies.contentType !== null && (!streaming || !this.bodyHeadersSet)) {
      responseHeaders.set('content-type', bodies.contentType);
      if (!streaming) responseHeaders.set('content-length', String(bodies.data.length));
      this.bodyHeadersSet = true;
    }
    if (!streaming) return DATA_STOP_ITERATION_AND_BUFFER;
    return this.bodyHeadersSet || bodies.frames > 0 ? DATA_CONTINUE : DATA_STOP_ITERATION_AND_BUFFER;
  }

  encodeTrailers(trailers: HeaderMap): FilterTrailersStatus {
    this.finishResponse(trailers);
    return TRAILERS_CONTINUE;
  }

  /** Trailers have come, or headers that are trailers too. */
  private finishResponse(trailers: HeaderMap): void {
    const { transcoding, encoder, responseHeaders, settings } = this;
    if (this.failed || transcoding === null || encoder === null || responseHeaders === null || 'disabled' in settings) return;
    const grpcStatus = grpcStatusIn(trailers, true);
    if (settings.convertGrpcStatus && this.convertStatus(settings, trailers, grpcStatus)) return;
    const { method, responseIsHttpBody } = transcoding.method;
    const { response } = transcoding;
    if (!responseIsHttpBody) {
      response.end();
      this.responseJson += response.read();
      if (this.rejectResponse(response.status)) return;
      if (this.responseJson !== '') encoder.addEncodedData(this.takeJson(), true);
      this.responseHeld.set(response.storedBytes);
    }
    const trailersOnly = responseHeaders === trailers;
    if (method.serverStreaming && !trailersOnly) return;
    setStatusFromTrailers(responseHeaders, trailers, grpcStatus);
    removeTrailerHeader(responseHeaders, encoder.streamInfo.protocol);
    if (!method.serverStreaming) responseHeaders.set('content-length', String(encoder.encodingBuffer()?.length ?? 0));
  }

  /** A failed call without a body is answered with its status as JSON; false when it is not that. */
  private convertStatus(settings: TranscoderSettings, trailers: HeaderMap, grpcStatus: number): boolean {
    const { encoder, responseHeaders } = this;
    const { transcoding } = this;
    if (this.hasBody || grpcStatus <= GRPC_OK || encoder === null || responseHeaders === null || transcoding === null) return false;
    const json = statusJson(settings, trailers, grpcStatus);
    if (json === null) return false;
    encoder.addEncodedData(Buffer.from(json, 'latin1'), false);
    // The headers of a stream have left: they are no longer this filter's.
    const { method, responseIsHttpBody } = transcoding.method;
    if (method.serverStreaming && !responseIsHttpBody && responseHeaders !== trailers) return true;
    responseHeaders.set(':status', String(grpcToHttpStatus(grpcStatus)));
    if (responseHeaders === trailers) {
      for (const name of ['grpc-status', 'grpc-message', GRPC_STATUS_DETAILS_BIN]) responseHeaders.remove(name);
    }
    removeTrailerHeader(responseHeaders, encoder.streamInfo.protocol);
    responseHeaders.set('content-type', JSON_CONTENT_TYPE);
    responseHeaders.set('content-length', String(json.length));
    return true;
  }

  private rejectRequest(status: TranscodingStatus, details: string): boolean {
    if (status === OK) return false;
    this.failed = true;
    this.replyToRequest(400, status.message, `${details}{${statusName(status.code)}}`);
    return true;
  }

  private requestTooLarge(bytes: number): boolean {
    const { decoder, settings } = this;
    if (decoder === null || 'disabled' in settings) return false;
    const limit = settings.maxRequestBodySize >= 0 ? settings.maxRequestBodySize : decoder.bufferLimit;
    if (bytes <= limit) return false;
    this.failed = true;
    this.replyToRequest(413, REQUEST_TOO_LARGE, `${FAILED}{request_buffer_size_limit_reached}`);
    return true;
  }

  private replyToRequest(status: number, body: string, details: string): void {
    this.decoder?.sendLocalReply(status, body, null, NO_GRPC_STATUS, details);
  }

  private rejectResponse(status: TranscodingStatus): boolean {
    if (status === OK) return false;
    this.failed = true;
    this.encoder?.sendLocalReply(502, status.message, null, NO_GRPC_STATUS, `${FAILED}{${statusName(status.code)}}`);
    return true;
  }

  private get responseLimit(): number {
    const { settings } = this;
    if (!('disabled' in settings) && settings.maxResponseBodySize >= 0) return settings.maxResponseBodySize;
    return this.encoder?.bufferLimit ?? 0;
  }

  private responseTooLarge(bytes: number): boolean {
    if (bytes <= this.responseLimit) return false;
    this.failed = true;
    this.encoder?.sendLocalReply(500, RESPONSE_TOO_LARGE, null, NO_GRPC_STATUS, `${FAILED}{response_buffer_size_limit_reached}`);
    return true;
  }
}

const EMPTY = Buffer.alloc(0);

/** The headers that the gRPC server sees. */
function rewriteRequest(headers: HeaderMap, transcoding: Transcoding): void {
  const { method } = transcoding.method;
  headers.remove('content-length');
  headers.set('content-type', GRPC_CONTENT_TYPE);
  headers.set('x-envoy-original-path', headers.get(':path') ?? '');
  headers.add('x-envoy-original-method', headers.get(':method') ?? '');
  headers.set(':path', `/${method.service}/${method.name}`);
  headers.set(':method', 'POST');
  headers.set('te', 'trailers');
}
