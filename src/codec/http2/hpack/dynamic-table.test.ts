import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DynamicTable, ENTRY_OVERHEAD } from './dynamic-table.ts';

function entries(table: DynamicTable): string[] {
  return Array.from({ length: table.count }, (_, age) => `${table.nameAt(age)}=${table.valueAt(age)}/${table.tagAt(age)}`);
}

describe('dynamic table of the decoder', () => {
  it('newest first', () => {
    const table = new DynamicTable(4096);
    table.insert('a', '1', 10);
    table.insert('b', '22', 20);
    assert.deepEqual(entries(table), ['b=22/20', 'a=1/10']);
    assert.equal(table.size, 2 * ENTRY_OVERHEAD + 5);
  });

  it('evicts the oldest for a new one, and all for one that does not fit', () => {
    const table = new DynamicTable(3 * (ENTRY_OVERHEAD + 2));
    for (const name of ['a', 'b', 'c', 'd']) table.insert(name, '1', 0);
    assert.deepEqual(entries(table), ['d=1/0', 'c=1/0', 'b=1/0']);
    table.insert('e', '1'.repeat(20), 0);
    assert.deepEqual(entries(table), [`e=${'1'.repeat(20)}/0`, 'd=1/0']);
    table.insert('f', '1'.repeat(200), 0);
    assert.equal(table.count, 0);
    assert.equal(table.size, 0);
  });

  it('an entry that fits to the byte', () => {
    const table = new DynamicTable(ENTRY_OVERHEAD + 2);
    table.insert('a', '1', 0);
    assert.equal(table.count, 1);
    table.resize(ENTRY_OVERHEAD + 1);
    assert.equal(table.count, 0);
    table.insert('a', '1', 0);
    assert.equal(table.count, 0);
  });

  it('the ring turns and grows with everything in place', () => {
    const table = new DynamicTable(40 * (ENTRY_OVERHEAD + 6));
    const kept: string[] = [];
    for (let i = 0; i < 1_000; i++) {
      const name = `n${String(i).padStart(3, '0')}`;
      table.insert(name, 'v1', i);
      kept.unshift(`${name}=v1/${i}`);
      kept.length = Math.min(kept.length, 40);
      if (i % 97 === 0) {
        table.resize(10 * (ENTRY_OVERHEAD + 6));
        table.resize(40 * (ENTRY_OVERHEAD + 6));
        kept.length = Math.min(kept.length, 10);
      }
      assert.deepEqual(entries(table), kept);
    }
  });
});
