import { GrpcFrameDecoder } from '../../../../codec/grpc/frame-decoder.ts';
import type { GrpcMessageSink } from '../../../../codec/grpc/frame-decoder.ts';
import { parseHttpBody } from '../../../../common/transcoding/http-body.ts';

/** gRPC messages of google.api.HttpBody to the bytes of a request. */
export class HttpBodyRequest implements GrpcMessageSink {
  private readonly decoder: GrpcFrameDecoder;
  private bodies: Buffer[];
  private contentType: string | null;
  private frames: number;
  private broken: boolean;

  constructor(maxMessageBytes: number) {
    this.decoder = new GrpcFrameDecoder(maxMessageBytes);
    this.bodies = [];
    this.contentType = null;
    this.frames = 0;
    this.broken = false;
  }

  /** What was complete in `data` (the type is the last message's), or null when a message is broken. */
  read(data: Buffer): { readonly data: Buffer; readonly contentType: string | null; readonly frames: number } | null {
    this.bodies = [];
    this.contentType = null;
    this.frames = 0;
    if (this.decoder.decode(data, this) !== 0 || this.broken) return null;
    return { data: Buffer.concat(this.bodies), contentType: this.contentType, frames: this.frames };
  }

  onMessage(_flags: number, message: Buffer): void {
    this.frames++;
    if (message.length === 0 || this.broken) return;
    const body = parseHttpBody(message, [], true);
    if (body === null) {
      this.broken = true;
      return;
    }
    this.bodies.push(Buffer.from(body.data));
    this.contentType = body.contentType;
  }
}
