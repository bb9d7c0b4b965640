import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

/** One import statement of a file. */
export interface ImportEdge {
  /** What is imported: a path from the root (`src/base/bug.ts`) for relative imports, else the module's name. */
  readonly target: string;
  /** Whether `target` is a file of the project. */
  readonly local: boolean;
  /** Whether it vanishes at compile time (`import type`, `export type … from`). */
  readonly typeOnly: boolean;
  /** 1-based line of the statement. */
  readonly line: number;
}

/** A TypeScript file and its imports. */
export interface SourceFile {
  /** Path from the root, with forward slashes. */
  readonly path: string;
  readonly imports: readonly ImportEdge[];
}

// Statements start their line, so a mention within a comment (which starts with ` *` or `//`) is not taken for one.
const STATIC_IMPORT = /^(?:import|export)\s+(type\s+)?(?:[^'"`;=]*?\bfrom\s*)?(['"])([^'"\n]+)\2/gm;
const DYNAMIC_IMPORT = /\bimport\(\s*(['"])([^'"\n]+)\1\s*\)/g;
const COMMENT_LINE = /^\s*(?:\*|\/\/|\/\*)/;

function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) line += 1;
  return line;
}

function edgeTo(file: string, specifier: string, typeOnly: boolean, line: number): ImportEdge {
  const local = specifier.startsWith('.');
  const target = local ? path.posix.normalize(path.posix.join(path.posix.dirname(file), specifier)) : specifier;
  return { target, local, typeOnly, line };
}

/** Imports of one file's text; `file` is its path from the root. */
export function importsOf(file: string, text: string): ImportEdge[] {
  const edges: ImportEdge[] = [];
  for (const match of text.matchAll(STATIC_IMPORT)) {
    edges.push(edgeTo(file, match[3] ?? '', match[1] !== undefined, lineAt(text, match.index)));
  }
  for (const match of text.matchAll(DYNAMIC_IMPORT)) {
    const lineStart = text.lastIndexOf('\n', match.index) + 1;
    if (COMMENT_LINE.test(text.slice(lineStart, match.index + 1))) continue;
    edges.push(edgeTo(file, match[2] ?? '', false, lineAt(text, match.index)));
  }
  return edges;
}

/** Every file below `folder` of `root` (both kinds of slash become `/`), in a stable order. */
export function listFiles(root: string, folder: string): string[] {
  const entries = readdirSync(path.join(root, folder), { withFileTypes: true, recursive: true });
  const files = entries.filter((entry) => entry.isFile());
  const names = files.map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)).split(path.sep).join('/'));
  return names.filter((name) => !name.includes('node_modules/')).sort();
}

/** Reads all TypeScript files below `folder`. */
export function readSources(root: string, folder: string): SourceFile[] {
  const files = listFiles(root, folder).filter((name) => name.endsWith('.ts'));
  return files.map((file) => ({ path: file, imports: importsOf(file, readFileSync(path.join(root, file), 'utf8')) }));
}
