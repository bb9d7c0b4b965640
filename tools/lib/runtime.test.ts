import { test } from 'node:test';
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { dependenciesInstalled, nodeMajor, pinnedNodePath, root } from './runtime.mjs';

interface Entry {
  version: string;
  dev?: boolean;
  optional?: boolean;
}

/** Whether `installed` satisfies `locked`, asked in a folder that holds nothing else. */
function satisfied(locked: Record<string, Entry>, installed: Record<string, Entry> | null, withDevelopment = true): boolean {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'nuncio-lock-'));
  try {
    writeFileSync(path.join(folder, 'package-lock.json'), JSON.stringify({ packages: { '': {}, ...locked } }));
    if (installed !== null) {
      mkdirSync(path.join(folder, 'node_modules'));
      writeFileSync(path.join(folder, 'node_modules/.package-lock.json'), JSON.stringify({ packages: installed }));
    }
    return dependenciesInstalled(folder, withDevelopment);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('packages count as installed when npm recorded the versions of the lockfile', () => {
  const yaml = { 'node_modules/yaml': { version: '2.9.1' } };
  assert.equal(satisfied(yaml, null), false);
  assert.equal(satisfied(yaml, {}), false);
  assert.equal(satisfied(yaml, yaml), true);
  assert.equal(satisfied(yaml, { 'node_modules/yaml': { version: '2.9.0' } }), false);
});

test('packages for other platforms may be missing, and test tools where only the proxy runs', () => {
  assert.equal(satisfied({ 'node_modules/x': { version: '1.0.0', optional: true } }, {}), true);
  const tool = { 'node_modules/oxlint': { version: '1.0.0', dev: true } };
  assert.equal(satisfied(tool, {}), false);
  assert.equal(satisfied(tool, {}, false), true);
});

test('the launcher, the tools and tools/runtime name the same packages', () => {
  const runtime = JSON.parse(readFileSync(path.join(root, 'tools/runtime/package.json'), 'utf8')) as {
    optionalDependencies: Record<string, string>;
  };
  const launcher = readFileSync(path.join(root, 'nuncio'), 'utf8');
  const tools = readFileSync(path.join(root, 'tools/lib/runtime.mjs'), 'utf8');
  for (const name of Object.keys(runtime.optionalDependencies)) {
    assert.ok(tools.includes(`'${name}'`), `tools/lib/runtime.mjs names ${name}`);
    if (!name.includes('-win-')) assert.ok(launcher.includes(`package=${name} `), `./nuncio names ${name}`);
  }
  assert.ok(pinnedNodePath()?.startsWith(path.join(root, 'tools/runtime/node_modules/')));
});

test('the version of a Node is read by running it; what does not run is version 0', () => {
  assert.ok(nodeMajor(process.execPath) >= 24);
  assert.equal(nodeMajor('/nowhere/node'), 0);
});

interface LockEntry extends Entry {
  optionalDependencies?: Record<string, string>;
  resolved?: string;
}

for (const name of ['package-lock.json', 'tools/runtime/package-lock.json']) {
  test(`${name} is whole: npm ci works on every platform and with every registry`, () => {
    const { packages } = JSON.parse(readFileSync(path.join(root, name), 'utf8')) as { packages: Record<string, LockEntry> };
    for (const [folder, entry] of Object.entries(packages)) {
      assert.equal(entry.resolved, undefined, `${folder} names a registry`);
      for (const [wanted, version] of Object.entries(entry.optionalDependencies ?? {})) {
        // npm leaves out what the registry at hand lacks, and `npm ci` then refuses the file everywhere.
        assert.equal(packages[`node_modules/${wanted}`]?.version, version, `${wanted} of ${folder || 'the root'}`);
      }
    }
  });
}
