import { GRPC_INTERNAL, GRPC_OK } from '../../common/grpc/status.ts';
import type { GrpcRequest, GrpcRequestCallbacks, GrpcStream, GrpcStreamCallbacks } from '../../contract/grpc-client.ts';
import type { HeaderMap } from '../../contract/header-map.ts';
import { GrpcCall } from './grpc-call.ts';
import type { GrpcCallSettings } from './grpc-call.ts';

/** A call whose messages go to its caller one by one. */
export class GrpcStreamCall extends GrpcCall implements GrpcStream {
  private readonly callbacks: GrpcStreamCallbacks;

  constructor(settings: GrpcCallSettings, callbacks: GrpcStreamCallbacks) {
    super(settings);
    this.callbacks = callbacks;
  }

  protected initialMetadata(metadata: HeaderMap): void {
    this.callbacks.onReceiveInitialMetadata(metadata);
  }

  protected message(message: Buffer): boolean {
    return this.callbacks.onMessage(message);
  }

  protected trailingMetadata(metadata: HeaderMap): void {
    this.callbacks.onReceiveTrailingMetadata(metadata);
  }

  protected closed(status: number, message: string): void {
    this.callbacks.onRemoteClose(status, message);
  }
}

/** A call with one message each way. */
export class GrpcUnaryCall extends GrpcCall implements GrpcRequest {
  private readonly callbacks: GrpcRequestCallbacks;
  private response: Buffer | null;

  constructor(settings: GrpcCallSettings, callbacks: GrpcRequestCallbacks) {
    super(settings);
    this.callbacks = callbacks;
    this.response = null;
  }

  cancel(): void {
    this.resetStream();
  }

  protected initialMetadata(): void {}

  /** A server that sends several is not worth failing: the last one counts, as in Envoy. */
  protected message(message: Buffer): boolean {
    this.response = Buffer.from(message);
    return true;
  }

  protected trailingMetadata(): void {}

  protected closed(status: number, message: string): void {
    const { response } = this;
    if (status !== GRPC_OK) this.callbacks.onFailure(status, message);
    else if (response === null) this.callbacks.onFailure(GRPC_INTERNAL, '');
    else this.callbacks.onSuccess(response);
  }
}
