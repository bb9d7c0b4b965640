import assert from 'node:assert/strict';
import { test } from 'node:test';
import { locate, positionAt } from './source-node.ts';
import { yamlFormat } from './yaml-format.ts';

function valueOf(text: string): unknown {
  const parsed = yamlFormat.parse(text);
  return 'value' in parsed ? parsed.value : parsed.problems.map((each) => `${positionOf(text, each.offset)} ${each.why}`);
}

function positionOf(text: string, offset: number): string {
  const { line, column } = positionAt('', text, offset);
  return `${line}:${column}`;
}

// Rows that Envoy 1.40 reads in the same way.
const READ: readonly (readonly [string, string, unknown])[] = [
  ['lists at the level of their key', 'a:\n- b\n', { a: ['b'] }],
  ['the last of equal keys', 'a: 1\na: 2\n', { a: 2 }],
  ['the first of several documents', 'a: 1\n---\nb: 2\n', { a: 1 }],
  ['a document whose successor is broken', '---\na: 1\n---\n[[[', { a: 1 }],
  ['directives', '%YAML 1.1\n---\na: 1\n', { a: 1 }],
  ['a byte order mark', '\ufeffa: 1\n', { a: 1 }],
  ['line ends of Windows', 'a:\r\n  b: c\r\n', { a: { b: 'c' } }],
  ['tabs before a comment', 'a: 1\t# x\n\t# y\n', { a: 1 }],
  ['a comment right after a bracket', 'a: {b: 1}#x\n', { a: { b: 1 } }],
  ['a trailing comma', 'a: {b: 1,}\n', { a: { b: 1 } }],
  ['a key without a value in braces', 'a: {b, c: d}\n', { a: { b: null, c: 'd' } }],
  ['JSON', '{"a":{"b":[1,"x"]}}\n', { a: { b: [1, 'x'] } }],
  ['an explicit key', '? a\n: b\n', { a: 'b' }],
  ['numbers and null as keys', '5: a\n~: b\n', { 5: 'a', null: 'b' }],
  ['anchors', 'a: &x {b: 1}\nc: *x\n', { a: { b: 1 }, c: { b: 1 } }],
  ['a merge key as a key like others', 'a: &x {b: 1}\nc:\n  <<: *x\n', { a: { b: 1 }, c: { '<<': { b: 1 } } }],
  ['keys tagged !ignore, dropped with their anchors kept', '!ignore a:\n- &x {b: 1}\nc: *x\n', { c: { b: 1 } }],
  ['tags on objects', 'a: !foo {b: 1}\n', { a: { b: 1 } }],
  ['brackets closed at the margin', 'a:\n  b: {\n    c: 1\n}\n', { a: { b: { c: 1 } } }],
  ['flow lists indented like their key', 'a:\n- b: [\n  1\n  ]\n', { a: [{ b: [1] }] }],
  ['tabs in braces', 'a: {\n\tb: 1}\n', { a: { b: 1 } }],
  ['quoted scalars going on at the margin', 'a:\n  b: "x\ny"\n', { a: { b: 'x y' } }],
];

for (const [name, text, expected] of READ) {
  test(`YAML: ${name}`, () => {
    assert.deepEqual(JSON.parse(JSON.stringify(valueOf(text))), expected);
  });
}

// Rows that Envoy 1.40 refuses too.
const REFUSED: readonly (readonly [string, string, readonly string[]])[] = [
  ['a tab for indentation', 'a:\n\tb: 1\n', ['2:1 Tabs are not allowed as indentation']],
  ['an alias without an anchor', 'a: *x\n', ['1:4 the referenced anchor is not defined: x']],
  ['an anchor around itself', 'a: &x {b: *x}\n', ['1:11 the anchor x contains itself']],
  ['a list as a key', '[a]: b\n', ['1:1 a key must be a name, not a list or an object']],
];

for (const [name, text, expected] of REFUSED) {
  test(`YAML refused: ${name}`, () => {
    assert.deepEqual(valueOf(text), expected);
  });
}

test('a key that is __proto__ is a key', () => {
  const value = valueOf('__proto__: {a: 1}\n') as object;
  assert.deepEqual(Object.keys(value), ['__proto__']);
  assert.equal(Object.getPrototypeOf(value), Object.prototype);
});

test('too many levels are an error, and no stack overflow', () => {
  for (const levels of [600, 20_000]) {
    const problems = valueOf(`a: ${'['.repeat(levels)}${']'.repeat(levels)}`) as string[];
    assert.match(String(problems[0]), /nested (too deeply|more than 500 levels deep)/);
  }
});

test('places of keys, items, and of what an alias leads to', () => {
  const text = 'a: &x\n  b: [1,\n 2]\nc: *x\n';
  const root = yamlFormat.places(text);
  const at = (...path: (string | number)[]): string => {
    const found = locate(root, path);
    return `${positionOf(text, found.offset)} ${found.matched}`;
  };
  assert.equal(at('a', 'b'), '2:3 2');
  assert.equal(at('a', 'b', 1), '3:2 3');
  assert.equal(at('c'), '4:1 1');
  assert.equal(at('c', 'b', 0), '2:7 3');
  assert.equal(at('a', 'nope', 'deeper'), '1:1 1');
});
