import type { GrpcService } from '#api/envoy/config/core/v3/grpc_service_pb.js';
import { HeaderMap } from '../../contract/header-map.ts';
import type {
  GrpcCallOptions, GrpcClient, GrpcClients, GrpcRequest, GrpcRequestCallbacks, GrpcStream, GrpcStreamCallbacks,
} from '../../contract/grpc-client.ts';

/** A call that a test answers. */
export class FakeGrpcCall implements GrpcRequest, GrpcStream {
  readonly path: string;
  readonly options: GrpcCallOptions;
  /** What the caller has sent. */
  readonly sent: Uint8Array[] = [];
  readonly metadata = new HeaderMap();
  readonly streamInfo = null;
  isAboveWriteBufferHighWatermark = false;
  closed = false;
  reset = false;
  pauses = 0;
  readonly unary: GrpcRequestCallbacks | null;
  readonly stream: GrpcStreamCallbacks | null;

  constructor(path: string, unary: GrpcRequestCallbacks | null, stream: GrpcStreamCallbacks | null, options: GrpcCallOptions) {
    this.path = path;
    this.unary = unary;
    this.stream = stream;
    this.options = options;
    (unary ?? stream)?.onCreateInitialMetadata?.(this.metadata);
  }

  // The test's side.

  respond(message: Uint8Array): void {
    if (!this.reset) this.unary?.onSuccess(Buffer.from(message));
  }

  fail(status: number, message = ''): void {
    if (!this.reset) this.unary?.onFailure(status, message);
  }

  /** A message on the stream; what the caller makes of it. */
  receive(message: Uint8Array): boolean {
    return this.reset ? false : (this.stream?.onMessage(Buffer.from(message)) ?? false);
  }

  /** The server ends the stream. */
  end(status: number, message = '', trailers = new HeaderMap()): void {
    if (this.reset) return;
    this.stream?.onReceiveTrailingMetadata(trailers);
    this.stream?.onRemoteClose(status, message);
  }

  // The caller's side.

  cancel(): void {
    this.reset = true;
  }

  sendMessage(message: Uint8Array, endStream: boolean): void {
    this.sent.push(Uint8Array.from(message));
    if (endStream) this.closed = true;
  }

  closeStream(): void {
    this.closed = true;
  }

  resetStream(): void {
    this.reset = true;
  }

  waitForRemoteCloseAndDelete(): void {
    this.reset = true;
  }

  setWatermarkCallbacks(): void {}

  readDisable(disable: boolean): void {
    this.pauses += disable ? 1 : -1;
  }
}

/** A gRPC client whose server is the test. Also a GrpcClients that gives itself for every service. */
export class FakeGrpcClient implements GrpcClient, GrpcClients {
  readonly destination = 'fake';
  configuredTimeout = -1;
  readonly calls: FakeGrpcCall[] = [];
  readonly services: GrpcService[] = [];

  /** The newest call. */
  get last(): FakeGrpcCall {
    const last = this.calls.at(-1);
    if (last === undefined) throw new Error('nothing was called');
    return last;
  }

  getOrCreate(service: GrpcService): GrpcClient {
    this.services.push(service);
    return this;
  }

  send(service: string, method: string, message: Uint8Array, callbacks: GrpcRequestCallbacks, options: GrpcCallOptions = {}): GrpcRequest {
    const call = new FakeGrpcCall(`${service}/${method}`, callbacks, null, options);
    call.sendMessage(message, true);
    this.calls.push(call);
    return call;
  }

  start(service: string, method: string, callbacks: GrpcStreamCallbacks, options: GrpcCallOptions = {}): GrpcStream {
    const call = new FakeGrpcCall(`${service}/${method}`, null, callbacks, options);
    this.calls.push(call);
    return call;
  }
}
