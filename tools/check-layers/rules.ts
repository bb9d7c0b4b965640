import path from 'node:path';
import {
  ENTRY_MAY_IMPORT,
  FORBIDDEN_MODULES,
  IO_MODULES,
  LAYERS,
  MAY_IMPORT,
  NO_API_LAYERS,
  PURE_LAYERS,
  type Exception,
  type Layer,
} from './layers.ts';
import type { ImportEdge, SourceFile } from './source-graph.ts';

/** A broken rule, printed as `file:line: text`. */
export interface Violation {
  readonly file: string;
  readonly line: number;
  readonly text: string;
}

const isTest = (file: string): boolean => file.endsWith('.test.ts');

/** The layer of a file below `src/`, `entry` for `src/index.ts`, null for anything else. */
export function layerOf(file: string): Layer | 'entry' | null {
  if (file === 'src/index.ts' || file === 'src/index.test.ts') return 'entry';
  const name = file.split('/')[1] ?? '';
  if (!file.startsWith('src/')) return null;
  return LAYERS.find((layer) => layer === name) ?? null;
}

/** The folder of the extension that a file belongs to (the outermost one with an `index.ts`), or null. */
export function extensionFolder(file: string, extensionFolders: ReadonlySet<string>): string | null {
  const parts = file.split('/');
  for (let depth = 3; depth < parts.length; depth += 1) {
    const folder = parts.slice(0, depth).join('/');
    if (extensionFolders.has(folder)) return folder;
  }
  return null;
}

/** Folders below `src/extensions/` that hold an `index.ts`. */
export function findExtensionFolders(files: readonly string[]): Set<string> {
  const indexes = files.filter((file) => file.startsWith('src/extensions/') && file.endsWith('/index.ts'));
  return new Set(indexes.map((file) => path.posix.dirname(file)));
}

const covers = (pattern: string, name: string): boolean => (pattern.endsWith('/') ? name.startsWith(pattern) : name === pattern);

/** Which exceptions were needed; an exception that nothing needs is itself a violation. */
export class ExceptionList {
  private readonly exceptions: readonly Exception[];
  private readonly used = new Set<Exception>();

  constructor(exceptions: readonly Exception[]) {
    this.exceptions = exceptions;
  }

  allows(from: string, to: string): boolean {
    const found = this.exceptions.find((exception) => covers(exception.from, from) && covers(exception.to, to));
    if (found !== undefined) this.used.add(found);
    return found !== undefined;
  }

  unused(): Exception[] {
    return this.exceptions.filter((exception) => !this.used.has(exception));
  }
}

/** Why `file` may not import `target`, or null when it may. */
function layerProblem(file: string, target: string, extensionFolders: ReadonlySet<string>): string | null {
  const from = layerOf(file);
  const to = layerOf(target);
  if (from === null) return 'is in no layer: put it into one of the folders of src/, or add the layer by an ADR';
  if (to === 'entry') return 'imports the library entry: import the part that it needs';
  if (to === null)
    return target.startsWith('src/') ? `imports ${target}, which is in no layer` : `imports ${target}: src/ stands alone`;
  const allowed = from === 'entry' ? ENTRY_MAY_IMPORT : MAY_IMPORT[from];
  if (from !== to) return allowed.includes(to) ? null : `${from} may not import ${to} (${target})`;
  return from === 'extensions' ? extensionProblem(file, target, extensionFolders) : null;
}

function extensionProblem(file: string, target: string, extensionFolders: ReadonlySet<string>): string | null {
  // The registry, which lies beside the categories, is what lists them all.
  if (path.posix.dirname(file) === 'src/extensions') return null;
  const own = extensionFolder(file, extensionFolders);
  if (own === null) return 'belongs to no extension: every folder of src/extensions has an index.ts with its factory';
  if (extensionFolder(target, extensionFolders) === own) return null;
  return `an extension may not import another one (${target}): move what both need to src/common`;
}

function moduleProblem(file: string, edge: ImportEdge, dependencies: ReadonlySet<string>): string | null {
  const layer = layerOf(file);
  const name = edge.target;
  if (name.startsWith('#api/')) {
    return layer !== 'entry' && layer !== null && NO_API_LAYERS.includes(layer) ? `${layer} may not know Envoy's messages` : null;
  }
  if (isTest(file)) return null;
  if (FORBIDDEN_MODULES.includes(name) && !edge.typeOnly) return `${name} is not used in src/: nuncio has its own codecs`;
  if (name.startsWith('node:')) {
    const pure = layer !== 'entry' && layer !== null && PURE_LAYERS.includes(layer);
    return pure && IO_MODULES.includes(name) && !edge.typeOnly ? `${layer} does no I/O and has no timers: ${name}` : null;
  }
  const packageName = name.split('/', name.startsWith('@') ? 2 : 1).join('/');
  return dependencies.has(packageName) ? null : `${packageName} is not a run-time dependency of package.json`;
}

/** Every import that breaks the rule of the layers; `dependencies` are the package's run-time ones. */
export function checkImports(
  sources: readonly SourceFile[],
  exceptions: ExceptionList,
  dependencies: ReadonlySet<string>,
): Violation[] {
  const violations: Violation[] = [];
  const extensionFolders = findExtensionFolders(sources.map((source) => source.path));
  for (const source of sources) {
    for (const edge of source.imports) {
      if (edge.local && isTest(source.path) && edge.target.startsWith('test/')) continue;
      const text = edge.local
        ? layerProblem(source.path, edge.target, extensionFolders)
        : moduleProblem(source.path, edge, dependencies);
      if (text !== null && !exceptions.allows(source.path, edge.target))
        violations.push({ file: source.path, line: edge.line, text });
    }
  }
  return violations;
}
