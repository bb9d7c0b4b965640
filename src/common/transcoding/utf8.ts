/** UTF-8 in byte strings (RFC 3629: no surrogates, no overlong forms, nothing above U+10FFFF). */

const NON_ASCII = /[\x80-\xff]/;

/** How many bytes from the start are whole and valid UTF-8. */
export function utf8Prefix(text: string): number {
  if (!NON_ASCII.test(text)) return text.length;
  let at = 0;
  while (at < text.length) {
    const length = sequenceLength(text, at);
    if (length === 0) return at;
    at += length;
  }
  return at;
}

/** Length of the valid sequence at `at`, 0 if there is none or it is cut off. */
function sequenceLength(text: string, at: number): number {
  const lead = text.charCodeAt(at);
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  const second = text.charCodeAt(at + 1);
  if (!isContinuation(second)) return 0;
  if (lead < 0xe0) return 2;
  if ((lead === 0xe0 && second < 0xa0) || (lead === 0xed && second > 0x9f)) return 0;
  if (!isContinuation(text.charCodeAt(at + 2))) return 0;
  if (lead < 0xf0) return 3;
  if ((lead === 0xf0 && second < 0x90) || (lead === 0xf4 && second > 0x8f)) return 0;
  return isContinuation(text.charCodeAt(at + 3)) ? 4 : 0;
}

/** False for the NaN behind the end, too. */
function isContinuation(code: number): boolean {
  return code >= 0x80 && code < 0xc0;
}
