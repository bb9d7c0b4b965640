import type { GrpcService } from '#api/envoy/config/core/v3/grpc_service_pb.js';
import type { AsyncWatermarkCallbacks } from './async-client.ts';
import type { HeaderMap } from './header-map.ts';
import type { RetryPolicy } from './route.ts';
import type { Scope } from './stats.ts';
import type { StreamInfo } from './stream-info.ts';

/**
 * gRPC calls that the proxy itself makes (Envoy's Grpc::AsyncClient). Messages are bytes here; common/grpc/typed-client.ts puts types of the
 * API on top. Callbacks may come during the call that starts something and MUST NOT throw; nothing is called after an end, a cancel or a
 * reset. Statuses are those of google/rpc/code.proto; -1 = a `grpc-status` that is no number.
 */

export interface GrpcCallOptions {
  /**
   * Deadline in milliseconds; absent or 0 = none. Sent as `grpc-timeout` and kept here from the end of the request on: the call fails with
   * UNAVAILABLE, as Envoy's router says it (google_grpc: DEADLINE_EXCEEDED, from the start of the call).
   */
  readonly timeout?: number;
  /** Instead of the service's `retry_policy`. */
  readonly retryPolicy?: RetryPolicy | null;
  /** The stream on whose behalf the call is made: values of `initial_metadata` are formatted from it; without one they go out as written. */
  readonly parent?: StreamInfo | null;
  /** That stream's request headers, for `%REQ(…)%` in values of `initial_metadata`. */
  readonly parentRequestHeaders?: HeaderMap | null;
  /** Default: what `skip_envoy_headers` leaves. */
  readonly sendXff?: boolean;
  readonly sendInternal?: boolean;
  /** Bytes of requests that wait for a connection before the producer is told to pause, and that are kept for a retry; default 65,536. */
  readonly bufferLimit?: number;
}

export interface GrpcRequestCallbacks {
  /** The request's metadata, before it is sent; may be changed. Values of `…-bin` names are raw bytes here and go out in base64. */
  onCreateInitialMetadata?(metadata: HeaderMap): void;
  /** `message` is the caller's to keep. */
  onSuccess(message: Buffer): void;
  onFailure(status: number, message: string): void;
}

/** A unary call under way. */
export interface GrpcRequest {
  /** No callback comes. Harmless after the end. */
  cancel(): void;
  readonly streamInfo: StreamInfo | null;
}

/** Events of a stream, in order: initial metadata, messages*, trailing metadata, remote close. */
export interface GrpcStreamCallbacks {
  onCreateInitialMetadata?(metadata: HeaderMap): void;
  /** Empty for a response of trailers only, and for one that was refused (no 200). Not called when the stream breaks off before. */
  onReceiveInitialMetadata(metadata: HeaderMap): void;
  /** `message` is only valid during the call. False = it is not what it should be: the stream ends with INTERNAL. */
  onMessage(message: Buffer): boolean;
  /** Empty when the stream broke off. */
  onReceiveTrailingMetadata(metadata: HeaderMap): void;
  /** The last call. `message` may be empty; where the proxy knows more, its response code details stand in it. */
  onRemoteClose(status: number, message: string): void;
}

/** A stream under way. Calls after its end are harmless. */
export interface GrpcStream {
  /** `message` MUST NOT be changed before the present turn has ended. */
  sendMessage(message: Uint8Array, endStream: boolean): void;
  /** Half-closes: no more messages from this side. */
  closeStream(): void;
  /** Ends both sides at once; no callback comes. */
  resetStream(): void;
  /** Nothing more is of interest, but the server should end the stream by itself; it is reset after `timeoutMs` (Envoy: 1,000). */
  waitForRemoteCloseAndDelete(timeoutMs?: number): void;
  readonly isAboveWriteBufferHighWatermark: boolean;
  setWatermarkCallbacks(callbacks: AsyncWatermarkCallbacks | null): void;
  /** Nested pause of the server's messages. Those of bytes that were received already may still come. */
  readDisable(disable: boolean): void;
  readonly streamInfo: StreamInfo | null;
}

/** A client of one GrpcService. */
export interface GrpcClient {
  /** Unary call of `/<service>/<method>`. Null when a callback has been called already. */
  send(service: string, method: string, message: Uint8Array, callbacks: GrpcRequestCallbacks, options?: GrpcCallOptions): GrpcRequest | null;
  /** Null when `onRemoteClose` has been called already. */
  start(service: string, method: string, callbacks: GrpcStreamCallbacks, options?: GrpcCallOptions): GrpcStream | null;
  /** Cluster name, or the target URI of google_grpc. */
  readonly destination: string;
  /** `timeout` of the GrpcService, milliseconds, or -1: what a caller's option is usually made from. */
  readonly configuredTimeout: number;
}

/** Makes clients of one thread. */
export interface GrpcClients {
  /**
   * The client for a service; equal services share one. Throws ConfigError with paths below the service. `scope` is where statistics of
   * google_grpc go (`grpc.<stat_prefix>.`). `skipClusterCheck`: the cluster need not be a static one that exists now.
   */
  getOrCreate(service: GrpcService, scope: Scope, skipClusterCheck?: boolean): GrpcClient;
}
