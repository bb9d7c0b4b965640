// The npm package as a user gets it: packed, installed into an empty folder, run and imported.
import { after, before, describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { adminRequest, freePorts, until } from '../harness/index.ts';

const root = path.resolve(import.meta.dirname, '../..');
const folder = mkdtempSync(path.join(os.tmpdir(), 'nuncio-package-'));
const installed = path.join(folder, 'node_modules/nuncio');
const env = { ...process.env, PATH: `${path.dirname(process.execPath)}${path.delimiter}${process.env['PATH'] ?? ''}` };

interface Ran {
  readonly status: number | null;
  readonly output: string;
}

/** Runs a program to its end in the user's folder. */
function run(command: string, args: readonly string[], cwd = folder): Ran {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, env, encoding: 'utf8', timeout: 120_000 });
  return { status, output: `${stdout}${stderr}${error?.message ?? ''}` };
}

function mustRun(command: string, args: readonly string[], cwd = folder): string {
  const { status, output } = run(command, args, cwd);
  assert.equal(status, 0, `${command} ${args.join(' ')}\n${output}`);
  return output;
}

/** The quick start on free ports: proxy, admin, embedded origin. */
async function quickStart(): Promise<{ file: string; port: number; adminPort: number }> {
  const [port = 0, adminPort = 0, origin = 0] = await freePorts(3);
  const text = readFileSync(path.join(installed, 'examples/quick-start.yaml'), 'utf8');
  const file = path.join(folder, 'envoy.yaml');
  const ports = new Map([
    ['10000', port],
    ['10001', origin],
    ['9901', adminPort],
  ]);
  writeFileSync(
    file,
    text.replaceAll(/port_value: (\d+)/g, (_, old: string) => `port_value: ${ports.get(old)}`),
  );
  return { file, port, adminPort };
}

describe('the npm package', () => {
  before(() => {
    mustRun('npm', ['pack', '--pack-destination', folder], root);
    writeFileSync(path.join(folder, 'package.json'), '{ "name": "user", "private": true, "type": "module" }');
    const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { version: string };
    mustRun('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', `./nuncio-${version}.tgz`]);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('holds compiled code, types, licence and notice, and neither sources nor tests', () => {
    const files = mustRun('find', ['.', '-type', 'f'], installed).split('\n');
    for (const name of [
      'dist/cli/bin.js',
      'dist/index.js',
      'dist/index.d.ts',
      'dist/worker.js',
      'dist/THIRD-PARTY-LICENSES.txt',
      'api/envoy.binpb',
      'LICENSE',
      'NOTICE',
      'README.md',
    ]) {
      assert.ok(files.includes(`./${name}`), name);
    }
    const unwanted = files.filter((name) => /\.test\.|^\.\/(?:src|test|tools|node_modules)\/|(?<!\.d)\.ts$/.test(name));
    assert.deepEqual(unwanted, []);
  });

  it('npx nuncio --version', () => {
    assert.match(mustRun('npx', ['--no-install', 'nuncio', '--version']), /version: \S+\/1\.40\.0-nuncio\.\d+\.\d+\.\d+\//);
  });

  it('says in words that a Node is too old', () => {
    const bin = path.join(installed, 'dist/cli/bin.js');
    assert.match(readFileSync(bin, 'utf8'), /^#!\/usr\/bin\/env node\n/);
    writeFileSync(path.join(folder, 'old.mjs'), "Object.defineProperty(process.versions, 'node', { value: '20.1.0' });");
    const { status, output } = run(process.execPath, ['--import', path.join(folder, 'old.mjs'), bin, '--version']);
    assert.equal(status, 1);
    assert.match(output, /^nuncio needs Node 24 or newer/);
  });

  it('validates a configuration', async () => {
    const { file } = await quickStart();
    assert.match(mustRun('npx', ['--no-install', 'nuncio', '--mode', 'validate', '-c', file]), /configuration '.*' OK/);
    writeFileSync(path.join(folder, 'bad.yaml'), 'static_resources:\n  listener: []\n');
    const { status, output } = run('npx', ['--no-install', 'nuncio', '--mode', 'validate', '-c', 'bad.yaml']);
    assert.equal(status, 1);
    assert.match(output, /bad\.yaml:2:3/);
  });

  it('serves a proxied request with worker threads and stops on SIGTERM with exit code 0', async () => {
    const { file, port, adminPort } = await quickStart();
    const child = spawn(path.join(folder, 'node_modules/.bin/nuncio'), ['-c', file, '--concurrency', '2'], { cwd: folder, env });
    let output = '';
    child.stdout.on('data', (bytes: Buffer) => (output += bytes.toString()));
    child.stderr.on('data', (bytes: Buffer) => (output += bytes.toString()));
    const exited = once(child, 'exit') as Promise<[number | null]>;
    try {
      await until('the proxy to be ready', async () => {
        if (child.exitCode !== null) throw new Error(`it exited with ${child.exitCode}:\n${output}`);
        return (await adminRequest(adminPort, '/ready').catch(() => null))?.status === 200;
      });
      const response = await fetch(`http://127.0.0.1:${port}/hello`);
      assert.equal(await response.text(), 'Hello from the origin behind the proxy.\n');
      assert.equal(response.headers.get('x-origin-saw'), 'GET /hello');
    } finally {
      child.kill('SIGTERM');
    }
    assert.deepEqual((await exited)[0], 0, output);
  });

  it('can be imported: a proxy inside another program', async () => {
    const { file, port } = await quickStart();
    const program = `
      import { readFileSync } from 'node:fs';
      import { startProxy } from 'nuncio';
      const proxy = await startProxy({ config: readFileSync(${JSON.stringify(file)}, 'utf8'), ports: 'as configured' });
      const response = await fetch('http://127.0.0.1:${port}/library', { headers: { connection: 'close' } });
      console.log(response.status, response.headers.get('x-origin-saw'));
      await proxy.stop();
    `;
    writeFileSync(path.join(folder, 'program.js'), program);
    assert.match(mustRun(process.execPath, ['program.js']), /^200 GET \/library$/m);
  });

  it('has types that a strict program can use', () => {
    const lines = [
      "import { startProxy } from 'nuncio';",
      "const proxy = await startProxy({ config: '' });",
      'await proxy.stop();',
      '// @ts-expect-error there is no such member',
      'proxy.halt();',
    ];
    writeFileSync(path.join(folder, 'program.ts'), lines.join('\n'));
    const options = {
      strict: true,
      noEmit: true,
      module: 'nodenext',
      target: 'es2024',
      skipLibCheck: false,
      types: ['node'],
      typeRoots: [path.join(root, 'node_modules/@types')],
    };
    writeFileSync(path.join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['program.ts'] }));
    mustRun(process.execPath, [path.join(root, 'node_modules/typescript/bin/tsc'), '-p', folder]);
  });
});
