import type { DataPiece } from './data-piece.ts';
import { PIECE_NULL, PIECE_STRING } from './data-piece.ts';
import type { ObjectWriter } from './object-writer.ts';
import type { ProtoStreamObjectWriter } from './proto-stream-object-writer.ts';
import { typeRenderer } from './type-renderers.ts';
import type { TypeRenderer } from './type-renderers.ts';
import { MessageType, WELL_KNOWN_ANY, WELL_KNOWN_STRUCT } from './types.ts';

const START_OBJECT = 0;
const END_OBJECT = 1;
const START_LIST = 2;
const END_LIST = 3;
const RENDER = 4;

/** Something that came before "@type". */
interface HeldEvent {
  readonly kind: number;
  readonly name: string;
  readonly data: DataPiece | null;
}

/** Events that may be held before "@type" is known; more is a fault. */
const MAX_HELD_EVENTS = 100_000;

/**
 * Writes a google.protobuf.Any: its content is translated by the type that "@type" names. What comes before "@type" is held and replayed.
 */
export class AnyWriter implements ObjectWriter {
  private readonly parent: ProtoStreamObjectWriter;
  /** Writes the content; null until the type is known. */
  private content: ProtoStreamObjectWriter | null;
  private held: HeldEvent[];
  private typeUrl: string;
  private depth: number;
  private wellKnown: boolean;
  private renderer: TypeRenderer | null;
  private invalid: boolean;

  constructor(parent: ProtoStreamObjectWriter) {
    this.parent = parent;
    this.content = null;
    this.held = [];
    this.typeUrl = '';
    this.depth = 0;
    this.wellKnown = false;
    this.renderer = null;
    this.invalid = false;
  }

  startObject(name: string): void {
    this.depth++;
    if (this.content === null) this.hold(START_OBJECT, name, null);
    else if (this.wellKnown && this.depth === 1) {
      this.expectValue(name);
      this.content.startObject('');
    } else this.content.startObject(name);
  }

  /** True when that was the end of the Any itself. */
  endsWithObject(): boolean {
    this.depth--;
    if (this.content === null) {
      if (this.depth >= 0) this.hold(END_OBJECT, '', null);
    } else if (this.depth >= 0 || !this.wellKnown) this.content.endObject();
    if (this.depth >= 0) return false;
    this.write();
    return true;
  }

  endObject(): void {
    this.endsWithObject();
  }

  startList(name: string): void {
    this.depth++;
    if (this.content === null) this.hold(START_LIST, name, null);
    else if (this.wellKnown && this.depth === 1) {
      this.expectValue(name);
      this.content.startList('');
    } else this.content.startList(name);
  }

  endList(): void {
    this.depth--;
    if (this.content === null) this.hold(END_LIST, '', null);
    else this.content.endList();
  }

  render(name: string, data: DataPiece): void {
    if (this.content === null) {
      if (this.depth === 0 && name === '@type') this.start(data);
      else this.hold(RENDER, name, data);
    } else if (this.depth === 0 && this.wellKnown) this.renderWellKnown(this.content, name, data);
    else this.content.render(name, data);
  }

  private renderWellKnown(content: ProtoStreamObjectWriter, name: string, data: DataPiece): void {
    this.expectValue(name);
    if (this.renderer === null) {
      if (data.type !== PIECE_NULL) this.fault('Expect a JSON object.');
      return;
    }
    content.writeStartObject('');
    const why = this.renderer(content, data);
    if (why !== null) content.invalidValue('Any', why);
    content.writeEndObject();
  }

  private start(data: DataPiece): void {
    if (data.type !== PIECE_STRING) {
      this.parent.invalidValue('String', data.shown);
      this.invalid = true;
      return;
    }
    this.typeUrl = data.text;
    const type = this.parent.pool.messageByUrl(data.text);
    if (!(type instanceof MessageType)) {
      this.parent.invalidValue('Any', type.message);
      this.invalid = true;
      return;
    }
    this.renderer = typeRenderer(type.fullName);
    this.wellKnown = this.renderer !== null || type.wellKnown === WELL_KNOWN_ANY || type.wellKnown === WELL_KNOWN_STRUCT;
    this.content = this.parent.contentWriter(type);
    if (!this.wellKnown) this.content.startObject('');
    const { held } = this;
    this.held = [];
    for (const event of held) this.replay(event);
  }

  private replay(event: HeldEvent): void {
    switch (event.kind) {
      case START_OBJECT: this.startObject(event.name); break;
      case END_OBJECT: this.endObject(); break;
      case START_LIST: this.startList(event.name); break;
      case END_LIST: this.endList(); break;
      default: if (event.data !== null) this.render(event.name, event.data);
    }
  }

  private write(): void {
    if (this.content !== null) {
      this.parent.writeAny(this.typeUrl, this.content.message);
    } else if (this.held.length > 0) this.fault(`Missing @type for any field in ${this.parent.rootType.fullName}`);
  }

  private hold(kind: number, name: string, data: DataPiece | null): void {
    if (this.held.length >= MAX_HELD_EVENTS) this.fault('Too much before @type.');
    else this.held.push({ kind, name, data });
  }

  private expectValue(name: string): void {
    if (name !== 'value') this.fault('Expect a "value" field for well-known types.');
  }

  private fault(why: string): void {
    if (this.invalid) return;
    this.invalid = true;
    this.parent.invalidValue('Any', why);
  }
}
