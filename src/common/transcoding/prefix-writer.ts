import type { DataPiece } from './data-piece.ts';
import type { ObjectWriter } from './object-writer.ts';

/** Puts the root of the JSON below a field path of the message: `body: "book"` makes `{…}` of a body `{"book": {…}}`. */
export class PrefixWriter implements ObjectWriter {
  private readonly prefix: readonly string[];
  private readonly writer: ObjectWriter;
  private depth: number;

  constructor(path: string, writer: ObjectWriter) {
    this.prefix = path.split('.').filter((each) => each !== '');
    this.writer = writer;
    this.depth = 0;
  }

  startObject(name: string): void {
    this.writer.startObject(++this.depth === 1 ? this.startPrefix(name) : name);
  }

  endObject(): void {
    this.writer.endObject();
    if (--this.depth === 0) this.endPrefix();
  }

  startList(name: string): void {
    this.writer.startList(++this.depth === 1 ? this.startPrefix(name) : name);
  }

  endList(): void {
    this.writer.endList();
    if (--this.depth === 0) this.endPrefix();
  }

  render(name: string, data: DataPiece): void {
    if (this.depth > 0) {
      this.writer.render(name, data);
      return;
    }
    this.writer.render(this.startPrefix(name), data);
    this.endPrefix();
  }

  private startPrefix(name: string): string {
    let inner = name;
    for (const each of this.prefix) {
      this.writer.startObject(inner);
      inner = each;
    }
    return inner;
  }

  private endPrefix(): void {
    for (let i = 0; i < this.prefix.length; i++) this.writer.endObject();
  }
}
