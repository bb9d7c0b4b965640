import type { EnvoyGrpcTarget, GrpcServiceConfig } from '../../common/grpc-service.ts';
import type { AsyncClients, AsyncStreamOptions } from '../../contract/async-client.ts';
import type { Dispatcher } from '../../contract/dispatcher.ts';
import type { GrpcCallOptions, GrpcClient, GrpcRequest, GrpcRequestCallbacks, GrpcStream, GrpcStreamCallbacks } from '../../contract/grpc-client.ts';
import type { HeaderMap } from '../../contract/header-map.ts';
import type { GrpcCall, GrpcCallSettings } from './grpc-call.ts';
import { GrpcStreamCall, GrpcUnaryCall } from './grpc-calls.ts';
import { encodeBinaryMetadata, grpcRequestHeaders, metadataContext } from './request-headers.ts';

const NO_OPTIONS: GrpcCallOptions = Object.freeze({});

/** `envoy_grpc`: calls over a cluster of the proxy, through its asynchronous HTTP client. */
export class EnvoyGrpcClient implements GrpcClient {
  readonly destination: string;
  readonly configuredTimeout: number;
  private readonly config: GrpcServiceConfig;
  private readonly target: EnvoyGrpcTarget;
  private readonly clients: AsyncClients;
  private readonly settings: GrpcCallSettings;

  constructor(config: GrpcServiceConfig, target: EnvoyGrpcTarget, clients: AsyncClients, dispatcher: Dispatcher) {
    this.destination = target.clusterName;
    this.configuredTimeout = config.timeout;
    this.config = config;
    this.target = target;
    this.clients = clients;
    this.settings = { dispatcher, maxReceiveMessageLength: target.maxReceiveMessageLength, onClosed: null };
  }

  send(service: string, method: string, message: Uint8Array, callbacks: GrpcRequestCallbacks, options: GrpcCallOptions = NO_OPTIONS): GrpcRequest | null {
    const call = new GrpcUnaryCall(this.settings, callbacks);
    this.open(call, service, method, callbacks, options);
    call.sendMessage(message, true);
    return call.finished ? null : call;
  }

  start(service: string, method: string, callbacks: GrpcStreamCallbacks, options: GrpcCallOptions = NO_OPTIONS): GrpcStream | null {
    const call = new GrpcStreamCall(this.settings, callbacks);
    this.open(call, service, method, callbacks, options);
    return call.finished ? null : call;
  }

  private open(
    call: GrpcCall, service: string, method: string, callbacks: { onCreateInitialMetadata?(metadata: HeaderMap): void }, options: GrpcCallOptions,
  ): void {
    const { target, config } = this;
    const client = this.clients.forCluster(target.clusterName);
    if (client === null) {
      call.refuse();
      return;
    }
    const headers = grpcRequestHeaders(target.authority, service, method, options.timeout ?? 0);
    config.initialMetadata?.apply(headers, metadataContext(options, this.settings.dispatcher.now()));
    callbacks.onCreateInitialMetadata?.(headers);
    encodeBinaryMetadata(headers);
    call.open(client, headers, this.streamOptions(options));
  }

  private streamOptions(options: GrpcCallOptions): AsyncStreamOptions {
    const plain = !this.target.skipEnvoyHeaders;
    return {
      timeout: options.timeout ?? 0,
      retryPolicy: options.retryPolicy ?? this.config.retryPolicy,
      sendXff: (options.sendXff ?? true) && plain,
      sendInternal: (options.sendInternal ?? true) && plain,
      parent: options.parent ?? null,
      ...(options.bufferLimit === undefined ? {} : { bufferLimit: options.bufferLimit }),
    };
  }
}
