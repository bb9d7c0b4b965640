/** A token of protobuf's text format. */
export interface Token {
  readonly kind: 'word' | 'number' | 'string' | 'punctuation' | 'end';
  /** The text as written; of a string, its quotes are left out and nothing is decoded. */
  readonly text: string;
  readonly offset: number;
}

/** Something that is no token. */
export class TextFault extends Error {
  readonly offset: number;
  readonly hint: string;

  constructor(offset: number, why: string, hint = '') {
    super(why);
    this.offset = offset;
    this.hint = hint;
  }
}

const SPACE = /(?:[ \t\r\n\v\f]+|#[^\n]*)+/y;
const WORD = /[A-Za-z_][A-Za-z0-9_]*/y;
const NUMBER = /(?:0[xX][0-9a-fA-F]+|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[fF]?)/y;
const STRING = /"((?:[^"\\\n]|\\[^])*)"|'((?:[^'\\\n]|\\[^])*)'/y;

function match(expression: RegExp, text: string, at: number): RegExpExecArray | null {
  expression.lastIndex = at;
  return expression.exec(text);
}

/** Splits a text into tokens, one at a time. */
export class Lexer {
  private readonly text: string;
  private at: number;
  private ahead: Token | null;

  constructor(text: string) {
    this.text = text;
    this.at = 0;
    this.ahead = null;
  }

  /** The next token, left in place. */
  peek(): Token {
    this.ahead ??= this.read();
    return this.ahead;
  }

  next(): Token {
    const token = this.peek();
    this.ahead = null;
    return token;
  }

  /** Takes the next token when it is this punctuation. */
  take(punctuation: string): boolean {
    const token = this.peek();
    if (token.kind !== 'punctuation' || token.text !== punctuation) return false;
    this.ahead = null;
    return true;
  }

  expect(punctuation: string): Token {
    const token = this.next();
    if (token.kind !== 'punctuation' || token.text !== punctuation) {
      throw new TextFault(token.offset, `expected '${punctuation}', found ${shown(token)}`);
    }
    return token;
  }

  private read(): Token {
    const space = match(SPACE, this.text, this.at);
    if (space !== null) this.at += space[0].length;
    const offset = this.at;
    if (offset >= this.text.length) return { kind: 'end', text: '', offset };
    const word = match(WORD, this.text, offset);
    if (word !== null) return this.token('word', word[0], word[0].length);
    const number = match(NUMBER, this.text, offset);
    if (number !== null) return this.token('number', number[0], number[0].length);
    const string = match(STRING, this.text, offset);
    if (string !== null) return this.token('string', string[1] ?? string[2] ?? '', string[0].length);
    const char = this.text.charAt(offset);
    if ('{}<>[]:,;-/.%'.includes(char)) return this.token('punctuation', char, 1);
    if (char === '"' || char === "'") throw new TextFault(offset, 'this string has no end');
    throw new TextFault(offset, `unexpected character ${JSON.stringify(char)}`);
  }

  private token(kind: Token['kind'], text: string, length: number): Token {
    const offset = this.at;
    this.at += length;
    return { kind, text, offset };
  }
}

/** A token in an error message. */
export function shown(token: Token): string {
  return token.kind === 'end' ? 'the end of the text' : `'${token.text}'`;
}
