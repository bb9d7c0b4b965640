import { fromBinary, toBinary } from '@bufbuild/protobuf';
import type { DescMessage, Message } from '@bufbuild/protobuf';
import { api } from '../../config/api/registry.ts';
import type { AsyncWatermarkCallbacks } from '../../contract/async-client.ts';
import type { GrpcCallOptions, GrpcClient, GrpcRequest, GrpcRequestCallbacks, GrpcStream, GrpcStreamCallbacks } from '../../contract/grpc-client.ts';
import type { HeaderMap } from '../../contract/header-map.ts';
import { expectMessage } from '../../contract/message.ts';
import { GRPC_INTERNAL } from './status.ts';

/** A method of a service of the API, by full names. */
export interface TypedMethod<Request extends Message, Response extends Message> {
  /** `envoy.service.auth.v3.Authorization` */
  readonly service: string;
  /** `Check` */
  readonly method: string;
  readonly request: Request['$typeName'];
  readonly response: Response['$typeName'];
}

export interface TypedRequestCallbacks<Response extends Message> {
  onCreateInitialMetadata?(metadata: HeaderMap): void;
  onSuccess(response: Response): void;
  /** INTERNAL with an empty message where the server's bytes are no such response. */
  onFailure(status: number, message: string): void;
}

/** As GrpcStreamCallbacks; a message that is no such response ends the stream with INTERNAL. */
export interface TypedStreamCallbacks<Response extends Message> {
  onCreateInitialMetadata?(metadata: HeaderMap): void;
  onReceiveInitialMetadata(metadata: HeaderMap): void;
  onMessage(response: Response): void;
  onReceiveTrailingMetadata(metadata: HeaderMap): void;
  onRemoteClose(status: number, message: string): void;
}

/** Calls one method with messages of the API instead of bytes. Its descriptors are read with the first call. */
export class TypedGrpcClient<Request extends Message, Response extends Message> {
  readonly client: GrpcClient;
  private readonly method: TypedMethod<Request, Response>;
  private codec: MessageCodec<Request, Response> | null;

  constructor(client: GrpcClient, method: TypedMethod<Request, Response>) {
    this.client = client;
    this.method = method;
    this.codec = null;
  }

  /** Null when a callback has been called already. */
  send(request: Request, callbacks: TypedRequestCallbacks<Response>, options?: GrpcCallOptions): GrpcRequest | null {
    const { service, method } = this.method;
    const codec = this.messageCodec();
    return this.client.send(service, method, codec.encode(request), new UnaryAdapter(codec, callbacks), options);
  }

  /** Null when `onRemoteClose` has been called already. */
  start(callbacks: TypedStreamCallbacks<Response>, options?: GrpcCallOptions): TypedGrpcStream<Request> | null {
    const { service, method } = this.method;
    const codec = this.messageCodec();
    const stream = this.client.start(service, method, new StreamAdapter(codec, callbacks), options);
    return stream === null ? null : new TypedGrpcStream(stream, codec);
  }

  private messageCodec(): MessageCodec<Request, Response> {
    return (this.codec ??= new MessageCodec(this.method));
  }
}

/** A stream that takes messages of the API. */
export class TypedGrpcStream<Request extends Message> {
  /** Everything else that a stream can do. */
  readonly stream: GrpcStream;
  private readonly codec: { encode(request: Request): Uint8Array };

  constructor(stream: GrpcStream, codec: { encode(request: Request): Uint8Array }) {
    this.stream = stream;
    this.codec = codec;
  }

  sendMessage(request: Request, endStream: boolean): void {
    this.stream.sendMessage(this.codec.encode(request), endStream);
  }

  closeStream(): void {
    this.stream.closeStream();
  }

  resetStream(): void {
    this.stream.resetStream();
  }

  get isAboveWriteBufferHighWatermark(): boolean {
    return this.stream.isAboveWriteBufferHighWatermark;
  }

  setWatermarkCallbacks(callbacks: AsyncWatermarkCallbacks | null): void {
    this.stream.setWatermarkCallbacks(callbacks);
  }
}

class MessageCodec<Request extends Message, Response extends Message> {
  private readonly request: DescMessage;
  private readonly response: DescMessage;
  private readonly responseType: Response['$typeName'];

  constructor(method: TypedMethod<Request, Response>) {
    this.request = api().message(method.request);
    this.response = api().message(method.response);
    this.responseType = method.response;
  }

  encode(request: Request): Uint8Array {
    return toBinary(this.request, request);
  }

  /** Null when the bytes are no such message. */
  decode(bytes: Uint8Array): Response | null {
    try {
      return expectMessage<Response>(fromBinary(this.response, bytes), this.responseType);
    } catch {
      // The library's way of saying that a peer's bytes are no protobuf.
      return null;
    }
  }
}

class UnaryAdapter<Response extends Message> implements GrpcRequestCallbacks {
  private readonly codec: { decode(bytes: Uint8Array): Response | null };
  private readonly callbacks: TypedRequestCallbacks<Response>;

  constructor(codec: { decode(bytes: Uint8Array): Response | null }, callbacks: TypedRequestCallbacks<Response>) {
    this.codec = codec;
    this.callbacks = callbacks;
  }

  onCreateInitialMetadata(metadata: HeaderMap): void {
    this.callbacks.onCreateInitialMetadata?.(metadata);
  }

  onSuccess(message: Buffer): void {
    const response = this.codec.decode(message);
    if (response === null) this.callbacks.onFailure(GRPC_INTERNAL, '');
    else this.callbacks.onSuccess(response);
  }

  onFailure(status: number, message: string): void {
    this.callbacks.onFailure(status, message);
  }
}

class StreamAdapter<Response extends Message> implements GrpcStreamCallbacks {
  private readonly codec: { decode(bytes: Uint8Array): Response | null };
  private readonly callbacks: TypedStreamCallbacks<Response>;

  constructor(codec: { decode(bytes: Uint8Array): Response | null }, callbacks: TypedStreamCallbacks<Response>) {
    this.codec = codec;
    this.callbacks = callbacks;
  }

  onCreateInitialMetadata(metadata: HeaderMap): void {
    this.callbacks.onCreateInitialMetadata?.(metadata);
  }

  onReceiveInitialMetadata(metadata: HeaderMap): void {
    this.callbacks.onReceiveInitialMetadata(metadata);
  }

  onMessage(message: Buffer): boolean {
    const response = this.codec.decode(message);
    if (response !== null) this.callbacks.onMessage(response);
    return response !== null;
  }

  onReceiveTrailingMetadata(metadata: HeaderMap): void {
    this.callbacks.onReceiveTrailingMetadata(metadata);
  }

  onRemoteClose(status: number, message: string): void {
    this.callbacks.onRemoteClose(status, message);
  }
}
