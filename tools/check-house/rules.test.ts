import { test } from 'node:test';
import assert from 'node:assert/strict';
import { checkFile, MAX_LINES } from './rules.ts';

const texts = (path: string, text: string): string[] =>
  checkFile({ path, text }).map((finding) => `${finding.line}: ${finding.text}`);

test('a clean file has no findings', () => {
  assert.deepEqual(
    texts('src/a.ts', "const a: unknown = 1;\n// any word, as any of us would write it\nexport const p = '/usr/bin/env';\n"),
    [],
  );
});

test('paths of one machine are found in every kind of file', () => {
  for (const name of ['README.md', 'src/a.ts', 'examples/a.yaml']) {
    for (const folder of ['work', 'root', 'home/someone']) {
      assert.match(texts(name, `x\nsee /${folder}/thing\n`)[0] ?? '', /^2: a path of one machine/);
    }
  }
  assert.deepEqual(texts('README.md', 'http://example.com/work/x and ./home/x'), []);
});

test('hosts of package registries are found', () => {
  for (const host of [
    ['registry.npm', 'js.org'],
    ['py', 'pi.org'],
    ['proxy.gol', 'ang.org'],
  ]) {
    assert.equal(texts('package-x.json', `"https://${host.join('')}/x"`).length, 1);
  }
});

test('unfinished places are found in code', () => {
  for (const word of ['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X', 'HA' + 'CK'])
    assert.equal(texts('src/a.ts', `// ${word}: later`).length, 1);
  assert.deepEqual(texts('docs/a.md', 'TO' + 'DO'), []);
});

test('any is found in code, not in prose', () => {
  for (const code of ['let a: any;', 'f(x as any)', 'new Map<any>()', 'let a: any[] = []'])
    assert.ok(texts('src/a.ts', code).length > 0, code);
  for (const prose of ['// as any other', "const s = 'x: any';", ' * : any of them', 'x ? y : any'])
    assert.deepEqual(texts('src/a.ts', prose), [], prose);
});

test('switched-off type checks and lone tests are found', () => {
  assert.equal(texts('src/a.ts', '// @ts-' + 'ignore').length, 1);
  assert.equal(texts('src/a.test.ts', 'test.' + "only('x', () => {});").length, 1);
});

test('a long file needs a reason near its top', () => {
  const long = 'x();\n'.repeat(MAX_LINES + 1);
  assert.match(texts('src/a.ts', long)[0] ?? '', /split it/);
  assert.deepEqual(texts('src/a.ts', `// Long because the table of RFC 7541 has 61 rows.\n${long}`), []);
  assert.equal(texts('src/a.ts', `${'x();\n'.repeat(50)}// Long because I say so, too late.\n${long}`).length, 1);
  assert.deepEqual(texts('docs/a.md', long), []);
});
