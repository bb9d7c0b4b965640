// Paths that try to be one thing for the proxy and another for the origin. Verdicts are Envoy 1.40's.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { headerOf, leakCheck, statusOf } from '../../harness/index.ts';
import { Stand } from '../stand.ts';

after(leakCheck());

/** `/admin` and all that ends in `.secret` are forbidden; a case says what became of its target: a status, or the path that the origin got. */
const ROUTES = [
  { match: { prefix: '/admin' }, direct_response: { status: 403 } },
  { match: { safe_regex: { regex: '.*[.]secret' } }, direct_response: { status: 403 } },
  { match: { prefix: '/' }, route: { cluster: 'origin' } },
];

interface PathCase {
  readonly id: string;
  readonly target: string;
  readonly becomes: string;
}

async function verdict(stand: Stand, target: string): Promise<string> {
  const before = stand.origin.requests().length;
  const response = await stand.get(target);
  const request = stand.origin.requests()[before];
  if (request !== undefined) return request.startLine.split(' ')[1] ?? '';
  const location = headerOf(response, 'location');
  return location === undefined ? String(statusOf(response)) : `${statusOf(response)} ${location}`;
}

function suite(name: string, manager: object, cases: readonly PathCase[], runtime: object = {}): void {
  describe(name, () => {
    let stand: Stand;
    before(async () => {
      stand = await Stand.start({ manager, routes: ROUTES, runtime });
    });
    after(() => stand.stop());
    for (const { id, target, becomes } of cases) {
      it(`${id}: ${target}`, async () => assert.equal(await verdict(stand, target), becomes));
    }
  });
}

const EDGE = { normalize_path: true, merge_slashes: true };

suite('a normalised path is what is routed and what is forwarded', EDGE, [
  { id: 'CVE-2019-9901', target: '/public/../admin', becomes: '403' },
  { id: 'CVE-2019-9901', target: '/public/%2e%2e/admin', becomes: '403' },
  { id: 'CVE-2019-9901', target: '/public/.%2E/admin/', becomes: '403' },
  { id: 'CVE-2019-9901', target: '/x/../../../admin', becomes: '403' },
  { id: 'CVE-2019-9901', target: '//admin', becomes: '403' },
  { id: 'CVE-2019-9901', target: '/.//admin', becomes: '403' },
  { id: 'CVE-2019-9901', target: '/x\\..\\admin', becomes: '403' },
  { id: 'CVE-2019-9901', target: '/%61dmin', becomes: '403' },
  { id: 'CVE-2019-9901', target: '/a/./b/../c?d=/../e', becomes: '/a/c?d=/../e' },
  { id: 'CVE-2019-9901', target: '/%2561dmin', becomes: '/%2561dmin' },
  { id: 'CVE-2019-9901', target: '/x/..%2fadmin', becomes: '/x/..%2fadmin' },
  { id: 'CVE-2021-32779', target: '/admin#/x', becomes: '400' },
  { id: 'CVE-2021-32779', target: '/x.secret#.public', becomes: '400' },
  { id: 'CVE-2021-32779', target: '/x#/../admin', becomes: '400' },
  { id: 'CVE-2026-73551', target: '/x/..;/admin', becomes: '403' },
  { id: 'CVE-2026-73551', target: '/x/..;a=1/admin', becomes: '403' },
  { id: 'CVE-2026-73551', target: '/x/.;/../admin', becomes: '403' },
  // Envoy 1.40 decodes these dots and does not look at the segment again; the origin is told what the routes were.
  { id: 'CVE-2026-73551', target: '/x/%2e%2e;/admin', becomes: '/x/..;/admin' },
  { id: 'CVE-2026-73511', target: '/admin;x=1', becomes: '403' },
  { id: 'CVE-2026-73511', target: '/a;x=1/b;y=2', becomes: '/a;x=1/b;y=2' },
]);

suite('fragments are cut off where they are not refused', EDGE, [
  { id: 'CVE-2021-32779', target: '/admin#/x', becomes: '403' },
  { id: 'CVE-2021-32779', target: '/x.secret#.public', becomes: '403' },
  { id: 'CVE-2021-32779', target: '/x#/../admin', becomes: '/x' },
], { 'envoy.reloadable_features.http_reject_path_with_fragment': false });

const ESCAPED = ['/x%2F..%2Fadmin', '/x%5c..%5cadmin', '/%2fadmin', '/a%2Fb', '/a?b=%2F'];
const ACTIONS: Readonly<Record<string, readonly string[]>> = {
  KEEP_UNCHANGED: ['/x%2F..%2Fadmin', '/x%5c..%5cadmin', '/%2fadmin', '/a%2Fb', '/a?b=%2F'],
  REJECT_REQUEST: ['400', '400', '400', '400', '/a?b=%2F'],
  UNESCAPE_AND_REDIRECT: ['307 /admin', '307 /admin', '307 /admin', '307 /a/b', '/a?b=%2F'],
  UNESCAPE_AND_FORWARD: ['403', '403', '403', '/a/b', '/a?b=%2F'],
};
for (const [action, verdicts] of Object.entries(ACTIONS)) {
  const manager = { ...EDGE, path_with_escaped_slashes_action: action };
  suite(`escaped slashes: ${action}`, manager, ESCAPED.map((target, i) => ({ id: 'CVE-2021-29492', target, becomes: verdicts[i] ?? '' })));
}

suite('parameters of segments, when they are not asked to be looked at', {}, [
  { id: 'CVE-2026-73511', target: '/admin;x=1', becomes: '403' },
  { id: 'CVE-2026-73511', target: '/x/..;/admin', becomes: '/x/..;/admin' },
]);

describe('parameters of segments and matchers that ignore them', () => {
  const options = { ignore_path_parameters_in_path_matching: true };
  const routes = [
    { match: { path: '/admin/users' }, direct_response: { status: 403 } },
    { match: { path_separated_prefix: '/private' }, direct_response: { status: 401 } },
    { match: { prefix: '/' }, route: { cluster: 'origin' } },
  ];
  let stand: Stand;
  before(async () => {
    stand = await Stand.start({ manager: { ...EDGE, route_config: { ...options, virtual_hosts: [{ name: 'all', domains: ['*'], routes }] } } });
  });
  after(() => stand.stop());

  for (const [target, becomes] of [
    ['/admin/users', '403'],
    ['/admin/users;x=1', '403'],
    ['/admin;x/users', '403'],
    ['/admin;x=1/users;y=2?z', '403'],
    ['/private;x', '401'],
    ['/private;x/y', '401'],
    ['/open;x/y;z', '/open;x/y;z'],
  ] as const) {
    it(`CVE-2026-73511: ${target}`, async () => assert.equal(await verdict(stand, target), becomes));
  }
});

describe('CVE-2023-35944: a scheme in mixed case', () => {
  it('is the scheme in small letters for routes, policies and logs', () =>
    Stand.with({ log: '%REQ(:SCHEME)% %REQ(X-FORWARDED-PROTO)%\n' }, async (stand) => {
      for (const target of ['http://a/x', 'HTTP://a/x', 'hTtP://a/x', 'HTTPS://a/x']) assert.equal(statusOf(await stand.get(target)), 200);
      assert.deepEqual(await stand.logLines(4), ['http http', 'http http', 'http http', 'https http']);
    }));
});
