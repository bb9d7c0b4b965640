import { test } from 'node:test';
import assert from 'node:assert/strict';
import { findCycles } from './cycles.ts';
import { EXCEPTIONS, LAYERS, MAY_IMPORT, type Exception } from './layers.ts';
import { checkNames } from './names.ts';
import { checkImports, ExceptionList } from './rules.ts';
import { importsOf, type SourceFile } from './source-graph.ts';

const file = (path: string, text: string): SourceFile => ({ path, imports: importsOf(path, text) });

/** The texts of what is wrong with these files, each with its place. */
function problems(sources: SourceFile[], exceptions: readonly Exception[] = []): string[] {
  const found = checkImports(sources, new ExceptionList(exceptions), new Set(['yaml', '@bufbuild/protobuf']));
  return found.map((violation) => `${violation.file}:${violation.line}: ${violation.text}`);
}

test('an import of a lower layer passes', () => {
  assert.deepEqual(problems([file('src/core/a.ts', "import { b } from '../base/b.ts';\n")]), []);
});

test('every layer is refused what stands to its right', () => {
  for (const layer of LAYERS) {
    for (const other of LAYERS) {
      if (layer === other || MAY_IMPORT[layer].includes(other)) continue;
      const found = problems([file(`src/${layer}/a.ts`, `import { b } from '../${other}/b.ts';\n`)]);
      assert.equal(found.length, 1, `${layer} imports ${other}`);
    }
  }
});

test('codec and config do not know each other, not even by type', () => {
  assert.deepEqual(problems([file('src/codec/a.ts', "// codec\nimport type { B } from '../config/b.ts';\n")]), [
    'src/codec/a.ts:2: codec may not import config (src/config/b.ts)',
  ]);
  assert.equal(problems([file('src/config/a.ts', "export * from '../codec/b.ts';\n")]).length, 1);
});

const buffer = 'src/extensions/filters/http/buffer';
const lua = 'src/extensions/filters/http/lua';

test('an extension reaches its own folder and the shared layers only', () => {
  const index = [file(`${buffer}/index.ts`, ''), file(`${lua}/index.ts`, '')];
  assert.deepEqual(
    problems([...index, file(`${buffer}/filter.ts`, "import './config.ts';\nimport '../../../../common/x.ts';\n")]),
    [],
  );
  assert.match(
    problems([...index, file(`${buffer}/filter.ts`, "import '../lua/filter.ts';\n")])[0] ?? '',
    /may not import another one/,
  );
  assert.match(
    problems([...index, file(`${buffer}/filter.ts`, "import '../../../../core/x.ts';\n")])[0] ?? '',
    /may not import core/,
  );
});

test('the registry imports every extension', () => {
  const index = file(`${buffer}/index.ts`, '');
  assert.deepEqual(problems([index, file('src/extensions/registry.ts', "import './filters/http/buffer/index.ts';\n")]), []);
});

test('only the server imports the extensions', () => {
  assert.deepEqual(problems([file('src/server/a.ts', "import '../extensions/registry.ts';\n")]), []);
  assert.equal(problems([file('src/core/a.ts', "import '../extensions/registry.ts';\n")]).length, 1);
  assert.equal(problems([file('src/xds/a.ts', "import '../extensions/registry.ts';\n")]).length, 1);
});

test('a dynamic import counts, one in a comment does not', () => {
  assert.equal(problems([file('src/base/a.ts', "const b = await import('../core/b.ts');\n")]).length, 1);
  assert.equal(problems([file('src/base/a.ts', " * see import('../core/b.ts')\n")]).length, 0);
});

test('an import over several lines is seen', () => {
  assert.deepEqual(problems([file('src/base/a.ts', "import {\n  b,\n  c,\n} from '../core/b.ts';\n")]), [
    'src/base/a.ts:1: base may not import core (src/core/b.ts)',
  ]);
});

test('src stands alone, apart from the harness in tests', () => {
  assert.equal(problems([file('src/core/a.ts', "import '../../test/harness/x.ts';\n")]).length, 1);
  assert.equal(problems([file('src/core/a.test.ts', "import '../../test/harness/x.ts';\n")]).length, 0);
});

test('pure layers do no I/O; nothing uses the HTTP of Node', () => {
  assert.equal(problems([file('src/codec/a.ts', "import net from 'node:net';\n")]).length, 1);
  assert.equal(problems([file('src/core/a.ts', "import net from 'node:net';\n")]).length, 0);
  assert.equal(problems([file('src/core/a.ts', "import http from 'node:http';\n")]).length, 1);
});

test('a package that is no run-time dependency is refused', () => {
  assert.equal(problems([file('src/config/a.ts', "import 'yaml';\nimport '@bufbuild/protobuf/wkt';\n")]).length, 0);
  assert.equal(problems([file('src/config/a.ts', "import 'left-pad';\n")]).length, 1);
});

test('an exception allows exactly what it says and is reported when nothing needs it', () => {
  const exceptions = [{ from: `${buffer}/`, to: 'src/core/x.ts', reason: 'a test' }];
  const index = file(`${buffer}/index.ts`, "import '../../../../core/x.ts';\n");
  assert.deepEqual(problems([index], exceptions), []);
  const list = new ExceptionList(exceptions);
  assert.equal(list.unused().length, 1);
  assert.equal(list.allows(`${buffer}/index.ts`, 'src/core/y.ts'), false);
  assert.equal(list.allows(`${buffer}/index.ts`, 'src/core/x.ts'), true);
  assert.equal(list.unused().length, 0);
});

test('every exception says why', () => {
  for (const exception of EXCEPTIONS) assert.ok(exception.reason.length > 20, `${exception.from} → ${exception.to}`);
});

test('a circle of files is found and shown, one of types only is not', () => {
  const round = [
    file('src/base/a.ts', "import './b.ts';\n"),
    file('src/base/b.ts', "import './c.ts';\n"),
    file('src/base/c.ts', "import './a.ts';\n"),
  ];
  assert.deepEqual(findCycles(round), [['src/base/a.ts', 'src/base/b.ts', 'src/base/c.ts', 'src/base/a.ts']]);
  assert.deepEqual(findCycles([...round.slice(0, 2), file('src/base/c.ts', "import type { A } from './a.ts';\n")]), []);
});

test('names: kebab-case files, a test beside its code, extensions as Envoy names them', () => {
  const names = new Set(['filters.http.buffer']);
  const texts = (files: string[]): string[] => checkNames(files, names).map((violation) => violation.text);
  assert.deepEqual(texts(['src/base/byte-queue.ts', 'src/base/byte-queue.test.ts']), []);
  assert.deepEqual(texts([`${buffer}/index.ts`, `${buffer}/README.md`]), []);
  assert.match(texts(['src/base/byteQueue.ts'])[0] ?? '', /kebab-case/);
  assert.match(texts(['src/base/tests/byte-queue.test.ts', 'src/base/byte-queue.ts'])[0] ?? '', /beside the code/);
  assert.match(texts(['src/Base/x.ts'])[0] ?? '', /folder Base/);
  assert.match(texts([`${buffer}/index.ts`])[0] ?? '', /README/);
  assert.match(
    texts(['src/extensions/filters/http/bufer/index.ts', 'src/extensions/filters/http/bufer/README.md'])[0] ?? '',
    /no extension/,
  );
});
