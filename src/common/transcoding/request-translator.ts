import type { DataPiece } from './data-piece.ts';
import type { DescriptorPool } from './descriptor-pool.ts';
import type { ObjectWriter } from './object-writer.ts';
import { PrefixWriter } from './prefix-writer.ts';
import { ErrorListener } from './proto-writer.ts';
import { ProtoStreamObjectWriter } from './proto-stream-object-writer.ts';
import { RequestWeaver } from './request-weaver.ts';
import type { FieldBinding } from './request-weaver.ts';
import { invalidArgument, OK } from './status.ts';
import type { TranscodingStatus } from './status.ts';
import type { MessageType } from './types.ts';

/** How a request becomes messages. */
export interface RequestInfo {
  readonly type: MessageType;
  /** `body` of the HTTP rule: empty, `*`, or a field path. */
  readonly bodyFieldPath: string;
  readonly bindings: readonly FieldBinding[];
  readonly rejectBindingBodyFieldCollisions: boolean;
  readonly caseInsensitiveEnumParsing: boolean;
}

/** JSON events to one message. */
export class RequestMessageTranslator {
  /** Where the events go. */
  readonly input: ObjectWriter;
  private readonly listener: ErrorListener;
  private readonly writer: ProtoStreamObjectWriter;
  private taken: boolean;

  constructor(pool: DescriptorPool, info: RequestInfo) {
    this.listener = new ErrorListener();
    this.writer = new ProtoStreamObjectWriter(pool, info.type, this.listener, info.caseInsensitiveEnumParsing);
    this.taken = false;
    let input: ObjectWriter = this.writer;
    if (info.bindings.length > 0) input = new RequestWeaver(info.bindings, input, this.listener, info.rejectBindingBodyFieldCollisions);
    if (info.bodyFieldPath !== '' && info.bodyFieldPath !== '*') input = new PrefixWriter(info.bodyFieldPath, input);
    this.input = input;
  }

  get status(): TranscodingStatus {
    return this.listener.status;
  }

  /** The message has been taken. */
  get finished(): boolean {
    return this.taken;
  }

  get heldBytes(): number {
    return this.writer.heldBytes;
  }

  /** The message once it is complete, one time; null else. */
  nextMessage(): Buffer | null {
    if (this.taken || this.writer.message === null) return null;
    this.taken = true;
    return this.writer.message;
  }
}

const NO_BINDINGS: readonly FieldBinding[] = [];

/** Events of a JSON array to a message an element. The bindings go to the first. */
export class RequestStreamTranslator implements ObjectWriter {
  readonly input: ObjectWriter;
  private readonly pool: DescriptorPool;
  private info: RequestInfo;
  private translator: RequestMessageTranslator | null;
  private messages: Buffer[];
  private queuedBytes: number;
  private depth: number;
  private done: boolean;
  status: TranscodingStatus;

  constructor(pool: DescriptorPool, info: RequestInfo) {
    this.input = this;
    this.pool = pool;
    // As in Envoy, the strictness of a unary request does not reach the messages of a stream.
    this.info = { ...info, rejectBindingBodyFieldCollisions: false, caseInsensitiveEnumParsing: false };
    this.translator = null;
    this.messages = [];
    this.queuedBytes = 0;
    this.depth = 0;
    this.done = false;
    this.status = OK;
  }

  get finished(): boolean {
    return (this.messages.length === 0 && this.done) || this.status !== OK;
  }

  get heldBytes(): number {
    return this.queuedBytes + (this.translator?.heldBytes ?? 0);
  }

  nextMessage(): Buffer | null {
    const message = this.messages.shift() ?? null;
    if (message !== null) this.queuedBytes -= message.length;
    return message;
  }

  startObject(name: string): void {
    if (this.status !== OK) return;
    if (this.depth === 0) {
      this.status = invalidArgument('Expected an array instead of an object');
      return;
    }
    if (this.depth === 1) this.begin();
    this.translator?.input.startObject(name);
    this.depth++;
  }

  endObject(): void {
    if (this.status !== OK) return;
    this.depth--;
    this.translator?.input.endObject();
    if (this.depth === 1) this.end();
  }

  startList(name: string): void {
    if (this.status !== OK) return;
    if (this.depth++ === 0) return;
    // A list of lists: the body is a repeated field.
    if (this.depth === 2) this.begin();
    this.translator?.input.startList(name);
  }

  endList(): void {
    if (this.status !== OK) return;
    if (--this.depth === 0) {
      this.done = true;
      return;
    }
    this.translator?.input.endList();
    if (this.depth === 1) this.end();
  }

  render(name: string, data: DataPiece): void {
    if (this.status !== OK) return;
    if (this.depth === 0) {
      this.status = invalidArgument('Expected an array instead of a scalar value.');
      return;
    }
    if (this.depth > 1) {
      this.translator?.input.render(name, data);
      return;
    }
    this.begin();
    this.translator?.input.render(name, data);
    this.end();
  }

  private begin(): void {
    this.translator = new RequestMessageTranslator(this.pool, this.info);
    if (this.info.bindings.length > 0) this.info = { ...this.info, bindings: NO_BINDINGS };
  }

  private end(): void {
    const { translator } = this;
    if (translator === null) return;
    if (translator.status !== OK) {
      this.status = translator.status;
      return;
    }
    const message = translator.nextMessage();
    this.translator = null;
    if (message === null) {
      this.status = invalidArgument('Invalid object');
      return;
    }
    this.messages.push(message);
    this.queuedBytes += message.length;
  }
}
