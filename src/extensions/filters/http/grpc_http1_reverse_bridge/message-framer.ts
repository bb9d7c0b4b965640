import { GRPC_FRAME_HEADER_BYTES, encodeGrpcFrame, grpcFrameHeader, writeGrpcFrameHeader } from '../../../../codec/grpc/index.ts';
import type { StreamEncoderFilterCallbacks } from '../../../../contract/http-filter.ts';
import { DATA_CONTINUE, DATA_STOP_ITERATION_AND_BUFFER } from '../../../../contract/status.ts';
import type { FilterDataStatus } from '../../../../contract/status.ts';

const NO_HEADER = Buffer.alloc(GRPC_FRAME_HEADER_BYTES);

/** Puts a frame header before the body of a response, which is one message. */
export interface MessageFramer {
  encodeData(data: Buffer, endStream: boolean): FilterDataStatus;
  /** The body has ended, trailers follow. */
  encodeTrailers(): void;
}

/** The length is known beforehand: the body passes as it comes. */
export class SizedFramer implements MessageFramer {
  private readonly callbacks: StreamEncoderFilterCallbacks;
  private readonly length: number;
  private begun: boolean;

  constructor(callbacks: StreamEncoderFilterCallbacks, length: number) {
    this.callbacks = callbacks;
    this.length = length;
    this.begun = false;
  }

  encodeData(data: Buffer): FilterDataStatus {
    if (!this.begun) {
      this.begun = true;
      this.callbacks.replaceData(Buffer.concat([grpcFrameHeader(this.length, 0), data]));
    }
    return DATA_CONTINUE;
  }

  encodeTrailers(): void {
    // The header left with the first data.
  }
}

/** The length is known at the end: the body is held until then, by the filter manager and its limit. */
export class HoldingFramer implements MessageFramer {
  private readonly callbacks: StreamEncoderFilterCallbacks;
  private begun: boolean;

  constructor(callbacks: StreamEncoderFilterCallbacks) {
    this.callbacks = callbacks;
    this.begun = false;
  }

  encodeData(data: Buffer, endStream: boolean): FilterDataStatus {
    if (!this.begun) {
      this.begun = true;
      // Room for the header.
      this.callbacks.replaceData(endStream ? encodeGrpcFrame(data) : Buffer.concat([NO_HEADER, data]));
    } else if (endStream) this.fillHeader(data.length);
    return endStream ? DATA_CONTINUE : DATA_STOP_ITERATION_AND_BUFFER;
  }

  encodeTrailers(): void {
    if (this.begun) this.fillHeader(0);
    else this.callbacks.addEncodedData(grpcFrameHeader(0, 0), false);
  }

  private fillHeader(more: number): void {
    const held = this.callbacks.encodingBuffer();
    if (held !== null) writeGrpcFrameHeader(held, 0, held.length - GRPC_FRAME_HEADER_BYTES + more, 0);
  }
}
