import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IdTable } from './id-table.ts';
import { SeededRandom } from './random.ts';

interface Item {
  readonly id: number;
}

test('does what a Map does, whatever comes and goes', () => {
  const random = new SeededRandom(7);
  for (const range of [8, 100, 5_000]) {
    const table = new IdTable<Item>();
    const map = new Map<number, Item>();
    for (let step = 0; step < 20_000; step++) {
      const id = (random.uint32() % range) * 2 + 1 + (random.uint32() % 7 === 0 ? 1 : 0);
      if (random.uint32() % 5 < 2) {
        const item = { id };
        table.set(id, item);
        map.set(id, item);
      } else if (random.uint32() % 2 === 0) assert.equal(table.delete(id), map.delete(id));
      assert.equal(table.get(id), map.get(id));
      assert.equal(table.size, map.size);
    }
    for (let id = 1; id < range * 2 + 2; id++) assert.equal(table.get(id), map.get(id), `${range}: ${id}`);
    assert.deepEqual(new Set(table.values()), new Set(map.values()));
  }
});

test('ids that fall on the same place', () => {
  const table = new IdTable<Item>();
  // The last of the first sixteen places, so that the run goes on at the beginning.
  const ids = [17, 43, 85, 111, 2_147_483_619];
  for (const id of ids) table.set(id, { id });
  table.delete(43);
  assert.deepEqual(ids.map((id) => table.get(id)?.id), [17, undefined, 85, 111, 2_147_483_619]);
  table.delete(17);
  table.set(43, { id: 43 });
  assert.deepEqual(ids.map((id) => table.get(id)?.id), [undefined, 43, 85, 111, 2_147_483_619]);
});

test('nothing has the id 0', () => {
  const table = new IdTable<Item>();
  table.set(1, { id: 1 });
  assert.deepEqual([table.delete(0), table.get(0), table.size], [false, undefined, 1]);
});

test('items may leave during a walk', () => {
  const table = new IdTable<Item>();
  for (let id = 1; id <= 99; id += 2) table.set(id, { id });
  let seen = 0;
  for (const item of table.values()) {
    seen++;
    table.delete(item.id);
  }
  assert.deepEqual([seen, table.size, table.values()], [50, 0, []]);
});
