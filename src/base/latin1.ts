declare global {
  // Node's own fast path behind `toString('latin1')`, there on every Buffer since Node 6 and missing from the types.
  interface Buffer {
    latin1Slice(start?: number, end?: number): string;
    latin1Write(text: string, offset: number, length: number): number;
  }
}

/** Text of bytes, one character a byte. */
export function latin1(data: Buffer, start: number, end: number): string {
  return data.latin1Slice(start, end);
}

/** Puts `text`, one byte a character, into `target` at `offset`; the caller has made room. */
export function putLatin1(target: Buffer, text: string, offset: number): void {
  target.latin1Write(text, offset, text.length);
}
