/** Longest text that is put together from characters; V8 would make longer ones a tree of pieces. */
const SHORT = 12;

/**
 * Latin-1 text of `data[start, end)`. Node's `latin1Slice` costs 90 ns however short the text is; from characters it is 10-40 ns.
 */
export function shortText(data: Buffer, start: number, end: number): string {
  const length = end - start;
  if (length > SHORT) return data.latin1Slice(start, end);
  switch (length) {
    case 0:
      return '';
    case 1:
      return String.fromCharCode(data[start]);
    case 2:
      return String.fromCharCode(data[start], data[start + 1]);
    case 3:
      return String.fromCharCode(data[start], data[start + 1], data[start + 2]);
    default:
      return fourOrMore(data, start, length);
  }
}

function fourOrMore(data: Buffer, start: number, length: number): string {
  const four = String.fromCharCode(data[start], data[start + 1], data[start + 2], data[start + 3]);
  if (length === 4) return four;
  if (length < 8) return four + shortText(data, start + 4, start + length);
  const eight = four + String.fromCharCode(data[start + 4], data[start + 5], data[start + 6], data[start + 7]);
  return length === 8 ? eight : eight + shortText(data, start + 8, start + length);
}
