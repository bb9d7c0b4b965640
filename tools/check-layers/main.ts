// `npm run lint` runs this: prints every import that breaks the layers and every misplaced name; exit code 1 if there is one.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { findCycles } from './cycles.ts';
import { EXCEPTIONS } from './layers.ts';
import { checkNames } from './names.ts';
import { checkImports, ExceptionList, type Violation } from './rules.ts';
import { listFiles, readSources } from './source-graph.ts';

const root = path.resolve(import.meta.dirname, '../..');

function runtimeDependencies(): Set<string> {
  const parsed = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { dependencies: Record<string, string> };
  return new Set(Object.keys(parsed.dependencies));
}

/** Names under which an extension's folder may go: Envoy's name, or the package of its message, without the version. */
function envoyNames(): Set<string> {
  const list = JSON.parse(readFileSync(path.join(root, 'tools/status/envoy-extensions.json'), 'utf8')) as {
    extensions: { name: string; types: string[] }[];
  };
  const names = new Set<string>();
  for (const { name, types } of list.extensions) {
    names.add(name.replace(/^envoy\./, ''));
    for (const type of types) names.add(type.replace(/^envoy\.(?:extensions\.)?/, '').replace(/\.v\d\w*\.\w+$/, ''));
  }
  return names;
}

/** Exceptions that nothing needs, apart from those for an extension that is not written yet. */
function unusedExceptions(exceptions: ExceptionList): Violation[] {
  const stale = exceptions.unused().filter((exception) => existsSync(path.join(root, exception.from)));
  return stale.map(({ from, to }) => ({
    file: 'tools/check-layers/layers.ts',
    line: 1,
    text: `nothing needs the exception ${from} → ${to} any more: delete it`,
  }));
}

function main(): number {
  const sources = readSources(root, 'src');
  const exceptions = new ExceptionList(EXCEPTIONS);
  const violations = checkImports(sources, exceptions, runtimeDependencies());
  for (const cycle of findCycles(sources)) {
    violations.push({ file: cycle[0] ?? '', line: 1, text: `imports itself in a circle: ${cycle.join(' → ')}` });
  }
  violations.push(...checkNames(listFiles(root, 'src'), envoyNames()), ...unusedExceptions(exceptions));
  for (const { file, line, text } of violations) console.error(`${file}:${line}: ${text}`);
  console.log(`layers: ${sources.length} files, ${violations.length} violations`);
  return violations.length === 0 ? 0 : 1;
}

process.exitCode = main();
