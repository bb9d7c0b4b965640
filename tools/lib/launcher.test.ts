import { test, type TestContext } from 'node:test';
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, symlinkSync, utimesSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { bundleIsFresh } from './bundle.mjs';
import { FakeCheckout } from './fake-checkout.ts';

const REPORT = `
process.stdout.write(JSON.stringify({ pid: process.pid, args: process.argv.slice(2), node: process.versions.node }));
process.exitCode = 7;
`;
const WAIT = `
process.on('SIGTERM', () => process.exit(3));
setInterval(() => {}, 1000);
process.stdout.write('up');
`;

function checkout(t: TestContext, main: string, withRuntime = true): FakeCheckout {
  const fake = new FakeCheckout(main, { withRuntime });
  t.after(() => fake.dispose());
  return fake;
}

test('the launcher becomes the proxy: same pid, arguments as given, its exit code', async (t) => {
  const child = spawn(checkout(t, REPORT).path('nuncio'), ['-c', 'a file.yaml', '--mode=validate'], { cwd: os.tmpdir() });
  let output = '';
  child.stdout.on('data', (bytes: Buffer) => (output += bytes.toString()));
  const [code] = (await once(child, 'close')) as [number];
  const report = JSON.parse(output) as { pid: number; args: string[] };
  assert.equal(code, 7);
  assert.equal(report.pid, child.pid);
  assert.deepEqual(report.args, ['-c', 'a file.yaml', '--mode=validate']);
});

test('the launcher works through symlinks, absolute and relative', (t) => {
  const fake = checkout(t, REPORT);
  mkdirSync(fake.path('bin'));
  symlinkSync(fake.path('nuncio'), fake.path('bin/absolute'));
  symlinkSync('absolute', fake.path('bin/relative'));
  for (const name of ['bin/absolute', 'bin/relative']) {
    const run = spawnSync(path.join('.', name), ['x'], { cwd: fake.folder, encoding: 'utf8' });
    assert.equal(run.status, 7, run.stderr);
  }
});

test('a signal reaches the proxy itself', async (t) => {
  const child = spawn(checkout(t, WAIT).path('nuncio'));
  await once(child.stdout, 'data');
  child.kill('SIGTERM');
  assert.deepEqual(await once(child, 'close'), [3, null]);
});

test('without the pinned Node the caller’s is used when it is new enough', (t) => {
  const fake = checkout(t, REPORT, false);
  const env = { PATH: `${path.dirname(process.execPath)}:/usr/bin:/bin` };
  const run = spawnSync(fake.path('nuncio'), { env, encoding: 'utf8' });
  assert.equal(run.status, 7, run.stderr);
});

test('without any usable Node the launcher says what to run', (t) => {
  const fake = checkout(t, REPORT, false);
  fake.write('old/node', '#!/bin/sh\necho v20.1.0\n');
  spawnSync('chmod', ['+x', fake.path('old/node')]);
  const old = spawnSync(fake.path('nuncio'), { env: { PATH: `${fake.path('old')}:/usr/bin:/bin` }, encoding: 'utf8' });
  assert.equal(old.status, 1);
  assert.match(old.stderr, /needs Node 24 or newer, found v20\.1\.0\.\n.*npm ci/);
  // A folder with the few programs that the launcher needs and no node at all.
  mkdirSync(fake.path('none'));
  for (const program of ['dirname', 'readlink', 'uname']) symlinkSync(`/usr/bin/${program}`, fake.path(`none/${program}`));
  const none = spawnSync('/bin/sh', [fake.path('nuncio')], { env: { PATH: fake.path('none') }, encoding: 'utf8' });
  assert.equal(none.status, 1);
  assert.match(none.stderr, /found none/);
});

test('the launcher runs the bundle while it is newer than everything it is made of, else the sources', async (t) => {
  const fake = checkout(t, "process.stdout.write('sources');");
  const shown = (): string => spawnSync(fake.path('nuncio'), { encoding: 'utf8' }).stdout;
  const age = (name: string, seconds: number): void => {
    const time = Date.now() / 1_000 - seconds;
    utimesSync(fake.path(name), time, time);
  };
  assert.equal(shown(), 'sources', 'no bundle');

  fake.write('dist/cli/bin.js', "process.stdout.write('bundle');");
  fake.write('dist/bundle-stamp', '[]');
  fake.write('src/base/x.ts', '');
  const inputs = ['src/base/x.ts', 'src/base', 'src/cli/main.ts', 'src/cli', 'src', 'package.json', 'package-lock.json', 'tools/lib/bundle.mjs', 'node_modules/.package-lock.json'];
  for (const name of inputs) age(name, 100);
  age('dist/bundle-stamp', 50);
  assert.equal(shown(), 'bundle');
  assert.equal(bundleIsFresh(fake.folder), true);

  for (const name of inputs) {
    age(name, 10);
    assert.equal(shown(), 'sources', name);
    assert.equal(bundleIsFresh(fake.folder), false, name);
    age(name, 100);
  }
  assert.equal(shown(), 'bundle');
  // A file that is gone leaves its folder's time behind.
  rmSync(fake.path('src/base/x.ts'));
  assert.equal(shown(), 'sources', 'a file was removed');
  assert.equal(bundleIsFresh(fake.folder), false);
});

test('the bundle keeps pid, arguments and exit code as the sources do', async (t) => {
  const fake = checkout(t, '');
  fake.write('dist/cli/bin.js', REPORT);
  fake.write('dist/bundle-stamp', '[]');
  const child = spawn(fake.path('nuncio'), ['a b', '--mode=validate']);
  let output = '';
  child.stdout.on('data', (bytes: Buffer) => (output += bytes.toString()));
  const [code] = (await once(child, 'close')) as [number];
  const report = JSON.parse(output) as { pid: number; args: string[] };
  assert.deepEqual([code, report.pid, report.args], [7, child.pid, ['a b', '--mode=validate']]);
});
