import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import type { SharedCells } from '../../contract/shared-cells.ts';
import { LocalSharedCells } from './shared-cells.ts';
import { createSharedCellSpace, ThreadSharedCells } from './thread-shared-cells.ts';

const small = { names: 64, nameWords: 4_096, cellWords: 4_096 };
const makers: Record<string, () => SharedCells & { readonly size: number }> = {
  local: () => new LocalSharedCells(),
  shared: () => new ThreadSharedCells(createSharedCellSpace(2, small)),
};

for (const [name, make] of Object.entries(makers)) {
  test(`${name}: the same name is the same cell, starting at zero`, () => {
    const cells = make();
    cells.cell('a').add(5);
    assert.equal(cells.cell('a').load(), 5);
    assert.equal(cells.cell('b').load(), 0);
    assert.equal(cells.block('a', 1)[0].add(-2), 3);
  });

  test(`${name}: compareExchange takes place only on the expected value`, () => {
    const cell = make().cell('x');
    assert.equal(cell.compareExchange(1, 2), false);
    assert.equal(cell.compareExchange(0, 7), true);
    assert.equal(cell.load(), 7);
  });

  test(`${name}: a freed block starts at zero again, and blocks do not overlap`, () => {
    const cells = make();
    const first = cells.block('host.one', 9);
    const second = cells.block('host.two', 9);
    first.forEach((cell, i) => cell.store(i + 1));
    assert.deepEqual(second.map((cell) => cell.load()), new Array(9).fill(0));
    cells.freePrefix('host.');
    assert.equal(cells.size, 0);
    assert.deepEqual(cells.block('host.three', 9).map((cell) => cell.load()), new Array(9).fill(0));
    cells.free('unknown');
  });
}

test('shared: freed names make room for ever', () => {
  const cells = new ThreadSharedCells(createSharedCellSpace(2, small));
  for (let i = 0; i < 500; i++) {
    cells.block(`cluster-${i}`, 17).forEach((cell) => assert.equal(cell.load(), 0));
    cells.block(`cluster-${i}`, 17)[3].store(-1);
    cells.free(`cluster-${i}`);
  }
  assert.equal(cells.size, 0);
});

test('shared: too many names is an error, and the lock is free afterwards', () => {
  const cells = new ThreadSharedCells(createSharedCellSpace(2, small));
  assert.throws(() => {
    for (let i = 0; i < 100; i++) cells.cell(`n${i}`);
  }, /out of names/);
  cells.free('n0');
  assert.equal(cells.cell('n100').load(), 0);
});

test('shared: threads find one cell by name and lose no addition', async () => {
  const space = createSharedCellSpace(2, small);
  const url = new URL('./thread-shared-cells.ts', import.meta.url).href;
  const code = `
    import { workerData } from 'node:worker_threads';
    const { ThreadSharedCells } = await import(${JSON.stringify(url)});
    const cells = new ThreadSharedCells(workerData);
    for (let i = 0; i < 20; i++) { const cell = cells.cell('shared' + i); for (let j = 0; j < 500; j++) cell.add(1); }`;
  const threads = [1, 2].map(() => new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`), { workerData: space }));
  await Promise.all(threads.map((each) => new Promise((resolve, reject) => each.on('exit', resolve).on('error', reject))));
  const cells = new ThreadSharedCells(space);
  for (let i = 0; i < 20; i++) assert.equal(cells.cell(`shared${i}`).load(), 1_000);
});

test('shared: what a dead worker held is taken back, what it only counted stays', () => {
  const space = createSharedCellSpace(2, small);
  const main = new ThreadSharedCells(space);
  const [one, two] = [0, 1].map((row) => new ThreadSharedCells({ ...space, row }));
  for (const worker of [one, two]) {
    const [active, total] = worker.block('host.a', 2);
    for (let i = 0; i < 5; i++) active.hold(1);
    active.hold(-2);
    total.add(5);
  }
  two.cell('untouched').add(1);
  assert.deepEqual(main.block('host.a', 2).map((cell) => cell.load()), [6, 10]);
  assert.deepEqual(main.reclaim(0), ['host.a']);
  assert.deepEqual(main.block('host.a', 2).map((cell) => cell.load()), [3, 10]);
  assert.deepEqual(main.reclaim(0), []);
  assert.equal(two.block('host.a', 2)[0].hold(-3), 0);
  assert.deepEqual(main.reclaim(1), []);
});
