declare global {
  // Node's own fast path behind `toString('latin1')`, there on every Buffer since Node 6 and missing from the types.
  interface Buffer {
    latin1Slice(start?: number, end?: number): string;
  }
}

/** Text of bytes, one character a byte. */
export function latin1(data: Buffer, start: number, end: number): string {
  return data.latin1Slice(start, end);
}
