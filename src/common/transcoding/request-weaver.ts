import { DataPiece, PIECE_BOOL, PIECE_DOUBLE, PIECE_INT64, PIECE_NULL, PIECE_STRING, PIECE_UINT64 } from './data-piece.ts';
import type { ObjectWriter } from './object-writer.ts';
import type { ErrorListener } from './proto-writer.ts';
import { invalidArgument } from './status.ts';
import type { TranscodingStatus } from './status.ts';
import type { Field } from './types.ts';

/** A value of the path or the query, and the field that it is for, from the root of the message. */
export interface FieldBinding {
  readonly path: readonly Field[];
  /** A byte string. */
  readonly value: string;
}

/** What is to be woven into one message of the request. */
interface Weave {
  readonly field: Field | null;
  bindings: { readonly field: Field; readonly value: string }[];
  messages: Weave[];
}

/** Doubles nearer than this are the same (32 times the step of single precision at 1). */
const ALMOST = 32 * 2 ** -23;

/**
 * Weaves the bindings into the events of a body: each goes to the end of the message that it belongs to, which is made if the body lacks
 * it. A field that the body has keeps the body's value, and gets the binding's too when it is repeated. Members of the body are known by
 * their name in the proto file only.
 */
export class RequestWeaver implements ObjectWriter {
  private readonly writer: ObjectWriter;
  private readonly listener: ErrorListener;
  private readonly reportCollisions: boolean;
  private readonly root: Weave;
  private readonly open: Weave[];
  /** Levels below the last object of interest. */
  private idleDepth: number;

  constructor(bindings: readonly FieldBinding[], writer: ObjectWriter, listener: ErrorListener, reportCollisions: boolean) {
    this.writer = writer;
    this.listener = listener;
    this.reportCollisions = reportCollisions;
    this.root = { field: null, bindings: [], messages: [] };
    this.open = [];
    this.idleDepth = 0;
    for (const binding of bindings) this.bind(binding);
  }

  private bind({ path, value }: FieldBinding): void {
    let weave = this.root;
    for (let i = 0; i < path.length - 1; i++) weave = childOf(weave, path[i].name) ?? addChild(weave, path[i]);
    const field = path.at(-1);
    if (field !== undefined) weave.bindings.push({ field, value });
  }

  startObject(name: string): void {
    this.writer.startObject(name);
    if (this.open.length === 0) {
      this.open.push(this.root);
      return;
    }
    const child = this.idleDepth === 0 ? childOf(this.top, name) : undefined;
    if (child === undefined) this.idleDepth++;
    else this.open.push(child);
  }

  endObject(): void {
    if (this.idleDepth > 0) this.idleDepth--;
    else {
      const weave = this.open.pop();
      if (weave !== undefined) this.weave(weave);
    }
    this.writer.endObject();
  }

  startList(name: string): void {
    this.writer.startList(name);
    this.idleDepth++;
  }

  endList(): void {
    this.writer.endList();
    this.idleDepth--;
  }

  render(name: string, data: DataPiece): void {
    if (this.idleDepth === 0 && data.type !== PIECE_NULL && this.open.length > 0) this.collide(name, data);
    this.writer.render(name, data);
  }

  private get top(): Weave {
    return this.open.at(-1) ?? this.root;
  }

  private weave(weave: Weave): void {
    for (const { field, value } of weave.bindings) this.writer.render(field.name, DataPiece.string(value));
    weave.bindings = [];
    for (const child of weave.messages) {
      if (child.bindings.length === 0 && child.messages.length === 0) continue;
      this.writer.startObject(child.field?.name ?? '');
      this.weave(child);
      this.writer.endObject();
    }
    weave.messages = [];
  }

  private collide(name: string, inBody: DataPiece): void {
    const { top } = this;
    const same = top.bindings.filter((each) => each.field.name === name);
    if (same.length === 0) return;
    top.bindings = top.bindings.filter((each) => each.field.name !== name);
    for (const { field, value } of same) {
      const bound = DataPiece.string(value);
      if (field.repeated) this.writer.render(name, bound);
      else if (this.reportCollisions) {
        const fault = compare(name, inBody, bound);
        if (fault !== null) this.listener.status = fault;
      }
    }
  }
}

function childOf(weave: Weave, name: string): Weave | undefined {
  return weave.messages.find((each) => each.field?.name === name);
}

function addChild(weave: Weave, field: Field): Weave {
  const child: Weave = { field, bindings: [], messages: [] };
  weave.messages.push(child);
  return child;
}

/** Null when both say the same. 64-bit numbers of a binding count with their lower half only, as in Envoy. */
function compare(name: string, inBody: DataPiece, bound: DataPiece): TranscodingStatus | null {
  const failure = (type: string): TranscodingStatus => invalidArgument(`Failed to convert binding value ${name}:${bound.shown} to ${type}`);
  let same = true;
  switch (inBody.type) {
    case PIECE_INT64: case PIECE_UINT64: {
      const value = inBody.type === PIECE_INT64 ? bound.toInt64() : bound.toUint64();
      if (value === null) return failure(inBody.type === PIECE_INT64 ? 'int64' : 'uint64');
      same = BigInt.asUintN(32, BigInt(value)) === BigInt.asUintN(64, BigInt(inBody.integer));
      break;
    }
    case PIECE_DOUBLE: {
      const value = bound.toDouble();
      if (value === null) return failure('double');
      same = Math.abs(Math.fround(value) - Math.fround(inBody.double)) < ALMOST;
      break;
    }
    case PIECE_BOOL: {
      const value = bound.toBool();
      if (value === null) return failure('bool');
      same = value === (inBody.integer === 1);
      break;
    }
    case PIECE_STRING: same = bound.text === inBody.text; break;
    default: break;
  }
  if (same) return null;
  return invalidArgument(`The binding value ${bound.shown} of the field ${name} is conflicting with the value ${inBody.shown} in the body.`);
}
