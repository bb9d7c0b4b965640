import assert from 'node:assert/strict';
import { test } from 'node:test';
import { indentContinuations } from './continuation-lines.ts';

function shown(text: string): string {
  return indentContinuations(text).text.replaceAll('    ', '>');
}

test('lines inside braces and quotes are indented, others not', () => {
  assert.equal(shown('a: {\nb: 1\n}\n   c: d\n'), 'a: {\n>b: 1\n>}\n   c: d\n');
  assert.equal(shown('a: "x\ny"\n   c: d\n'), 'a: "x\n>y"\n   c: d\n');
});

test('brackets and quotes in plain text, comments and literal blocks are text', () => {
  const text = "a: it's [not\nb: x # {\nc: |\n   if (x) {\n   '\nd: e\n";
  assert.equal(indentContinuations(text).text, text);
});

test('offsets lead back to the original', () => {
  const text = 'a: {\nb: 1,\nc: 2\n}\nd: 3\n';
  const { text: deeper, original } = indentContinuations(text);
  for (const word of ['a:', 'b:', 'c:', 'd:']) assert.equal(original(deeper.indexOf(word)), text.indexOf(word));
});
