/** Numbers from 0 up to but not including `limit`. */
export type Random = (limit: number) => number;

/** A repeatable source (xorshift32). */
export function randomOf(seed: number): Random {
  let state = (seed | 0) || 1;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
}

/** Pieces that parsers trip over. */
const TOKENS = [
  '{', '}', '[', ']', ':', ': ', ',', '- ', '\n', '\n  ', '\t', '"', "'", '\\', '\\u', '\\ud800', '#', ' #', '&a ', '*a', '<<: ', '!ignore ', '! ', '!!str ',
  '|\n', '>-\n', '---\n', '...\n', '%YAML 1.1\n', '? ', '~', 'null', 'true', 'y', '0x', '010', '-0', '1e999', '18446744073709551616', '.inf', 'NaN', '5s', '-1s',
  '__proto__', 'constructor', '@type', 'type.googleapis.com/', 'google.protobuf.Any', 'xds.type.v3.TypedStruct', '\u0000', '\u2028', '\ufeff', '\u{1f600}', '<', '>', ';',
];

function pick<T>(list: readonly T[], random: Random): T {
  const item = list[random(list.length)];
  if (item === undefined) throw new Error('nothing to pick from');
  return item;
}

/** Joins a slice of one text into another. */
function splice(text: string, other: string, random: Random): string {
  const from = random(other.length + 1);
  const piece = other.slice(from, from + random(80));
  const at = random(text.length + 1);
  return text.slice(0, at) + piece + text.slice(at + random(40));
}

function once(text: string, texts: readonly string[], random: Random): string {
  const at = random(text.length + 1);
  switch (random(7)) {
    case 0:
      return text.slice(0, at) + pick(TOKENS, random) + text.slice(at);
    case 1:
      return text.slice(0, at) + text.slice(at + 1 + random(10));
    case 2:
      return text.slice(0, at) + String.fromCharCode(random(random(4) === 0 ? 0x10000 : 128)) + text.slice(at + 1);
    case 3:
      return splice(text, pick(texts, random), random);
    case 4:
      return text.slice(0, at);
    case 5: {
      const piece = text.slice(at, at + 1 + random(30));
      return text.slice(0, at) + piece.repeat(1 + random(20)) + text.slice(at);
    }
    default: {
      // Two lines change places: indentation and keys that no longer fit.
      const lines = text.split('\n');
      const a = random(lines.length);
      const b = random(lines.length);
      [lines[a], lines[b]] = [lines[b] ?? '', lines[a] ?? ''];
      return lines.join('\n');
    }
  }
}

/** Longest text: the fuzzer looks for wrong answers, not for large inputs. */
const MAX_LENGTH = 20_000;

/** A text of the corpus with one to eight changes. */
export function mutate(texts: readonly string[], random: Random): string {
  let text = pick(texts, random);
  for (let changes = 1 + random(8); changes > 0; changes--) text = once(text, texts, random).slice(0, MAX_LENGTH);
  return text;
}
