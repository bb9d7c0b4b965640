// Header matchers judge what the origin gets, with every value of a repeated header. Verdicts are Envoy 1.40's.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { leakCheck, statusOf } from '../../harness/index.ts';
import type { RawMessage } from '../../harness/index.ts';
import { Stand } from '../stand.ts';

after(leakCheck());

const OPEN = { match: { prefix: '/' }, route: { cluster: 'origin' } };
const deny = (header: object): object => ({ match: { prefix: '/', headers: [header] }, direct_response: { status: 403 } });
const allow = (header: object): readonly object[] => [
  { match: { prefix: '/', headers: [header] }, route: { cluster: 'origin' } },
  { match: { prefix: '/' }, direct_response: { status: 403 } },
];

function values(request: RawMessage | undefined, name: string): readonly string[] {
  return (request?.headers ?? []).filter(([key]) => key === name).map(([, value]) => value);
}

interface MatcherCase {
  readonly id: string;
  readonly name: string;
  readonly routes: readonly object[];
  readonly headers: readonly string[];
  readonly status: number;
  /** Values of x-role at the origin. */
  readonly origin?: readonly string[];
}

const exact = { name: 'x-role', string_match: { exact: 'admin' } };
const notAdmin = { ...exact, invert_match: true };

const CASES: readonly MatcherCase[] = [
  { id: 'CVE-2019-18802', name: 'space behind a value', routes: [deny(exact), OPEN], headers: ['x-role: admin \t '], status: 403 },
  { id: 'CVE-2019-18802', name: 'space before a value', routes: [deny(exact), OPEN], headers: ['x-role: \t admin'], status: 403 },
  { id: 'CVE-2019-18802', name: 'space inside a value stays', routes: [deny(exact), OPEN], headers: ['x-role: ad min'], status: 200, origin: ['ad min'] },
  { id: 'CVE-2020-25017', name: 'the first of two values is judged', routes: [deny(exact), OPEN], headers: ['x-role: admin', 'x-role: user'], status: 403 },
  { id: 'CVE-2020-25017', name: 'the second of two values is judged', routes: [deny(exact), OPEN], headers: ['x-role: user', 'x-role: admin'], status: 403 },
  { id: 'CVE-2021-32777', name: 'a value among three', routes: [deny(exact), OPEN], headers: ['x-role: a', 'x-role: admin', 'x-role: b'], status: 403 },
  { id: 'CVE-2026-26308', name: 'an inverted rule wants no value to match', routes: allow(notAdmin), headers: ['x-role: user', 'x-role: admin'], status: 403 },
  { id: 'CVE-2026-26308', name: 'an inverted rule, no value matches', routes: allow(notAdmin), headers: ['x-role: user', 'x-role: guest'], status: 200, origin: ['user', 'guest'] },
  { id: 'CVE-2026-26308', name: 'a list in one line is one value', routes: [deny(exact), OPEN], headers: ['x-role: user,admin'], status: 200, origin: ['user,admin'] },
  { id: 'CVE-2026-26308', name: 'a suffix', routes: [deny({ name: 'x-role', string_match: { suffix: 'min' } }), OPEN], headers: ['x-role: admin', 'x-role: z'], status: 403 },
  { id: 'CVE-2026-26308', name: 'case of the name', routes: [deny(exact), OPEN], headers: ['X-ROLE: user', 'x-RoLe: admin'], status: 403 },
  { id: 'CVE-2026-73552', name: 'bytes over 0x7f match byte by byte', routes: [deny({ name: 'x-role', string_match: { safe_regex: { regex: 'a..b' } } }), OPEN], headers: ['x-role: a\xc3\xa9b'], status: 403 },
  { id: 'CVE-2026-73552', name: 'one byte is one character', routes: [deny({ name: 'x-role', string_match: { safe_regex: { regex: 'a.b' } } }), OPEN], headers: ['x-role: a\xe9b'], status: 403 },
  { id: 'CVE-2026-73552', name: 'a dot is not two bytes', routes: [deny({ name: 'x-role', string_match: { safe_regex: { regex: 'a.b' } } }), OPEN], headers: ['x-role: a\xc3\xa9b'], status: 200, origin: ['a\xc3\xa9b'] },
  { id: 'CVE-2026-73552', name: 'a text beyond ASCII in the configuration', routes: [deny({ name: 'x-role', string_match: { exact: 'é' } }), OPEN], headers: ['x-role: \xc3\xa9'], status: 403 },
  { id: 'CVE-2026-73552', name: 'ignore_case leaves bytes over 0x7f alone', routes: [deny({ name: 'x-role', string_match: { exact: 'é', ignore_case: true } }), OPEN], headers: ['x-role: \xc3\x89'], status: 200, origin: ['\xc3\x89'] },
  { id: 'CVE-2019-9900', name: 'NUL cuts nothing off', routes: [deny({ name: 'x-role', string_match: { suffix: 'admin' } }), OPEN], headers: ['x-role: admin\0x'], status: 400 },
];

describe('header matchers', () => {
  for (const one of CASES) {
    it(`${one.id}: ${one.name}`, () =>
      Stand.with({ routes: one.routes }, async (stand) => {
        assert.equal(statusOf(await stand.get('/', one.headers)), one.status);
        assert.deepEqual(values(stand.origin.requests()[0], 'x-role'), one.origin ?? []);
      }));
  }
});

describe('regular expressions have a bounded cost', () => {
  // Each pattern makes a backtracking engine run for longer than the universe has existed.
  const EVIL = ['(a+)+', '(a|a)*', '(a|aa)+', '(.*a){15}', '([a-zA-Z]+)*'];
  const input = `${'a'.repeat(8_000)}!`;
  const routes = EVIL.map((regex, i) => ({ match: { prefix: `/${i}`, headers: [{ name: 'x-role', string_match: { safe_regex: { regex } } }] }, direct_response: { status: 403 } }));
  let stand: Stand;
  before(async () => {
    stand = await Stand.start({ routes: [...routes, OPEN] });
  });
  after(() => stand.stop());

  for (const [i, regex] of EVIL.entries()) {
    // The work is bounded: if it were not, the answer would not come within the client's five seconds.
    it(`CVE-2024-23323, CVE-2019-15225: ${regex}`, async () => assert.equal(statusOf(await stand.get(`/${i}`, [`x-role: ${input}`])), 200));
  }

  it('CVE-2019-15225: a pattern that is too large is refused at load', async () => {
    const route = { match: { safe_regex: { regex: '(a{100}){10}' } }, route: { cluster: 'origin' } };
    await assert.rejects(Stand.start({ routes: [route] }), /program size/);
  });
});
