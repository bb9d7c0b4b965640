import { Base64Encoder } from './base64.ts';
import { GrpcFrameHeaderReader } from './frame-header.ts';

/**
 * A stream of frames as grpc-web-text: each frame is a padded part of base64 of its own, as Envoy writes them. Nothing waits for the end of a
 * frame, so a message of any size takes no memory here.
 */
export class GrpcWebTextEncoder {
  private readonly header: GrpcFrameHeaderReader;
  private readonly base64: Base64Encoder;
  /** Bytes of the present message that are still to come. */
  private missing: number;

  constructor() {
    this.header = new GrpcFrameHeaderReader();
    this.base64 = new Base64Encoder();
    this.missing = 0;
  }

  /** The text that the bytes so far give beyond what has been given; maybe empty. */
  encode(data: Buffer): Buffer {
    const parts: Buffer[] = [];
    let start = 0;
    let at = 0;
    while (at < data.length) {
      if (this.missing === 0) {
        if (!this.header.read(data[at++])) continue;
        this.missing = this.header.length;
      }
      const step = Math.min(this.missing, data.length - at);
      this.missing -= step;
      at += step;
      if (this.missing > 0) break;
      parts.push(this.base64.encode(data.subarray(start, at), true));
      start = at;
    }
    if (start < data.length) parts.push(this.base64.encode(data.subarray(start), false));
    return parts.length === 1 ? parts[0] : Buffer.concat(parts);
  }

  /** Ends the present part, whole frame or not, and encodes one more frame behind it. */
  encodeLast(frame: Buffer): Buffer {
    const rest = this.base64.encode(NOTHING, true);
    return Buffer.concat([rest, this.base64.encode(frame, true)]);
  }
}

const NOTHING = Buffer.alloc(0);
