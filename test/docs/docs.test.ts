// What can be checked about the documentation is checked: links, options, change notes.
import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { OPTIONS } from '../../src/cli/option-table.ts';
import { IGNORED } from '../../src/server/bootstrap-limits.ts';
import { DIFFERENCES } from '../oracle/differences.ts';
import { listFiles } from '../../tools/check-layers/source-graph.ts';

const root = path.resolve(import.meta.dirname, '../..');
const read = (name: string): string => readFileSync(path.join(root, name), 'utf8');

const PAGES = [
  ...['.', 'docs', 'changes', 'examples', 'test', 'bench', 'src/extensions'].flatMap((folder) =>
    folder === '.' ? readdirSync(root) : listFiles(root, folder),
  ),
].filter((name) => name.endsWith('.md'));

/** Heading → the anchor that it gets on the usual hosts. */
function anchorOf(heading: string): string {
  const text = heading.replace(/^#+\s*/, '').replaceAll('`', '');
  return text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-');
}

function linkProblem(page: string, link: string): string | null {
  const [target = '', anchor] = link.split('#');
  const file = target === '' ? page : path.posix.normalize(path.posix.join(path.posix.dirname(page), target));
  if (!existsSync(path.join(root, file))) return `${page}: ${link} leads nowhere`;
  if (anchor === undefined || !file.endsWith('.md')) return null;
  const headings = read(file)
    .split('\n')
    .filter((line) => line.startsWith('#'));
  return headings.some((heading) => anchorOf(heading) === anchor) ? null : `${page}: ${link}: no such heading`;
}

describe('documentation', () => {
  it('every link within the project leads somewhere', () => {
    const problems: string[] = [];
    for (const page of PAGES) {
      const prose = read(page).replace(/```[\s\S]*?```/g, '');
      for (const [, link = ''] of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^[a-z]+:/.test(link)) continue;
        const problem = linkProblem(page, link);
        if (problem !== null) problems.push(problem);
      }
    }
    assert.deepEqual(problems, []);
  });

  it('cli.md names every option, and no other', () => {
    const text = read('docs/user/cli.md');
    const named = new Set([...text.matchAll(/`(?:-\w`, `)?--([a-z-]+)/g)].map((match) => match[1]));
    for (const { name } of OPTIONS) assert.ok(named.has(name), `--${name} is missing`);
    const known = new Set(['version', 'help', 'name', ...OPTIONS.map((option) => option.name)]);
    for (const name of named) assert.ok(known.has(name ?? ''), `--${name} is no option`);
  });

  it('cli.md has every difference of an option in the words that the program prints', () => {
    const text = read('docs/user/cli.md');
    for (const { name, difference } of OPTIONS) {
      if (difference !== '') assert.ok(text.includes(difference), `--${name}: ${difference}`);
    }
  });

  it('differences.md has every reviewed difference of the oracle, in its words', () => {
    const text = read('docs/user/differences.md').replace(/\s+/g, ' ');
    for (const { reason } of DIFFERENCES) assert.ok(text.includes(reason.replace(/\s+/g, ' ')), reason);
  });

  it('differences.md has every field of the bootstrap that is accepted with a warning', () => {
    const text = read('docs/user/differences.md');
    assert.ok(IGNORED.length > 0);
    for (const { warning } of IGNORED) assert.ok(text.includes(warning), warning);
  });

  it('admin.md names every endpoint that the admin pages define, and no other', () => {
    const paths = new Set<string>();
    for (const name of listFiles(root, 'src/server/admin').filter((file) => !file.endsWith('.test.ts'))) {
      for (const [, found = ''] of read(name).matchAll(/(?:path: |page\(|command\(|toggle\(|dump\()\s*'(\/[\w/]*)'/g))
        paths.add(found);
    }
    const table = read('docs/user/admin.md')
      .split('\n')
      .filter((line) => line.startsWith('| `/'));
    const named = table.flatMap((line) =>
      [...(line.split('|')[1] ?? '').matchAll(/`(\/[\w/]*)`/g)].map((match) => match[1] ?? ''),
    );
    assert.deepEqual(named.sort(), [...paths].sort());
  });

  it('change notes have a kind and a text', () => {
    for (const name of listFiles(root, 'changes').filter((file) => !file.endsWith('README.md'))) {
      const [first = '', ...rest] = read(name).split('\n');
      assert.match(first, /^kind: (?:new|changed|fixed|removed|security)$/, name);
      assert.ok(rest.join('').trim().length > 20, `${name} says what changed`);
    }
  });
});
