export * from './frame.ts';
export { GrpcFrameCounter } from './frame-counter.ts';
export { GRPC_DECODE_BAD_FLAGS, GRPC_DECODE_OK, GRPC_DECODE_TOO_LARGE, GrpcFrameDecoder } from './frame-decoder.ts';
export type { GrpcDecodeResult, GrpcMessageSink } from './frame-decoder.ts';
export { Base64Decoder, Base64Encoder } from './base64.ts';
export { GrpcWebTextEncoder } from './web-text-encoder.ts';
