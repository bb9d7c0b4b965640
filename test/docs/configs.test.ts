// Configurations printed in the documentation are valid, in nuncio and in Envoy.
import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import { findProxy } from '../harness/index.ts';
import { listFiles } from '../../tools/check-layers/source-graph.ts';

const root = path.resolve(import.meta.dirname, '../..');

interface Snippet {
  readonly name: string;
  readonly text: string;
}

const HCM = 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
const ROUTER = {
  name: 'envoy.filters.http.router',
  typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' },
};

/** Fields of a connection manager that a page may show alone. */
const HCM_FIELDS = [
  'access_log',
  'early_header_mutation_extensions',
  'http_filters',
  'original_ip_detection_extensions',
  'request_id_extension',
];

/** A listener around a piece of configuration that a page shows, or null when the piece is something else. */
function wrapped(piece: Record<string, unknown>): object | null {
  const [field = ''] = Object.keys(piece);
  if (field === 'filter_chains') return piece;
  if (!HCM_FIELDS.includes(field)) return null;
  const filters = field === 'http_filters' ? (piece[field] as { name: string }[]) : [];
  const http_filters = filters.at(-1)?.name === ROUTER.name ? filters : [...filters, ROUTER];
  const typed_config = { '@type': HCM, stat_prefix: 'docs', route_config: {}, ...piece, http_filters };
  return { filter_chains: [{ filters: [{ name: 'hcm', typed_config }] }] };
}

/** A whole configuration from a block: as it is, or around the piece that it shows; null for what is no configuration. */
function wholeOf(block: string): string | null {
  if (block.startsWith('static_resources:') || block.startsWith('admin:')) return block;
  const piece: unknown = parse(block);
  const listener = typeof piece === 'object' && piece !== null ? wrapped(piece as Record<string, unknown>) : null;
  if (listener === null) return null;
  const address = { socket_address: { address: '127.0.0.1', port_value: 0 } };
  return stringify({
    static_resources: { listeners: [{ name: 'docs', address, ...listener }], clusters: [{ name: 'service' }] },
  });
}

/** Configurations among the YAML blocks of a page. */
function snippetsOf(page: string): Snippet[] {
  const text = readFileSync(path.join(root, page), 'utf8');
  const blocks = [...text.matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map((match) => match[1] ?? '');
  const right = blocks.filter((block) => !block.startsWith('# wrong.yaml'));
  return right.flatMap((block, index) => {
    const whole = wholeOf(block);
    return whole === null ? [] : [{ name: `${page}, block ${index + 1}`, text: whole }];
  });
}

const pages = ['README.md', ...listFiles(root, 'docs'), ...listFiles(root, 'src/extensions')].filter((name) =>
  name.endsWith('.md'),
);
const snippets = pages.flatMap(snippetsOf);

/** Files that pages name, in the folder where the proxy runs. */
const FILES = { 'library.pb': 'test/library/library.binpb' };

/** Exit code and output of `--mode validate` for a configuration in a file of that name. */
function validate(program: string, text: string, name = 'envoy.yaml'): { status: number | null; output: string } {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'nuncio-docs-'));
  try {
    writeFileSync(path.join(folder, name), text);
    for (const [file, source] of Object.entries(FILES)) copyFileSync(path.join(root, source), path.join(folder, file));
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
