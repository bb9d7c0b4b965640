import { test } from 'node:test';
import assert from 'node:assert/strict';
import { moduleBeside, projectRoot } from './module-path.ts';

test('a module is found with the extension of its caller', () => {
  assert.equal(moduleBeside('file:///p/src/server/pool.ts', './worker').href, 'file:///p/src/server/worker.ts');
  assert.equal(moduleBeside('file:///p/dist/server/pool.js', './worker').href, 'file:///p/dist/server/worker.js');
  assert.equal(moduleBeside('file:///p/a.b/server/pool.js', '../x/worker').href, 'file:///p/a.b/x/worker.js');
});

test('the root of the project is found from the sources and from the bundle', () => {
  assert.equal(projectRoot('file:///p/src/config/api/registry.ts'), 'file:///p/');
  assert.equal(projectRoot('file:///p/dist/part-AB12.js'), 'file:///p/');
  assert.equal(projectRoot('file:///usr/src/app/node_modules/nuncio/dist/cli/bin.js'), 'file:///usr/src/app/node_modules/nuncio/');
  assert.equal(projectRoot('file:///srv/dist/nuncio/src/server/version.ts'), 'file:///srv/dist/nuncio/');
  assert.throws(() => projectRoot('file:///p/lib/x.js'), /neither below src nor below dist/);
});
