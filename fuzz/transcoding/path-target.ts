import assert from 'node:assert/strict';
import type { HttpRule } from '#api/google/api/http_pb.js';
import { parseHttpTemplate } from '../../src/common/transcoding/http-template.ts';
import type { HttpTemplate } from '../../src/common/transcoding/http-template.ts';
import { DEFAULT_PATH_MATCHER_OPTIONS, PathMatcher } from '../../src/common/transcoding/path-matcher.ts';
import type { Rng } from '../http1/generate.ts';
import type { FuzzTarget } from '../http2/run.ts';
import { mutated } from './bytes.ts';

const WORDS = ['a', 'b', 'shelves', 'x.y', 'a:b', '', '%2F', '%', '*', '**', '\xe9', 'a b', '.'];
const VARIABLES = ['{id}', '{a.b}', '{id=*}', '{name=shelves/*}', '{name=**}', '{name=a/*/b/**}', '{a=*/b}', '{__proto__}', '{id', '{}', '{=a}', '{a={b}}'];

function path(rng: Rng): string {
  let out = '';
  for (let n = rng.below(6); n > 0; n--) out += `/${rng.pick(WORDS)}`;
  return out + (rng.chance(0.3) ? rng.pick([':read', ':x', ':', '/']) : '');
}

function template(rng: Rng): string {
  let out = '';
  for (let n = 1 + rng.below(4); n > 0; n--) out += `/${rng.chance(0.5) ? rng.pick(VARIABLES) : rng.pick(WORDS)}`;
  return out + (rng.chance(0.3) ? rng.pick([':read', ':x', ':', '/']) : '');
}

function ruleOf(text: string): HttpRule {
  return { $typeName: 'google.api.HttpRule', selector: '', pattern: { case: 'get', value: text }, body: '', responseBody: '', additionalBindings: [] };
}

/** Whether one template takes a path, by a regular expression. */
function takes(parsed: HttpTemplate, given: string): boolean {
  let rest = given;
  if (parsed.verb !== '') {
    const colon = given.lastIndexOf(':');
    if (colon < 0 || colon < given.lastIndexOf('/') || given.slice(colon + 1) !== parsed.verb) return false;
    rest = given.slice(0, colon);
  }
  const parts = rest === '' ? '' : rest.slice(1).replace(/\/+$/, '');
  let pattern = '';
  for (const [i, segment] of parsed.segments.entries()) {
    // Only at the end it may be none.
    if (segment === '**') pattern += i === parsed.segments.length - 1 ? '(?:/[^/]*)*' : '(?:/[^/]*)+';
    else pattern += segment === '*' ? '/[^/]*' : `/${segment.replace(/[^a-zA-Z0-9]/g, '\\$&')}`;
  }
  return new RegExp(`^${pattern}$`, 's').test(parts === '' ? '' : `/${parts}`);
}

/** Variables lie inside the template and do not overlap. */
function checkTemplate(parsed: HttpTemplate): void {
  let from = 0;
  for (const { fieldPath, startSegment, endSegment } of parsed.variables) {
    const end = endSegment >= 0 ? endSegment : parsed.segments.length + endSegment + 1;
    assert.ok(startSegment >= from && end > startSegment && end <= parsed.segments.length);
    assert.ok(fieldPath.length > 0 && !fieldPath.includes(''));
    from = end;
  }
}

/** Lines: templates, and last a path with its query. */
function check(input: Buffer): void {
  const lines = input.toString('latin1').split('\n');
  const [given, query] = (lines.pop() ?? '').split('?', 2);
  const all = new PathMatcher<string>(DEFAULT_PATH_MATCHER_OPTIONS);
  let matching = 0;
  for (const text of lines) {
    const parsed = parseHttpTemplate(text);
    // Templates of a rule are text, not byte strings: ASCII is both.
    if (/[\x80-\xff]/.test(text)) continue;
    const rule = ruleOf(text);
    assert.equal(all.registerRule(rule, text), parsed !== null);
    if (parsed === null) continue;
    checkTemplate(parsed);
    const alone = new PathMatcher<string>(DEFAULT_PATH_MATCHER_OPTIONS);
    alone.registerRule(rule, text);
    const found = alone.lookup('GET', given, query ?? '');
    assert.equal(found !== null, takes(parsed, given), `${text} and ${given}`);
    assert.equal(alone.lookup('POST', given, ''), null);
    if (found === null) continue;
    matching++;
    for (const [i, variable] of parsed.variables.entries()) assert.deepEqual(found.bindings[i].fieldPath, variable.fieldPath);
  }
  const found = all.lookup('GET', given, query ?? '');
  // A verb of one template changes what another sees; without verbs, what none takes alone is not taken by all.
  if (found !== null && !lines.some((each) => each.includes(':'))) assert.ok(matching > 0);
}

export const pathTarget: FuzzTarget = {
  name: '../../transcoding/corpus/path',
  generate(rng: Rng, last: Buffer): Buffer {
    const lines: string[] = [];
    for (let n = 1 + rng.below(4); n > 0; n--) lines.push(template(rng));
    const known = rng.pick(lines).replaceAll(/\{[^}=]*=?([^}]*)\}/g, (_, inner: string) => (inner === '' ? 'v' : inner));
    lines.push((rng.chance(0.6) ? known : path(rng)) + (rng.chance(0.3) ? '?a=b&c.d=%20+&=x&a' : ''));
    const input = Buffer.from(lines.join('\n'), 'latin1');
    return rng.chance(0.2) ? mutated(input, last, rng) : input;
  },
  check,
};
