import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ENTRY_OVERHEAD } from './dynamic-table.ts';
import { EncoderTable, NO_ENTRY } from './encoder-table.ts';
import { KnownName, KnownNames, NOWHERE } from './known-names.ts';

describe('dynamic table of the encoder', () => {
  it('finds values of a name, the newest of equal ones, until they are evicted', () => {
    const table = new EncoderTable(3 * (ENTRY_OVERHEAD + 2));
    const a = new KnownName('a');
    const b = new KnownName('b');
    assert.equal(table.insert(a, '1'), 0);
    assert.equal(table.insert(b, '1'), 1);
    assert.equal(table.insert(a, '2'), 2);
    assert.deepEqual([table.find(a, '1'), table.find(a, '2'), table.find(b, '1'), table.find(b, '2')], [0, 2, 1, NO_ENTRY]);
    assert.equal(table.insert(a, '2'), 3);
    assert.equal(table.find(a, '1'), NO_ENTRY, 'evicted');
    assert.equal(table.find(a, '2'), 3);
    assert.equal(table.size, 3 * (ENTRY_OVERHEAD + 2));
  });

  it('an evicted value is forgotten by its name', () => {
    const table = new EncoderTable(200);
    const name = new KnownName('x');
    name.lastPlace = table.insert(name, 'value');
    name.lastValue = 'value';
    table.resize(0);
    assert.equal(name.lastPlace, NOWHERE);
    assert.equal(name.lastValue, '');
    assert.equal(table.size, 0);
  });

  it('a search looks at so many entries of one name and no more', () => {
    const table = new EncoderTable(65_536);
    const name = new KnownName('cookie');
    for (let i = 0; i < 100; i++) table.insert(name, `c${i}`);
    assert.equal(table.find(name, 'c99'), 99);
    assert.equal(table.find(name, 'c68'), 68);
    assert.equal(table.find(name, 'c0'), NO_ENTRY);
  });

  it('grows with everything in place', () => {
    const table = new EncoderTable(65_536);
    const names = Array.from({ length: 7 }, (_, i) => new KnownName(`n${i}`));
    for (let i = 0; i < 500; i++) table.insert(names[i % 7], `value ${i}`);
    for (let i = 400; i < 500; i++) assert.equal(table.find(names[i % 7], `value ${i}`), i);
  });
});

describe('names that an encoder knows', () => {
  it('are the same object until they are swept', () => {
    const names = new KnownNames();
    const first = names.get('x-a', 0);
    assert.equal(names.get('x-a', 0), first);
    assert.equal(names.get(':method', 0).staticIndex, 2);
    assert.equal(names.get(':method', 0).staticEnd, 4);
    assert.equal(names.get('accept-encoding', 0).staticEnd, 17);
    assert.equal(names.get('via', 0).staticEnd, 60, 'no value in the static table');
  });

  it('without a live entry they are forgotten when there are too many', () => {
    const names = new KnownNames();
    const kept = names.get('kept', 0);
    kept.newest = 5;
    const dead = names.get('dead', 0);
    dead.newest = 4;
    for (let i = 0; i < 300; i++) names.get(`x-${i}`, 5);
    assert.equal(names.get('kept', 5), kept);
    assert.notEqual(names.get('dead', 5), dead);
  });
});
