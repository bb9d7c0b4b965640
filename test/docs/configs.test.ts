// Configurations printed in the documentation are valid, in nuncio and in Envoy.
import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { findProxy } from '../harness/index.ts';
import { listFiles } from '../../tools/check-layers/source-graph.ts';

const root = path.resolve(import.meta.dirname, '../..');

interface Snippet {
  readonly name: string;
  readonly text: string;
}

/** Whole configurations among the YAML blocks of a page. */
function snippetsOf(page: string): Snippet[] {
  const text = readFileSync(path.join(root, page), 'utf8');
  const blocks = [...text.matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map((match) => match[1] ?? '');
  const whole = blocks.filter((block) => block.startsWith('static_resources:') || block.startsWith('admin:'));
  return whole.map((block, index) => ({ name: `${page}, block ${index + 1}`, text: block }));
}

const pages = ['README.md', ...listFiles(root, 'docs'), ...listFiles(root, 'src/extensions')].filter((name) =>
  name.endsWith('.md'),
);
const snippets = pages.flatMap(snippetsOf);

/** Exit code and output of `--mode validate` for a configuration in a file of that name. */
function validate(program: string, text: string, name = 'envoy.yaml'): { status: number | null; output: string } {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'nuncio-docs-'));
  try {
    writeFileSync(path.join(folder, name), text);
    const run = spawnSync(program, ['--mode', 'validate', '-c', name], { encoding: 'utf8', cwd: folder });
    return { status: run.status, output: run.stdout + run.stderr };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

it('there are configurations to look at', () => assert.ok(snippets.length > 0));

for (const kind of ['nuncio', 'envoy'] as const) {
  const found = findProxy(kind);
  describe(`configurations of the documentation in ${kind}`, { skip: found.path === null ? found.reason : false }, () => {
    for (const { name, text } of snippets) {
      it(name, () => {
        const { status, output } = validate(found.path ?? '', text);
        assert.equal(status, 0, output);
      });
    }
  });
}

it('configuration.md shows the errors that nuncio prints', () => {
  const page = readFileSync(path.join(root, 'docs/user/configuration.md'), 'utf8');
  const shown = /^```yaml\n(# wrong\.yaml\n[\s\S]*?)^```[\s\S]*?^```text\n([\s\S]*?)^```/m.exec(page);
  assert.ok(shown, 'the example has gone');
  const { status, output } = validate(findProxy('nuncio').path ?? '', shown[1] ?? '', 'wrong.yaml');
  assert.equal(status, 1, output);
  assert.ok(output.includes(shown[2] ?? ''), output);
});
