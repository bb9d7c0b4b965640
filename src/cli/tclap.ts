import type { OptionSpec } from './option-table.ts';

/**
 * The command line as TCLAP reads and explains it, because scripts compare its texts. Beyond TCLAP (as Envoy sets it up) `--name=value` is
 * understood.
 */

/** What was given: switches `true`, values as text, repeated options as a list. */
export type ParsedOptions = Map<string, string | true | string[]>;

export class ArgumentError extends Error {
  /** `(--concurrency)`, `--foo`. */
  readonly argument: string;
  readonly why: string;

  constructor(argument: string, why: string) {
    super(`${argument} -- ${why}`);
    this.argument = argument;
    this.why = why;
  }
}

const UINT32_MAX = 4_294_967_295;

/** Parses everything after argv[0]. `help` and `version` may appear in the result. Throws ArgumentError. */
export function parseArguments(args: readonly string[], options: readonly OptionSpec[]): ParsedOptions {
  const given: ParsedOptions = new Map();
  for (let i = 0; i < args.length; i++) {
    const arg = args[i];
    if (arg === '--' || arg === '--ignore_rest') break;
    if (arg === '-h' || arg === '--help' || arg === '--version') {
      given.set(arg === '--version' ? 'version' : 'help', true);
      return given;
    }
    const equals = arg.startsWith('--') ? arg.indexOf('=') : -1;
    const name = equals < 0 ? arg : arg.slice(0, equals);
    const spec = options.find((each) => name === `--${each.name}` || (each.short !== '' && name === `-${each.short}`));
    if (spec === undefined) throw new ArgumentError(arg, "Couldn't find match for argument");
    if (spec.kind === 'switch') {
      if (equals >= 0) throw new ArgumentError(arg, "Couldn't find match for argument");
      setOnce(given, spec, true);
      continue;
    }
    let text: string | undefined = equals < 0 ? args[++i] : arg.slice(equals + 1);
    if (text === undefined) throw new ArgumentError(label(spec), 'Missing a value for this argument!');
    if (spec.kind === 'uint32_t') text = checkUint32(spec, text);
    setOnce(given, spec, text);
  }
  return given;
}

function setOnce(given: ParsedOptions, spec: OptionSpec, value: string | true): void {
  const before = given.get(spec.name);
  if (spec.kind === 'multi') {
    if (Array.isArray(before)) before.push(String(value));
    else given.set(spec.name, [String(value)]);
    return;
  }
  if (before !== undefined) throw new ArgumentError(label(spec), 'Argument already set!');
  given.set(spec.name, value);
}

function checkUint32(spec: OptionSpec, text: string): string {
  if (!/^\+?[0-9]+$/.test(text) || Number(text) > UINT32_MAX) {
    throw new ArgumentError(label(spec), `Couldn't read argument value from string '${text}'`);
  }
  return text;
}

/** `-l (--log-level)` or `(--mode)`. */
function label(spec: OptionSpec): string {
  return spec.short === '' ? `(--${spec.name})` : `-${spec.short} (--${spec.name})`;
}

/** What a failure prints on standard error. */
export function failureText(argv0: string, options: readonly OptionSpec[], error: ArgumentError): string {
  return (
    `PARSE ERROR: Argument: ${error.argument}\n             ${error.why}\n\n` +
    `Brief USAGE: \n${shortUsage(argv0, options)}\n` +
    `For complete USAGE and HELP type: \n   ${argv0} --help\n\n`
  );
}

/** What `--help` prints on standard output. */
export function helpText(argv0: string, options: readonly OptionSpec[], message: string): string {
  let text = `\nUSAGE: \n\n${shortUsage(argv0, options)}\n\nWhere: \n\n`;
  for (let i = options.length - 1; i >= 0; i--) text += entry(longName(options[i]), options[i].help);
  text += entry('--,  --ignore_rest', 'Ignores the rest of the labeled arguments following this flag.');
  text += entry('--version', 'Displays version information and exits.');
  text += entry('-h,  --help', 'Displays usage information and exits.');
  return `${text}\n${wrap(message, 3, 0)}\n`;
}

function entry(name: string, help: string): string {
  return wrap(name, 3, 3) + wrap(help, 5, 0) + '\n';
}

function longName(spec: OptionSpec): string {
  const argument = spec.kind === 'switch' ? '' : ` <${spec.kind === 'multi' ? 'string' : spec.kind}>`;
  const long = `--${spec.name}${argument}`;
  const repeated = spec.kind === 'multi' ? '  (accepted multiple times)' : '';
  return (spec.short === '' ? long : `-${spec.short}${argument},  ${long}`) + repeated;
}

function shortUsage(argv0: string, options: readonly OptionSpec[]): string {
  let text = `${argv0} `;
  for (let i = options.length - 1; i >= 0; i--) {
    const spec = options[i];
    const name = spec.short === '' ? `--${spec.name}` : `-${spec.short}`;
    const argument = spec.kind === 'switch' ? '' : ` <${spec.kind === 'multi' ? 'string' : spec.kind}>`;
    text += ` [${name}${argument}]${spec.kind === 'multi' ? ' ...' : ''}`;
  }
  text += ' [--] [--version] [-h]';
  return wrap(text, 3, Math.min(argv0.length + 2, Math.floor(WIDTH / 2)));
}

const WIDTH = 75;

/** Breaks lines as TCLAP's StdOutput::spacePrint: at spaces, commas and bars; `offset` more indent from the second line on. */
export function wrap(text: string, indent: number, offset: number): string {
  if (text.length + indent <= WIDTH && !text.includes('\n')) return `${' '.repeat(indent)}${text}\n`;
  let out = '';
  let spaces = indent;
  let allowed = WIDTH - indent;
  let start = 0;
  while (start < text.length) {
    let length = Math.min(text.length - start, allowed);
    if (length === allowed) {
      while (length >= 0 && !' ,|'.includes(text[start + length] ?? ' ')) length--;
    }
    if (length <= 0) length = allowed;
    const newline = text.slice(start, start + length).indexOf('\n');
    if (newline >= 0) length = newline + 1;
    out += ' '.repeat(spaces) + text.slice(start, start + length) + '\n';
    if (start === 0) {
      spaces += offset;
      allowed -= offset;
    }
    while (text[start + length] === ' ' && start < text.length) start++;
    start += length;
  }
  return out;
}
