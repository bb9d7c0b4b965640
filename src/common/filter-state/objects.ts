import type { FilterStateObject } from '../../contract/stream-info.ts';

/** A text that only `%FILTER_STATE(KEY:PLAIN)%` shows. One character a byte. */
export class TextObject implements FilterStateObject {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  filterStateText(): string {
    return this.text;
  }

  filterStateJson(): null {
    return null;
  }
}

/** An address without a port. */
export class IpObject implements FilterStateObject {
  readonly ip: string;
  private readonly text: string;

  /** `text` is how logs show it. */
  constructor(ip: string, text: string) {
    this.ip = ip;
    this.text = text;
  }

  filterStateText(): string {
    return this.text;
  }

  filterStateJson(): null {
    return null;
  }
}

/** A whole number. */
export class NumberObject implements FilterStateObject {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }

  filterStateText(): string {
    return String(this.value);
  }

  /** A 64-bit wrapper, whose JSON is a text. */
  filterStateJson(): string {
    return String(this.value);
  }
}
