import { setFlagsFromString } from 'node:v8';
import { RE2JS } from 're2js';
import { ConfigError } from '../../contract/errors.ts';
import type { Logger } from '../../contract/logger.ts';
import { LOG_WARNING } from '../../contract/logger.ts';
import type { RuntimeSnapshot } from '../../contract/runtime.ts';
import { toByteString } from '../byte-string.ts';
import { re2ToJs } from './re2-to-js.ts';
import { re2ProgramSize } from './program-size.ts';

/** A compiled regular expression in RE2 syntax over byte strings. Its cost is linear in the input. */
export interface Regex {
  readonly pattern: string;
  /** Whether the whole of `text` matches. */
  fullMatch(text: string): boolean;
  /** Replaces every match by `rewrite`, in which `\0`…`\9` stand for captures and `\\` for a backslash (RE2::GlobalReplace). */
  replaceAll(text: string, rewrite: string): string;
}

/** Defaults of Envoy's runtime keys. */
const DEFAULT_ERROR_LEVEL = 100;
const DEFAULT_WARN_LEVEL = 0xffff_ffff;

/** Where `re2.max_program_size.error_level` and `.warn_level` come from. */
export interface RegexSizeLimits {
  snapshot(): RuntimeSnapshot;
  /** For patterns over the warn level. */
  readonly logger: Logger;
}

let limits: RegexSizeLimits | 'none' | null = null;

/**
 * Says which runtime limits the size of this thread's patterns, as Envoy's process-wide loader does; of several proxies in one process the last
 * one started counts. `none`: main has judged every pattern already (worker threads). Never called: Envoy's defaults.
 */
export function limitRegexSizes(by: RegexSizeLimits | 'none' | null): void {
  limits = by;
}

export interface RegexOptions {
  /** `google_re2.max_program_size` (deprecated), -1 = not set. */
  readonly maxProgramSize?: number;
}

/** Compiles; ConfigError with RE2's own words when the syntax is wrong, or with Envoy's when the program is too big. */
export function compileRegex(pattern: string, options: RegexOptions = {}): Regex {
  const bytes = toByteString(pattern);
  const parsed = parse(bytes);
  checkSize(pattern, parsed, options);
  const translated = re2ToJs(bytes);
  if (translated !== null && runsLinearly(translated.source)) {
    return new NativeRegex(pattern, translated.source, translated.repeatedCapture ? parsed : null);
  }
  return new Re2Regex(pattern, parsed);
}

function parse(bytes: string): RE2JS {
  try {
    return RE2JS.compile(bytes);
  } catch (error) {
    throw new ConfigError(re2Words(error, bytes));
  }
}

/** re2js speaks as Go's regexp does; RE2's C++ texts are what Envoy shows. */
const RE2_TEXTS: Readonly<Record<string, string>> = {
  'missing argument to repetition operator': 'no argument for repetition operator',
  'missing closing )': 'missing )',
  'missing closing ]': 'missing ]',
  'invalid repeat count': 'invalid repetition size',
  'invalid named capture': 'invalid named capture group',
  'invalid nested repetition operator': 'bad repetition operator',
  'invalid or unsupported Perl syntax': 'invalid perl operator',
  'expression nests too deeply': 'expression nests too deeply',
};

function re2Words(error: unknown, pattern: string): string {
  if (!(error instanceof Error)) return `invalid regular expression: ${pattern}`;
  const kind: unknown = Reflect.get(error, 'error');
  const input: unknown = Reflect.get(error, 'input');
  if (kind === 'trailing backslash at end of expression') return 'trailing \\';
  if (typeof kind !== 'string') return `invalid regular expression: ${pattern}`;
  const words = RE2_TEXTS[kind] ?? kind;
  return typeof input === 'string' && input !== '' ? `${words}: ${input}` : words;
}

function checkSize(pattern: string, parsed: RE2JS, options: RegexOptions): void {
  if (limits === 'none') return;
  const size = re2ProgramSize(parsed) ?? parsed.programSize();
  const own = options.maxProgramSize ?? -1;
  if (own >= 0) {
    if (size > own) throw new ConfigError(tooBig(pattern, size, own, ''));
    return;
  }
  const runtime = limits?.snapshot();
  const error = runtime?.getInteger('re2.max_program_size.error_level', DEFAULT_ERROR_LEVEL) ?? DEFAULT_ERROR_LEVEL;
  if (size > error) throw new ConfigError(tooBig(pattern, size, error, ' set for the error level threshold'));
  const warn = runtime?.getInteger('re2.max_program_size.warn_level', DEFAULT_WARN_LEVEL) ?? DEFAULT_WARN_LEVEL;
  if (size > warn) limits?.logger.log(LOG_WARNING, tooBig(pattern, size, warn, ' set for the warn level threshold'));
}

function tooBig(pattern: string, size: number, max: number, level: string): string {
  return `regex '${pattern}' RE2 program size of ${size} > max program size of ${max}${level}. Increase configured max program size if necessary.`;
}

let linearEngine: boolean | null = null;

/**
 * Switches on V8's linear engine for patterns that backtrack too much, once for the process, and tells whether the engine exists.
 * Patterns run at the usual speed until they have backtracked 10,000 times.
 */
function enableLinearEngine(): boolean {
  if (linearEngine !== null) return linearEngine;
  setFlagsFromString('--enable-experimental-regexp-engine');
  setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks');
  setFlagsFromString('--regexp-backtracks-before-fallback=10000');
  try {
    new RegExp('(?:a*)*b', 'l');
    linearEngine = true;
  } catch {
    linearEngine = false;
  }
  return linearEngine;
}

/** Whether V8 can run the pattern in linear time: its engine refuses the flag `l` for what it cannot. */
function runsLinearly(source: string): boolean {
  if (!enableLinearEngine()) return false;
  try {
    return new RegExp(source, 'l').flags === 'l';
  } catch {
    return false;
  }
}

class NativeRegex implements Regex {
  readonly pattern: string;
  private readonly whole: RegExp;
  private readonly global: RegExp;
  /** Replaces instead where captures would differ. */
  private readonly replacer: RE2JS | null;

  constructor(pattern: string, source: string, replacer: RE2JS | null) {
    this.pattern = pattern;
    this.whole = new RegExp(`^(?:${source})$`);
    this.global = new RegExp(source, 'g');
    this.replacer = replacer;
  }

  fullMatch(text: string): boolean {
    return this.whole.test(text);
  }

  replaceAll(text: string, rewrite: string): string {
    if (this.replacer !== null) return replaceWithRe2(this.replacer, text, rewrite);
    const regex = this.global;
    let out = '';
    let from = 0;
    let lastEnd = -1;
    regex.lastIndex = 0;
    while (regex.lastIndex <= text.length) {
      const match = regex.exec(text);
      if (match === null) break;
      const end = match.index + match[0].length;
      // RE2 does not replace an empty match right behind the match before it; JavaScript would.
      if (end > match.index || match.index !== lastEnd) {
        out += text.slice(from, match.index) + expand(rewrite, match);
        from = end;
        lastEnd = end;
      }
      if (end === match.index) regex.lastIndex = end + 1;
    }
    return out + text.slice(from);
  }
}

class Re2Regex implements Regex {
  readonly pattern: string;
  private readonly compiled: RE2JS;

  constructor(pattern: string, compiled: RE2JS) {
    this.pattern = pattern;
    this.compiled = compiled;
  }

  fullMatch(text: string): boolean {
    return this.compiled.testExact(text);
  }

  replaceAll(text: string, rewrite: string): string {
    return replaceWithRe2(this.compiled, text, rewrite);
  }
}

function replaceWithRe2(compiled: RE2JS, text: string, rewrite: string): string {
  const matcher = compiled.matcher(text);
  let out = '';
  let from = 0;
  let lastEnd = -1;
  while (matcher.find()) {
    const start = matcher.start();
    const end = matcher.end();
    if (end === start && start === lastEnd) continue;
    const groups: (string | null)[] = [];
    for (let i = 0; i <= matcher.groupCount(); i++) groups.push(matcher.group(i));
    out += text.slice(from, start) + expand(rewrite, groups);
    from = end;
    lastEnd = end;
  }
  return out + text.slice(from);
}

function expand(rewrite: string, groups: readonly (string | null | undefined)[]): string {
  let out = '';
  let from = 0;
  for (let at = rewrite.indexOf('\\'); at >= 0; at = rewrite.indexOf('\\', from)) {
    out += rewrite.slice(from, at);
    const code = rewrite.charCodeAt(at + 1) - 0x30;
    if (code >= 0 && code <= 9) out += groups[code] ?? '';
    else if (rewrite[at + 1] === '\\') out += '\\';
    from = at + 2;
  }
  return out + rewrite.slice(from);
}
