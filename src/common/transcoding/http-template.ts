/** A variable of a template and the segments that it takes. */
export interface TemplateVariable {
  readonly fieldPath: readonly string[];
  readonly startSegment: number;
  /** Behind the last segment; where the variable has a `**`, counted from the end of the path: -1 is all of it. */
  readonly endSegment: number;
}

/** A parsed path template of google.api.http: `/v1/{name=shelves/*}/books:read`. */
export interface HttpTemplate {
  /** Literals, `*` and `**`. */
  readonly segments: readonly string[];
  /** Without its colon; empty = none. */
  readonly verb: string;
  readonly variables: readonly TemplateVariable[];
}

export const WILD_CARD_PATH = '**';
export const WILD_CARD_PART = '*';
/** A name that templates may hold, but the matcher keeps for itself. */
export const SINGLE_PARAMETER = '/.';

interface OpenVariable {
  fieldPath: string[];
  startSegment: number;
  endSegment: number;
  wildCardPath: boolean;
}

/**
 * Grammar (google/api/http.proto):
 * Template = "/" Segments [ Verb ]; Segments = Segment { "/" Segment }; Segment = "*" | "**" | LITERAL | Variable;
 * Variable = "{" FieldPath [ "=" Segments ] "}"; FieldPath = IDENT { "." IDENT }; Verb = ":" LITERAL.
 */
class TemplateParser {
  private readonly text: string;
  private at: number;
  private readonly segments: string[];
  private readonly variables: OpenVariable[];
  private open: OpenVariable | null;

  constructor(text: string) {
    this.text = text;
    this.at = 0;
    this.segments = [];
    this.variables = [];
    this.open = null;
  }

  parse(): HttpTemplate | null {
    if (!this.take('/') || !this.parseSegments()) return null;
    let verb = '';
    if (this.take(':')) {
      verb = this.literal();
      if (verb === '') return null;
    }
    if (this.at < this.text.length || !this.wildCardsFit()) return null;
    const total = this.segments.length;
    return {
      segments: this.segments,
      verb,
      variables: this.variables.map((each) => ({
        fieldPath: each.fieldPath,
        startSegment: each.startSegment,
        endSegment: each.wildCardPath ? each.endSegment - total - 1 : each.endSegment,
      })),
    };
  }

  /** Only literals may follow a `**`. */
  private wildCardsFit(): boolean {
    const first = this.segments.indexOf(WILD_CARD_PATH);
    if (first < 0) return true;
    return this.segments.slice(first + 1).every((each) => each !== WILD_CARD_PART && each !== WILD_CARD_PATH && each !== SINGLE_PARAMETER);
  }

  private take(char: string): boolean {
    if (this.text[this.at] !== char) return false;
    this.at++;
    return true;
  }

  private parseSegments(): boolean {
    do {
      if (!this.parseSegment()) return false;
    } while (this.take('/'));
    return true;
  }

  private parseSegment(): boolean {
    if (this.take('*')) {
      const path = this.take('*');
      this.segments.push(path ? WILD_CARD_PATH : WILD_CARD_PART);
      if (path && this.open !== null) this.open.wildCardPath = true;
      return true;
    }
    if (this.text[this.at] === '{') return this.parseVariable();
    const literal = this.literal();
    if (literal === '') return false;
    this.segments.push(literal);
    return true;
  }

  private parseVariable(): boolean {
    this.at++;
    // Variables do not nest.
    if (this.open !== null) return false;
    const variable = { fieldPath: [] as string[], startSegment: this.segments.length, endSegment: 0, wildCardPath: false };
    this.variables.push(variable);
    this.open = variable;
    do {
      const name = this.identifier();
      if (name === '') return false;
      variable.fieldPath.push(name);
    } while (this.take('.'));
    if (this.take('=')) {
      if (!this.parseSegments()) return false;
    } else this.segments.push(WILD_CARD_PART);
    variable.endSegment = this.segments.length;
    this.open = null;
    return this.take('}');
  }

  private identifier(): string {
    return this.upTo('.', '}', '=');
  }

  private literal(): string {
    return this.upTo('/', ':', '}');
  }

  private upTo(...ends: readonly string[]): string {
    const from = this.at;
    while (this.at < this.text.length && !ends.includes(this.text[this.at])) this.at++;
    return this.text.slice(from, this.at);
  }
}

/** Null when the text is no template. */
export function parseHttpTemplate(text: string): HttpTemplate | null {
  if (text === '/') return { segments: [], verb: '', variables: [] };
  return new TemplateParser(text).parse();
}
