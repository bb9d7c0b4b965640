// What is dangerous in JavaScript only: names that objects have by themselves, keys that look like integers, functions that throw.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { answer, headerOf, leakCheck, statusOf } from '../../harness/index.ts';
import { Stand } from '../stand.ts';

after(leakCheck());

const NAMES = ['__proto__', 'constructor', 'hasownproperty', 'tostring', 'valueof', 'prototype', '__definegetter__', 'then', 'length', '0', '4294967295'];

describe('CVE-2026-21710: names that every object has', () => {
  it('as headers of both directions, in matchers and in logs', () => {
    const routes = [
      ...NAMES.map((name) => ({ match: { prefix: '/judged', headers: [{ name, string_match: { exact: 'x' } }] }, direct_response: { status: 403 } })),
      { match: { prefix: '/judged' }, direct_response: { status: 204 } },
      { match: { prefix: '/' }, route: { cluster: 'origin' } },
    ];
    const log = Object.fromEntries(NAMES.map((name, i) => [`k${i}`, `%REQ(${name})%`]));
    return Stand.with({ routes, log, origin: { replies: [answer({ headers: NAMES.map((name) => `${name}: back`) })] } }, async (stand) => {
      const response = await stand.get('/', NAMES.map((name) => `${name}: x`));
      const request = stand.origin.requests()[0];
      for (const name of NAMES) {
        assert.equal(request === undefined ? undefined : headerOf(request, name), 'x', name);
        assert.equal(headerOf(response, name), 'back', name);
        assert.equal(statusOf(await stand.get('/judged', [`${name}: x`])), 403, name);
      }
      assert.equal(statusOf(await stand.get('/judged')), 204, 'a header that did not come is not there');
      const lines = await stand.logLines(NAMES.length + 2);
      assert.deepEqual(Object.values(JSON.parse(lines[0] ?? '{}') as object), NAMES.map(() => 'x'));
      assert.deepEqual(Object.values(JSON.parse(lines.at(-1) ?? '{}') as object), NAMES.map(() => null));
    });
  });

  it('as query parameters, cookies, hosts, methods and cluster headers', () => {
    const routes = [
      ...NAMES.map((name) => ({ match: { prefix: '/q', query_parameters: [{ name, string_match: { exact: 'x' } }] }, direct_response: { status: 403 } })),
      { match: { prefix: '/by-header' }, route: { cluster_header: 'x-cluster' } },
      { match: { prefix: '/' }, route: { cluster: 'origin' } },
    ];
    return Stand.with({ routes }, async (stand) => {
      for (const name of NAMES) {
        assert.equal(statusOf(await stand.get(`/q?${name}=x`)), 403, name);
        assert.equal(statusOf(await stand.get(`/q?other=x`)), 200, name);
        assert.equal(statusOf(await stand.get('/by-header', [`x-cluster: ${name}`])), 503, name);
        assert.equal(statusOf(await stand.get('/', [`cookie: ${name}=x; ${name}=y`])), 200, name);
        const [response] = await stand.exchange(`GET / HTTP/1.1\r\nhost: ${name}\r\n\r\n`);
        assert.equal(response === undefined ? 0 : statusOf(response), 200, name);
      }
    });
  });

  it('as names in the configuration and in questions to admin', () =>
    Stand.with({
      manager: { stat_prefix: '__proto__' },
      virtualHosts: [
        { name: '__proto__', domains: ['constructor'], routes: [{ match: { prefix: '/' }, route: { cluster: '__proto__' } }] },
        { name: 'constructor', domains: ['*'], routes: [{ match: { prefix: '/' }, direct_response: { status: 204 } }] },
      ],
      clusters: [{ name: '__proto__', type: 'STATIC', connect_timeout: '1s' }],
      runtime: { constructor: 1 },
    }, async (stand) => {
      const [routed] = await stand.exchange('GET / HTTP/1.1\r\nhost: constructor\r\n\r\n');
      assert.equal(routed === undefined ? 0 : statusOf(routed), 503, 'a cluster without hosts');
      assert.equal(statusOf(await stand.get('/', ['host: tostring'])), 204);
      assert.equal(await stand.stat('cluster.__proto__.upstream_cx_none_healthy'), 1);
      for (const page of ['/stats?__proto__=1&format=json', '/runtime', '/config_dump?resource=__proto__', '/clusters?format=json', '/__proto__', '/constructor']) {
        const { status } = await stand.admin(page);
        assert.ok(status >= 200 && status < 500, `${page}: ${status}`);
      }
      const { status } = await stand.admin('/logging?__proto__=debug', 'POST');
      assert.ok(status === 200 || status === 400, String(status));
      assert.equal(Reflect.get({}, 'debug'), undefined);
    }));
});

describe('CVE-2025-27209, CVE-2026-21717: keys that look like integers', () => {
  it('no table grows with what clients send', () =>
    Stand.with({}, async (stand) => {
      const send = async (from: number, count: number): Promise<void> => {
        const requests = Array.from({ length: count }, (_, i) => {
          const n = (from + i) * 4_097;
          return `GET /${n}?${n}=${n} HTTP/1.1\r\nhost: ${n}\r\n${n}: ${n}\r\ncookie: ${n}=${n}\r\nuser-agent: ${n}\r\nx-forwarded-for: 1.2.3.${n & 255}\r\n\r\n`;
        });
        assert.equal((await stand.exchange(requests.join(''), count)).length, count);
      };
      const names = async (): Promise<readonly string[]> => (await stand.admin('/stats')).body.split('\n').map((line) => line.slice(0, line.indexOf(':')));
      await send(1, 10);
      const before = await names();
      await send(1_000, 500);
      assert.deepEqual(await names(), before);
    }));
});

describe('what the sources must not use', () => {
  const root = path.resolve(import.meta.dirname, '../../..');
  const sources = globSync('src/**/*.ts', { cwd: root }).filter((name) => !name.endsWith('.test.ts')).map((name) => ({ name, text: readFileSync(path.join(root, name), 'utf8') }));
  const BANNED: readonly (readonly [string, RegExp])[] = [
    ['CVE-2026-21712', /from 'node:url'.*\b(?:parse|format)\b|\burl\.(?:parse|format|resolve)\(|import \{[^}]*\b(?:parse|format)\b[^}]*\} from 'node:url'/],
    ['CVE-2019-15605', /insecureHTTPParser/],
    ['CVE-2026-21710', /headersDistinct|from 'node:http'|from 'node:http2'/],
    ['CVE-2026-73546', /\beval\(|new Function\(/],
  ];
  for (const [id, pattern] of BANNED) {
    it(`${id}: ${pattern.source}`, () => {
      assert.ok(sources.length > 100);
      assert.deepEqual(sources.filter(({ text }) => pattern.test(text)).map(({ name }) => name), []);
    });
  }
});
