import { encodeGrpcFrame, GRPC_FRAME_HEADER_BYTES } from '../../../../codec/grpc/frame.ts';
import { isGrpcRequest, isGrpcResponse } from '../../../../common/grpc/content-type.ts';
import { encodeGrpcMessage } from '../../../../common/grpc/message.ts';
import {
  GRPC_INTERNAL, GRPC_INVALID_ARGUMENT, GRPC_OK, GRPC_RESOURCE_EXHAUSTED, httpToGrpcStatus,
} from '../../../../common/grpc/status.ts';
import { decodeWebSafeBase64 } from '../../../../common/transcoding/base64.ts';
import type { Method } from '../../../../common/transcoding/descriptor-pool.ts';
import { httpBodyEnvelope } from '../../../../common/transcoding/http-body.ts';
import { JsonRequestTranslator } from '../../../../common/transcoding/json-request-translator.ts';
import { JsonMembers, JsonText, parseJson, printJson } from '../../../../common/transcoding/json-value.ts';
import type { JsonValue } from '../../../../common/transcoding/json-value.ts';
import { ResponseToJsonTranslator } from '../../../../common/transcoding/response-translator.ts';
import { OK, statusName } from '../../../../common/transcoding/status.ts';
import { HTTP_BODY } from '../../../../common/transcoding/types.ts';
import { RESET_LOCAL_RESET } from '../../../../contract/codec.ts';
import type { HeaderMap } from '../../../../contract/header-map.ts';
import type { StreamDecoderFilterCallbacks, StreamEncoderFilterCallbacks, StreamFilter } from '../../../../contract/http-filter.ts';
import {
  DATA_CONTINUE, DATA_STOP_ITERATION_AND_BUFFER, DATA_STOP_ITERATION_NO_BUFFER, HEADERS_CONTINUE, HEADERS_STOP_ITERATION, TRAILERS_CONTINUE,
} from '../../../../contract/status.ts';
import type { FilterDataStatus, FilterHeadersStatus, FilterTrailersStatus } from '../../../../contract/status.ts';
import type { ReverseTranscoderSettings } from './config.ts';
import { HttpBodyRequest } from './http-body-request.ts';
import { httpTarget } from './http-target.ts';
import type { HttpTarget } from './http-target.ts';
import { buildPath } from './request-path.ts';

const FAILED_EARLY = 'early_grpc_json_reverse_transcode_failure';
const FAILED = 'grpc_json_reverse_transcode_failure';
const NO_STREAMING = "The HTTP REST backend doesn't support request/response streaming";
const NO_VARIABLES = "The path for the request message of type google.api.HttpBody shouldn't contain any variables except the API version";
const NO_PARAMS = new Map<string, readonly string[]>();
const EMPTY = Buffer.alloc(0);
/** Bytes that a message may hold while it is not complete, unless the limits allow more. Envoy has no bound for these. */
const MAX_MESSAGE_BYTES = 33_554_432;

/** What one call is translated with. */
interface Call {
  readonly method: Method;
  readonly target: HttpTarget;
  readonly requestIsHttpBody: boolean;
  readonly responseIsHttpBody: boolean;
  readonly request: ResponseToJsonTranslator;
  readonly response: JsonRequestTranslator;
}

/** Lets gRPC clients speak to HTTP/JSON servers: a message becomes a REST request by its method's HTTP rule, the response a message. */
export class JsonReverseTranscoderFilter implements StreamFilter {
  private settings: ReverseTranscoderSettings;
  private decoder: StreamDecoderFilterCallbacks | null;
  private encoder: StreamEncoderFilterCallbacks | null;
  /** Set while this request is being translated. */
  private call: Call | null;
  private requestHeaders: HeaderMap | null;
  private requestContentType: string;
  private requestJson: string;
  private httpBody: HttpBodyRequest | null;
  private passResponse: boolean;
  private responseContentType: string;
  private grpcStatus: number;
  /** Bytes of a response that are sent with the end: messages, an HttpBody, or what a failed call says. */
  private gathered: Buffer[];
  private gatheredBytes: number;

  constructor(settings: ReverseTranscoderSettings) {
    this.settings = settings;
    this.decoder = null;
    this.encoder = null;
    this.call = null;
    this.requestHeaders = null;
    this.requestContentType = '';
    this.requestJson = '';
    this.httpBody = null;
    this.passResponse = false;
    this.responseContentType = '';
    this.grpcStatus = GRPC_OK;
    this.gathered = [];
    this.gatheredBytes = 0;
  }

  setDecoderFilterCallbacks(callbacks: StreamDecoderFilterCallbacks): void {
    this.decoder = callbacks;
  }

  setEncoderFilterCallbacks(callbacks: StreamEncoderFilterCallbacks): void {
    this.encoder = callbacks;
  }

  onDestroy(): void {
    this.call = null;
    this.decoder = null;
    this.encoder = null;
  }

  decodeHeaders(headers: HeaderMap, endStream: boolean): FilterHeadersStatus {
    const { decoder } = this;
    if (decoder === null || endStream || !isGrpcRequest(headers)) return HEADERS_CONTINUE;
    const route = decoder.mostSpecificPerFilterConfig();
    // createPerRoute is the only maker of this filter's route configurations.
    if (route !== null) this.settings = route as ReverseTranscoderSettings;
    const { settings } = this;
    const path = headers.get(':path') ?? '';
    const method = settings.pool.method(path.slice(1).replaceAll('/', '.'));
    if (method === undefined) return this.refuse(`Couldn't find a gRPC method matching: ${path}`, 'NOT_FOUND');
    if (method.clientStreaming || method.serverStreaming) return this.refuse(NO_STREAMING, 'streaming_not_supported');
    const version = settings.apiVersionHeader === '' ? undefined : headers.get(settings.apiVersionHeader);
    const target = httpTarget(settings, method, version);
    if (typeof target === 'string') return this.refuse(target, 'INVALID_ARGUMENT');
    this.start(decoder, headers, method, target);
    return HEADERS_STOP_ITERATION;
  }

  private start(decoder: StreamDecoderFilterCallbacks, headers: HeaderMap, method: Method, target: HttpTarget): void {
    const { settings } = this;
    const translate = { print: settings.print, streamNewlineDelimited: false, streamSseStyleDelimited: false };
    const response = {
      type: method.output, bodyFieldPath: '*', bindings: [], rejectBindingBodyFieldCollisions: false, caseInsensitiveEnumParsing: false,
    };
    this.call = {
      method, target,
      requestIsHttpBody: method.input.fullName === HTTP_BODY,
      responseIsHttpBody: method.output.fullName === HTTP_BODY,
      request: new ResponseToJsonTranslator(settings.pool, method.input, false, translate),
      response: new JsonRequestTranslator(settings.pool, response, false),
    };
    this.requestHeaders = headers;
    const limit = Math.max(settings.maxRequestBodySize, settings.maxResponseBodySize);
    if (limit > decoder.bufferLimit) decoder.setBufferLimit(limit);
    this.requestContentType = headers.get('content-type') ?? '';
    headers.set('content-type', 'application/json');
    headers.set(':method', target.httpMethod);
    headers.remove('content-length');
    decoder.clearRouteCache();
  }

  private refuse(message: string, detail: string): FilterHeadersStatus {
    this.decoder?.sendLocalReply(400, message, null, GRPC_INVALID_ARGUMENT, `${FAILED_EARLY}{${detail}}`);
    return HEADERS_STOP_ITERATION;
  }

  private refuseData(message: string, detail: string): FilterDataStatus {
    this.decoder?.sendLocalReply(400, message, null, GRPC_INVALID_ARGUMENT, `${FAILED}{${detail}}`);
    return DATA_STOP_ITERATION_NO_BUFFER;
  }

  decodeData(data: Buffer, endStream: boolean): FilterDataStatus {
    const { call, decoder } = this;
    if (call === null || decoder === null) return DATA_CONTINUE;
    if (call.requestIsHttpBody) return this.decodeHttpBody(call, data);
    const { request } = call;
    request.write(data);
    const limit = this.settings.maxRequestBodySize >= 0 ? this.settings.maxRequestBodySize : decoder.bufferLimit;
    if (request.storedBytes > limit) {
      const details = `${FAILED}{request_buffer_size_limit_reached}`;
      decoder.sendLocalReply(413, 'Request entity too large', null, GRPC_RESOURCE_EXHAUSTED, details);
      return DATA_STOP_ITERATION_NO_BUFFER;
    }
    // Of what came before: a fault of the last bytes shows as JSON that is not there.
    if (request.status !== OK) return this.refuseData(request.status.message, statusName(request.status.code));
    this.requestJson += request.read();
    return endStream ? this.sendRequest(call, decoder) : DATA_STOP_ITERATION_NO_BUFFER;
  }

  private sendRequest(call: Call, decoder: StreamDecoderFilterCallbacks): FilterDataStatus {
    const { target } = call;
    const payload = parseJson(this.requestJson);
    if (payload === null) return this.refuseData('Failed to parse the transcoded request', 'failed_to_parse_request_body');
    let body: Buffer = EMPTY;
    if (target.bodyField !== '') {
      const made = target.bodyField === '*' ? Buffer.from(this.requestJson, 'latin1') : this.bodyOf(target, payload);
      if (made === null) return DATA_STOP_ITERATION_NO_BUFFER;
      body = made;
      this.requestHeaders?.set('content-length', String(body.length));
    }
    const built = buildPath(payload, target.pathTemplate, target.bodyField);
    if ('fault' in built) return this.refuseData(built.fault, 'failed_to_build_request_path');
    this.requestHeaders?.set(':path', built.path);
    decoder.replaceData(body);
    return DATA_CONTINUE;
  }

  /** The body's member as JSON, or its bytes when it is an HttpBody; null when it was answered. */
  private bodyOf(target: HttpTarget, payload: JsonValue): Buffer | null {
    const member = payload instanceof JsonMembers ? payload.members.get(target.bodyField) : undefined;
    if (member === undefined) {
      this.refuseData('Failed to get the request body from the gRPC message', 'failed_to_create_request_body');
      return null;
    }
    if (!target.nestedHttpBody || !(member instanceof JsonMembers)) return Buffer.from(printJson(member), 'latin1');
    const data = member.members.get('data');
    // Envoy, too, reads what it printed in the other alphabet: `+` and `/` fail.
    const bytes = decodeWebSafeBase64(data instanceof JsonText ? data.text : '');
    if (bytes === null) {
      this.refuseData('Failed to decode the request body from the gRPC message', 'failed_to_decode_request_body');
      return null;
    }
    const type = member.members.get('content_type') ?? member.members.get('contentType');
    if (type instanceof JsonText) this.requestHeaders?.set('content-type', type.text);
    return bytes;
  }

  private decodeHttpBody(call: Call, data: Buffer): FilterDataStatus {
    const { decoder, requestHeaders } = this;
    if (decoder === null || requestHeaders === null) return DATA_CONTINUE;
    if (call.target.pathTemplate.includes('{')) return this.refuseData(NO_VARIABLES, 'failed_to_create_request_path');
    this.httpBody ??= new HttpBodyRequest(Math.max(this.settings.maxRequestBodySize, MAX_MESSAGE_BYTES));
    const body = this.httpBody.read(data);
    if (body === null) {
      decoder.resetStream(RESET_LOCAL_RESET, 'Failed to decode the `google.api.HttpBody` message');
      return DATA_STOP_ITERATION_NO_BUFFER;
    }
    decoder.replaceData(body.data);
    if (body.contentType !== null) {
      requestHeaders.set('content-type', body.contentType);
      requestHeaders.set('content-length', String(body.data.length));
      requestHeaders.set(':path', call.target.pathTemplate);
    }
    return body.frames > 0 ? DATA_CONTINUE : DATA_STOP_ITERATION_AND_BUFFER;
  }

  decodeTrailers(): FilterTrailersStatus {
    return TRAILERS_CONTINUE;
  }

  encodeHeaders(headers: HeaderMap, endStream: boolean): FilterHeadersStatus {
    if (isGrpcResponse(headers, endStream)) this.passResponse = true;
    const { encoder } = this;
    if (this.call === null || encoder === null || this.passResponse) return HEADERS_CONTINUE;
    this.responseContentType = headers.get('content-type') ?? '';
    headers.set('content-type', this.requestContentType);
    const status = Number(headers.get(':status'));
    this.grpcStatus = status >= 200 && status <= 299 ? GRPC_OK : httpToGrpcStatus(status);
    // gRPC clients know no other.
    headers.set(':status', '200');
    headers.remove('content-length');
    if (endStream) {
      encoder.addEncodedData(encodeGrpcFrame(EMPTY), false);
      headers.set('content-length', String(GRPC_FRAME_HEADER_BYTES));
      encoder.addEncodedTrailers().set('grpc-status', String(this.grpcStatus));
    }
    return HEADERS_CONTINUE;
  }

  encodeData(data: Buffer, endStream: boolean): FilterDataStatus {
    const { call, encoder } = this;
    if (call === null || encoder === null || this.passResponse) return DATA_CONTINUE;
    const whole = this.grpcStatus !== GRPC_OK || call.responseIsHttpBody;
    const taken = whole ? this.gather(data, this.grpcStatus === GRPC_OK ? 0 : MAX_MESSAGE_BYTES) : this.translate(call.response, data);
    if (!taken || !endStream) return DATA_STOP_ITERATION_NO_BUFFER;
    this.writeStatus(encoder.addEncodedTrailers());
    encoder.replaceData(this.responseData(call));
    return DATA_CONTINUE;
  }

  private gather(data: Buffer, allowed: number): boolean {
    const bytes = this.gatheredBytes + data.length;
    if (bytes > allowed && this.tooLarge(bytes)) return false;
    this.gathered.push(Buffer.from(data));
    this.gatheredBytes += data.length;
    return true;
  }

  private translate(response: JsonRequestTranslator, data: Buffer): boolean {
    const held = response.unreadBytes + data.length + this.gatheredBytes;
    if (this.tooLarge(held)) return false;
    response.write(data);
    for (const frame of response.read()) {
      this.gathered.push(frame);
      this.gatheredBytes += frame.length;
    }
    const { status } = response;
    if (status !== OK) {
      this.encoder?.sendLocalReply(500, status.message, null, GRPC_INTERNAL, `${FAILED}{${statusName(status.code)}}`);
      return false;
    }
    return response.heldBytes <= MAX_MESSAGE_BYTES || !this.tooLarge(response.heldBytes);
  }

  private tooLarge(bytes: number): boolean {
    const limit = this.settings.maxResponseBodySize >= 0 ? this.settings.maxResponseBodySize : (this.encoder?.bufferLimit ?? 0);
    if (bytes <= limit) return false;
    this.encoder?.sendLocalReply(500, 'Response entity too large', null, GRPC_INTERNAL, `${FAILED}{response_buffer_size_limit_reached}`);
    return true;
  }

  /** The message of a call that went well; a failed one has none. */
  private responseData(call: Call): Buffer {
    if (this.grpcStatus !== GRPC_OK || this.gatheredBytes === 0) return EMPTY;
    const bytes = Buffer.concat(this.gathered);
    this.gathered = [];
    this.gatheredBytes = 0;
    if (!call.responseIsHttpBody) return bytes;
    return encodeGrpcFrame(Buffer.concat([httpBodyEnvelope([], this.responseContentType, bytes.length, NO_PARAMS), bytes]));
  }

  private writeStatus(trailers: HeaderMap): void {
    trailers.set('grpc-status', String(this.grpcStatus));
    if (this.grpcStatus !== GRPC_OK) trailers.set('grpc-message', encodeGrpcMessage(Buffer.concat(this.gathered).toString('latin1')));
  }

  encodeTrailers(trailers: HeaderMap): FilterTrailersStatus {
    const { call, encoder } = this;
    if (call === null || encoder === null || this.passResponse) return TRAILERS_CONTINUE;
    this.writeStatus(trailers);
    const data = this.responseData(call);
    if (data.length > 0) encoder.addEncodedData(data, false);
    return TRAILERS_CONTINUE;
  }
}
