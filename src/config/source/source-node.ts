import type { Position } from '../../contract/errors.ts';
import { camelCase } from '../api/names.ts';
import type { PathStep } from '../message/read-context.ts';

/** Where the parts of a text stand: what is needed to turn a path into a line and a column. Made only when there is an error. */
export interface SourceNode {
  /** Offset of the value. */
  readonly offset: number;
  /** Of an object: its keys in order. */
  readonly entries?: readonly SourceEntry[];
  /** Of a list: its items. */
  readonly items?: readonly SourceNode[];
}

export interface SourceEntry {
  readonly key: string;
  /** Offset of the key. */
  readonly offset: number;
  readonly node: SourceNode;
}

/** The place that a path leads to. */
export interface Located {
  readonly offset: number;
  /** How many steps of the path the text really has; fewer than all when the last ones are missing from it. */
  readonly matched: number;
}

function entryOf(node: SourceNode, step: string): SourceEntry | undefined {
  const entries = node.entries ?? [];
  // The last of equal keys is the one that counts.
  for (let i = entries.length - 1; i >= 0; i--) if (entries[i]?.key === step) return entries[i];
  const camel = camelCase(step);
  for (let i = entries.length - 1; i >= 0; i--) {
    const entry = entries[i];
    if (entry !== undefined && camelCase(entry.key) === camel) return entry;
  }
  return undefined;
}

/** Follows a path as far as the text goes. A wrong field is shown at its key, a wrong list item at its start. */
export function locate(root: SourceNode, path: readonly PathStep[]): Located {
  let node = root;
  let offset = root.offset;
  for (let i = 0; i < path.length; i++) {
    const step = path[i] ?? 0;
    if (typeof step === 'number') {
      if (node.items === undefined && step === 0) continue;
      const item = node.items?.[step];
      if (item === undefined) return { offset, matched: i };
      node = item;
      offset = item.offset;
    } else {
      const entry = entryOf(node, step);
      if (entry === undefined) return { offset, matched: i };
      node = entry.node;
      offset = entry.offset;
    }
  }
  return { offset, matched: path.length };
}

/** Line and column, from 1, of an offset. Columns count characters as an editor does (code points). */
export function positionAt(file: string, text: string, offset: number): Position {
  let line = 1;
  let start = 0;
  for (let i = text.indexOf('\n'); i >= 0 && i < offset; i = text.indexOf('\n', i + 1)) {
    line++;
    start = i + 1;
  }
  return { file, line, column: [...text.slice(start, offset)].length + 1 };
}
