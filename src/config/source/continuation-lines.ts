/** A text with more indentation, and the way back to offsets of the original. */
export interface Reindented {
  readonly text: string;
  readonly original: (offset: number) => number;
}

/** `key: |` and the like at the end of a line: what follows, indented deeper, is literal. */
const BLOCK_SCALAR = /(?:^|[:\-?]\s+|\s)(?:[&!][^\s]*\s+)*[|>][+\-0-9]{0,2}\s*(?:#.*)?$/;

/** What a scan of the text needs to know at a line's start. */
class Scanner {
  depth = 0;
  quote = '';

  /** Whether the next line continues a flow collection or a quoted scalar. */
  get inside(): boolean {
    return this.depth > 0 || this.quote !== '';
  }

  line(line: string): void {
    for (let i = 0; i < line.length; i++) {
      const char = line.charAt(i);
      if (this.quote !== '') i = this.quoted(line, i);
      else if (char === '#' && (i === 0 || /\s/.test(line.charAt(i - 1)))) return;
      else if ((char === '"' || char === "'") && this.opensValue(line, i)) this.quote = char;
      else if ((char === '[' || char === '{') && this.opensValue(line, i)) this.depth++;
      else if ((char === ']' || char === '}') && this.depth > 0) this.depth--;
    }
  }

  /** Inside quotes: the index to go on from. */
  private quoted(line: string, i: number): number {
    const char = line.charAt(i);
    if (char === '\\' && this.quote === '"') return i + 1;
    if (char !== this.quote) return i;
    if (char === "'" && line.charAt(i + 1) === "'") return i + 1;
    this.quote = '';
    return i;
  }

  /** Quotes and brackets count only where a value may begin: `it's` and `a[0]` are plain text. */
  private opensValue(line: string, i: number): boolean {
    const before = line.slice(0, i).trimEnd();
    if (before === '') return true;
    const last = before.charAt(before.length - 1);
    if (',[{'.includes(last) && this.depth > 0) return true;
    if (',[{'.includes(last)) return false;
    return (':-?'.includes(last) && (before.length < i || this.depth > 0)) || /(^|\s)[&!][^\s]*$/.test(before);
  }
}

/**
 * Indents the lines inside flow collections and quoted scalars deeper than any block, where indentation means nothing. YAML demands
 * some there; yaml-cpp does not, and people write closing brackets at the margin.
 */
export function indentContinuations(text: string): Reindented {
  const lines = text.split('\n');
  const pad = ' '.repeat(deepest(lines) + 1);
  const starts: number[] = [];
  const scanner = new Scanner();
  let literalIndent = -1;
  let offset = 0;
  const out = lines.map((line) => {
    const indent = line.length - line.trimStart().length;
    const literal = literalIndent >= 0 && (indent > literalIndent || line.trim() === '');
    if (!literal) literalIndent = -1;
    const continued = scanner.inside && !literal;
    if (continued) starts.push(offset);
    if (!literal && line.length <= LONGEST_LINE) scanner.line(line);
    if (!literal && !scanner.inside && BLOCK_SCALAR.test(line)) literalIndent = indent;
    offset += line.length + 1;
    return continued ? pad + line : line;
  });
  return { text: out.join('\n'), original: (at) => originalOffset(at, starts, pad.length) };
}

/** Lines longer than this are not looked into: finding where their values begin takes time that grows with the square. */
const LONGEST_LINE = 10_000;
const DEEPEST_INDENT = 1000;

function deepest(lines: readonly string[]): number {
  let most = 0;
  for (const line of lines) most = Math.max(most, line.length - line.trimStart().length);
  return Math.min(most, DEEPEST_INDENT);
}

/** `starts`: offsets, in the original, of the lines that got `width` spaces more. */
function originalOffset(at: number, starts: readonly number[], width: number): number {
  let added = 0;
  for (const start of starts) {
    if (at < start + added) break;
    // Inside the added spaces counts as the line's start.
    if (at < start + added + width) return start;
    added += width;
  }
  return at - added;
}
