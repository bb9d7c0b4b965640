import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { bug, bugCount, setBugListener, setBugStrict } from './bug.ts';

afterEach(() => setBugStrict(true));

test('under a test runner a bug throws', () => {
  assert.throws(() => bug('somewhere', 'detail'), /nuncio bug: somewhere: detail/);
});

test('in production it is counted, and told with its number at the place', () => {
  const told: string[] = [];
  setBugListener((where, detail, count) => told.push(`${where} ${detail} ${count}`));
  setBugStrict(false);
  const before = bugCount();
  bug('here', 'x');
  bug('here', 'y');
  bug('there', 'z');
  assert.deepEqual(told, ['here x 1', 'here y 2', 'there z 1']);
  assert.equal(bugCount() - before, 3);
});
