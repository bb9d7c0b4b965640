/** Node's own parser (llhttp, strict) as a second opinion on where messages begin and end. */
import { createRequire } from 'node:module';

export interface LlhttpMessage {
  readonly start: string;
  body: string;
  complete: boolean;
  /** HTTP/0.9: it has no headers for us, and may have some for llhttp. */
  readonly isVersionless: boolean;
}

export interface LlhttpResult {
  readonly messages: LlhttpMessage[];
  readonly error: string | null;
  /** Parsing stopped at an upgrade or CONNECT: what follows is not HTTP. */
  readonly upgraded: boolean;
}

interface RawParser {
  [callback: number]: unknown;
  initialize(type: number, resource: object, maxHeaderSize?: number, lenient?: number): void;
  execute(data: Buffer): number | Error;
  finish(): Error | undefined;
  /** Frees the native parser; the collector alone would not come to it in a loop that never yields. */
  close(): void;
}

interface ParserClass {
  new (): RawParser;
  readonly REQUEST: number;
  readonly RESPONSE: number;
  readonly kOnHeadersComplete: number;
  readonly kOnBody: number;
  readonly kOnMessageComplete: number;
  readonly kLenientNone: number;
}

const { HTTPParser, methods } = createRequire(import.meta.url)('_http_common') as { HTTPParser: ParserClass; methods: readonly string[] };

/** Methods that llhttp knows. */
export const LLHTTP_METHODS: ReadonlySet<string> = new Set(methods);

/** Parses requests, or responses (with `isHead`: to HEAD, so without a body). */
export function llhttpParse(bytes: Buffer, isResponse: boolean, isHead = false): LlhttpResult {
  const messages: LlhttpMessage[] = [];
  let upgraded = false;
  const parser = new HTTPParser();
  parser.initialize(isResponse ? HTTPParser.RESPONSE : HTTPParser.REQUEST, {}, 1024 * 1024, HTTPParser.kLenientNone);
  parser[HTTPParser.kOnHeadersComplete] = (
    major: number,
    _minor: number,
    _headers: string[],
    method: number | undefined,
    url: string | undefined,
    status: number | undefined,
    _phrase: string | undefined,
    upgrade: boolean,
  ): number => {
    const start = isResponse ? String(status) : `${method === undefined ? '' : methods[method]} ${url ?? ''}`;
    messages.push({ start, body: '', complete: false, isVersionless: major === 0 });
    if (upgrade) upgraded = true;
    if (upgrade) return 2;
    return isHead ? 1 : 0;
  };
  parser[HTTPParser.kOnBody] = (body: Buffer): void => {
    messages[messages.length - 1].body += body.toString('latin1');
  };
  parser[HTTPParser.kOnMessageComplete] = (): void => {
    messages[messages.length - 1].complete = true;
  };
  const result = parser.execute(bytes);
  parser.close();
  return { messages, error: result instanceof Error ? ((result as { code?: string }).code ?? result.message) : null, upgraded };
}
