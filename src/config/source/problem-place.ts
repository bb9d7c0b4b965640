import { ConfigError, type Position } from '../../contract/errors.ts';
import { camelCase } from '../api/names.ts';
import { pathText } from '../message/path-text.ts';
import type { PathStep, Problem } from '../message/read-context.ts';
import { locate, positionAt, type Located, type SourceNode } from './source-node.ts';
import type { SourceFormat, SyntaxProblem } from './source.ts';

/** One text of a configuration, able to tell where a path stands in it. Its places are worked out on the first question. */
export class SourceText {
  readonly file: string;
  readonly text: string;
  readonly format: SourceFormat;
  private root: SourceNode | null;

  constructor(file: string, text: string, format: SourceFormat) {
    this.file = file;
    this.text = text;
    this.format = format;
    this.root = null;
  }

  locate(path: readonly PathStep[]): Located {
    this.root ??= this.format.places(this.text);
    return locate(this.root, path);
  }

  position(offset: number): Position {
    return positionAt(this.file, this.text, offset);
  }

  syntaxError(problem: SyntaxProblem): ConfigError {
    return new ConfigError(problem.why, { position: this.position(problem.offset), hint: problem.hint });
  }
}

/** The error of a problem: placed in the text that knows most of its path, the earlier one when both know as much. */
export function placeProblem(problem: Problem, texts: readonly SourceText[]): ConfigError {
  let best: { text: SourceText; found: Located } | undefined;
  for (const text of texts) {
    const found = text.locate(problem.path);
    if (best === undefined || found.matched > best.found.matched) best = { text, found };
  }
  // A binary file has no lines.
  const position = best === undefined || best.text.text === '' ? null : best.text.position(best.found.offset);
  return new ConfigError(problem.why, { path: pathText(problem.path), hint: problem.hint, position });
}

/** In the order of the text: file, line, column. */
export function byPosition(a: ConfigError, b: ConfigError): number {
  if (a.position === null || b.position === null) return 0;
  if (a.position.file !== b.position.file) return 0;
  return a.position.line - b.position.line || a.position.column - b.position.column;
}

/**
 * Whether a rule's complaint about `path` only follows from what could not be read: the field itself, something in it, or a field
 * whose name is misspelled beside it.
 */
export function followsFrom(path: readonly PathStep[], unread: readonly (Problem & { readonly meant?: string | undefined })[]): boolean {
  return unread.some((each) => isUnder(each.path, path) || (each.meant !== undefined && isUnder([...each.path.slice(0, -1), each.meant], path)));
}

/** Whether `path` leads to `ancestor` or below it, however its keys are spelled. */
function isUnder(path: readonly PathStep[], ancestor: readonly PathStep[]): boolean {
  if (path.length < ancestor.length) return false;
  return ancestor.every((step, i) => sameStep(step, path[i] ?? ''));
}

function sameStep(a: PathStep, b: PathStep): boolean {
  return a === b || (typeof a === 'string' && typeof b === 'string' && camelCase(a) === camelCase(b));
}
