import { test } from 'node:test';
import assert from 'node:assert/strict';
import { moduleBeside } from './module-path.ts';

test('a module is found with the extension of its caller', () => {
  assert.equal(moduleBeside('file:///p/src/server/pool.ts', './worker').href, 'file:///p/src/server/worker.ts');
  assert.equal(moduleBeside('file:///p/dist/server/pool.js', './worker').href, 'file:///p/dist/server/worker.js');
  assert.equal(moduleBeside('file:///p/a.b/server/pool.js', '../x/worker').href, 'file:///p/a.b/x/worker.js');
});
