import { GrpcFrameDecoder } from '../../../../codec/grpc/frame-decoder.ts';
import type { GrpcMessageSink } from '../../../../codec/grpc/frame-decoder.ts';
import { parseHttpBody } from '../../../../common/transcoding/http-body.ts';
import type { Field } from '../../../../common/transcoding/types.ts';

/** What came out of some bytes of a response. */
export interface HttpBodies {
  /** The bytes of all bodies. */
  readonly data: Buffer;
  /** Type of the first body of a stream, of the last else; null when there was none. */
  readonly contentType: string | null;
  /** Frames that were complete. */
  readonly frames: number;
}

/** gRPC messages of google.api.HttpBody, in pieces, to the bytes of the bodies. */
export class HttpBodyFrames implements GrpcMessageSink {
  private readonly path: readonly Field[];
  private readonly streaming: boolean;
  private readonly decoder: GrpcFrameDecoder;
  private bodies: Buffer[];
  private contentType: string | null;
  private frames: number;
  private broken: boolean;

  /** @param maxMessageBytes a longer message is taken for a broken one */
  constructor(path: readonly Field[], streaming: boolean, maxMessageBytes: number) {
    this.path = path;
    this.streaming = streaming;
    this.decoder = new GrpcFrameDecoder(maxMessageBytes);
    this.bodies = [];
    this.contentType = null;
    this.frames = 0;
    this.broken = false;
  }

  /** Bytes of a frame that is not complete. */
  get heldBytes(): number {
    return this.decoder.pendingBytes;
  }

  /** Null when a message is broken. */
  read(data: Buffer): HttpBodies | null {
    this.bodies = [];
    this.contentType = null;
    this.frames = 0;
    const result = this.decoder.decode(data, this);
    if (this.broken || result !== 0) return null;
    return { data: Buffer.concat(this.bodies), contentType: this.contentType, frames: this.frames };
  }

  onMessage(_flags: number, message: Buffer): void {
    this.frames++;
    // A unary response is its first message.
    if (message.length === 0 || this.broken || (!this.streaming && this.contentType !== null)) return;
    const body = parseHttpBody(message, this.path, false);
    if (body === null) {
      this.broken = true;
      return;
    }
    this.bodies.push(Buffer.from(body.data));
    this.contentType ??= body.contentType;
  }
}
