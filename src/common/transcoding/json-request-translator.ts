import { encodeGrpcFrame } from '../../codec/grpc/frame.ts';
import type { DescriptorPool } from './descriptor-pool.ts';
import { JsonStreamParser } from './json-stream-parser.ts';
import { RequestMessageTranslator, RequestStreamTranslator } from './request-translator.ts';
import type { RequestInfo } from './request-translator.ts';
import { OK } from './status.ts';
import type { TranscodingStatus } from './status.ts';

const EMPTY_OBJECT = Buffer.from('{}');

/**
 * A JSON body, given in pieces, to gRPC frames: one for a unary request, one an array's element for a streaming one. A request without any body is
 * that of `{}`.
 */
export class JsonRequestTranslator {
  private readonly translator: RequestMessageTranslator | RequestStreamTranslator;
  private readonly parser: JsonStreamParser;
  private seenInput: boolean;
  private inputFinished: boolean;
  private frames: Buffer[];
  /** Bytes that count against limits: the piece with the end of the message, and what came after it. */
  unreadBytes: number;
  status: TranscodingStatus;

  constructor(pool: DescriptorPool, info: RequestInfo, streaming: boolean) {
    this.translator = streaming ? new RequestStreamTranslator(pool, info) : new RequestMessageTranslator(pool, info);
    this.parser = new JsonStreamParser(this.translator.input);
    this.seenInput = false;
    this.inputFinished = false;
    this.frames = [];
    this.unreadBytes = 0;
    this.status = OK;
  }

  /** Bytes held for what is not complete yet. */
  get heldBytes(): number {
    return this.parser.heldBytes + this.translator.heldBytes;
  }

  /** Takes a piece of the body. Once the message of a unary request is complete, what comes is not looked at. */
  write(data: Buffer): void {
    if (data.length === 0) return;
    if (this.finished) {
      this.unreadBytes += data.length;
      return;
    }
    this.seenInput = true;
    if (this.check(this.parser.parse(data))) this.collect();
    if (this.finished) this.unreadBytes = data.length;
  }

  /**
   * The body is complete. A message that is complete only by that (a body that is a bare number) does not come out: Envoy sends none, and
   * so does this.
   */
  end(): void {
    if (this.inputFinished) return;
    this.inputFinished = true;
    if (this.finished) return;
    if (this.seenInput) this.check(this.parser.finish());
    else if (this.check(this.parser.parse(EMPTY_OBJECT))) this.collect();
  }

  /** Frames that are complete, each once. */
  read(): Buffer[] {
    const { frames } = this;
    this.frames = [];
    return frames;
  }

  private get finished(): boolean {
    return this.translator.finished || this.status !== OK;
  }

  private check(parsed: TranscodingStatus): boolean {
    this.status = parsed === OK ? this.translator.status : parsed;
    return this.status === OK;
  }

  private collect(): void {
    for (let message = this.translator.nextMessage(); message !== null; message = this.translator.nextMessage()) {
      this.frames.push(encodeGrpcFrame(message));
    }
  }
}
