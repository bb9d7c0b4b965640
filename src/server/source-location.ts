import { readFileSync } from 'node:fs';
import { projectRoot } from '../base/module-path.ts';

/** For each file of the bundle: its lines that log something → `src/…/x.ts:12`. Written by tools/lib/bundle.mjs. */
type LogLines = Readonly<Record<string, Readonly<Record<string, string>>>>;

const ROOT = projectRoot(import.meta.url);
const BUNDLE = `${ROOT}dist/`;

let logLines: LogLines | null = null;

/**
 * What the log shows as file and line of a call: the source's, also when the program runs from its bundle. Source maps would know all lines,
 * but cost megabytes; of those that log there are few.
 */
export function sourceLocation(file: string, line: number): { file: string; line: number } {
  if (file.startsWith(BUNDLE)) {
    logLines ??= readLogLines();
    const source = logLines[file.slice(BUNDLE.length)]?.[line];
    if (source !== undefined) {
      const colon = source.lastIndexOf(':');
      return { file: source.slice(0, colon), line: Number(source.slice(colon + 1)) };
    }
  }
  return { file: file.startsWith(ROOT) ? file.slice(ROOT.length) : file, line };
}

function readLogLines(): LogLines {
  try {
    return JSON.parse(readFileSync(new URL('log-lines.json', BUNDLE), 'utf8')) as LogLines;
  } catch {
    return {};
  }
}
