import path from 'node:path';
import { findExtensionFolders, type Violation } from './rules.ts';

const KEBAB_FILE = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.test|\.d)?\.ts$/;
const KEBAB_FOLDER = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;
const ENVOY_FOLDER = /^[a-z0-9]+(?:_[a-z0-9]+)*$/;

/** Kinds of file that may lie in src/ beside TypeScript. */
const OTHER_FILES = /^(?:README\.md|[a-z0-9-]+\.(?:json|html|css|svg|txt))$/;

function folderProblem(file: string): string | null {
  const inExtensions = file.startsWith('src/extensions/');
  for (const folder of path.posix.dirname(file).split('/').slice(1)) {
    if (inExtensions ? ENVOY_FOLDER.test(folder) : KEBAB_FOLDER.test(folder)) continue;
    return inExtensions
      ? `folder ${folder} is not named as Envoy names extensions (snake_case)`
      : `folder ${folder} is not kebab-case`;
  }
  return null;
}

function fileProblem(file: string, codeFolders: ReadonlySet<string>): string | null {
  const name = path.posix.basename(file);
  if (OTHER_FILES.test(name)) return null;
  if (!KEBAB_FILE.test(name)) return `${name} is not kebab-case`;
  if (!name.endsWith('.test.ts') || codeFolders.has(path.posix.dirname(file))) return null;
  return 'a test lies beside the code that it tests: there is none in this folder';
}

/**
 * File names and places of everything below `src/`: kebab-case, a test beside its code, an extension in a folder that Envoy's
 * name or the package of its type gives (`envoyNames`, such as `filters.http.local_ratelimit`), with its user page.
 */
export function checkNames(files: readonly string[], envoyNames: ReadonlySet<string>): Violation[] {
  const all = new Set(files);
  const code = files.filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'));
  const codeFolders = new Set(code.map((file) => path.posix.dirname(file)));
  const violations: Violation[] = [];
  const report = (file: string, text: string | null): void => {
    if (text !== null) violations.push({ file, line: 1, text });
  };
  for (const file of files) {
    report(file, folderProblem(file));
    report(file, fileProblem(file, codeFolders));
  }
  for (const folder of findExtensionFolders(files)) {
    const name = folder.slice('src/extensions/'.length).replaceAll('/', '.');
    if (!envoyNames.has(name))
      report(`${folder}/index.ts`, `Envoy has no extension "envoy.${name}": name the folder as Envoy does`);
    if (!all.has(`${folder}/README.md`))
      report(`${folder}/index.ts`, 'an extension has a README.md: purpose, example, statistics');
  }
  return violations;
}
