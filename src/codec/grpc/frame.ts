/**
 * Framing of gRPC messages (gRPC PROTOCOL-HTTP2, "Length-Prefixed-Message"; grpc-web and Connect streaming use the same with more flags):
 * one byte of flags, the length as four bytes big-endian, the message.
 */

export const GRPC_FRAME_HEADER_BYTES = 5;
/** Bit 0: the message is compressed as `grpc-encoding` says. The only flag of gRPC itself. */
export const GRPC_FLAG_COMPRESSED = 0x01;
/** Connect streaming: the end-of-stream message (JSON). */
export const CONNECT_FLAG_END_STREAM = 0x02;
/** grpc-web: the frame holds the trailers as an HTTP/1 header block. */
export const GRPC_WEB_FLAG_TRAILERS = 0x80;
/** The greatest length that four bytes can say. */
export const GRPC_MAX_MESSAGE_BYTES = 0xffff_ffff;

/** Header of a frame whose message has `length` bytes (0 to GRPC_MAX_MESSAGE_BYTES). */
export function grpcFrameHeader(length: number, flags: number): Buffer {
  const header = Buffer.allocUnsafe(GRPC_FRAME_HEADER_BYTES);
  writeGrpcFrameHeader(header, 0, length, flags);
  return header;
}

/** Writes the five bytes of a header into `target` at `at`. */
export function writeGrpcFrameHeader(target: Buffer, at: number, length: number, flags: number): void {
  target[at] = flags;
  target.writeUInt32BE(length, at + 1);
}

/** A whole frame in one buffer of its own: header and a copy of `payload`. */
export function encodeGrpcFrame(payload: Uint8Array, flags = 0): Buffer {
  const frame = Buffer.allocUnsafe(GRPC_FRAME_HEADER_BYTES + payload.length);
  writeGrpcFrameHeader(frame, 0, payload.length, flags);
  frame.set(payload, GRPC_FRAME_HEADER_BYTES);
  return frame;
}
