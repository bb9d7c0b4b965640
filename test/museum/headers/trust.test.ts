// What a client may say about itself. Verdicts are Envoy 1.40's.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { headerOf, leakCheck, statusOf } from '../../harness/index.ts';
import { Stand } from '../stand.ts';

after(leakCheck());

const INTERNAL = [
  'x-envoy-original-path', 'x-envoy-internal', 'x-envoy-force-trace', 'x-envoy-external-address', 'x-envoy-downstream-service-cluster',
  'x-envoy-downstream-service-node', 'x-envoy-retry-on', 'x-envoy-max-retries', 'x-envoy-upstream-rq-timeout-ms', 'x-envoy-hedge-on-per-try-timeout',
  'x-envoy-upstream-alt-stat-name', 'x-envoy-decorator-operation', 'x-envoy-ip-tags', 'x-envoy-original-host', 'x-envoy-expected-rq-timeout-ms',
  'x-envoy-attempt-count',
];
/** Has no power over the proxy: left alone, as by Envoy. */
const HARMLESS = new Set(['x-envoy-attempt-count']);
/** The address of the client, which for a loopback connection is one of the machine's. */
const AN_ADDRESS = /^\d+[.]\d+[.]\d+[.]\d+$/;

async function sent(stand: Stand, headers: readonly string[]): Promise<(name: string) => string | undefined> {
  const before = stand.origin.requests().length;
  assert.equal(statusOf(await stand.get('/x', headers)), 200);
  const request = stand.origin.requests()[before];
  return (name) => (request === undefined ? undefined : headerOf(request, name));
}

describe('an edge proxy takes the powers of x-envoy headers away', () => {
  let stand: Stand;
  before(async () => {
    stand = await Stand.start({ manager: { use_remote_address: true, internal_address_config: { cidr_ranges: [{ address_prefix: '10.0.0.0', prefix_len: 8 }] } } });
  });
  after(() => stand.stop());

  for (const name of INTERNAL) {
    it(`CVE-2023-27487: ${name}`, async () => {
      const header = await sent(stand, [`${name}: /evil`]);
      if (name === 'x-envoy-external-address') assert.match(header(name) ?? '', AN_ADDRESS);
      else assert.equal(header(name), HARMLESS.has(name) ? '/evil' : undefined);
    });
  }

  it('CVE-2023-27487: x-forwarded-for of the client does not make it internal', async () => {
    const header = await sent(stand, ['x-forwarded-for: 10.0.0.1', 'x-envoy-ip-tags: t']);
    assert.deepEqual([header('x-envoy-internal'), header('x-envoy-ip-tags')], [undefined, undefined]);
    assert.match(header('x-forwarded-for') ?? '', /^10[.]0[.]0[.]1,\d+[.]\d+[.]\d+[.]\d+$/);
  });
});

describe('CVE-2024-45806: no address is internal that nobody declared', () => {
  it('the loopback address, 10/8 and 192.168/16 are not by default', () =>
    Stand.with({ manager: { use_remote_address: true, xff_num_trusted_hops: 1 } }, async (stand) => {
      for (const from of ['10.0.0.1', '192.168.1.1', '172.16.0.1', '127.0.0.1', 'fd00::1']) {
        const header = await sent(stand, [`x-forwarded-for: ${from}`, 'x-envoy-ip-tags: t']);
        assert.deepEqual([header('x-envoy-internal'), header('x-envoy-ip-tags')], [undefined, undefined], from);
      }
    }));

  it('a declared range is, and one that only looks like it is not', () =>
    Stand.with({ manager: { use_remote_address: true, internal_address_config: { cidr_ranges: [{ address_prefix: '127.0.0.0', prefix_len: 8 }] } } }, async (stand) => {
      const inside = await sent(stand, ['x-envoy-ip-tags: t']);
      assert.deepEqual([inside('x-envoy-internal'), inside('x-envoy-ip-tags')], ['true', 't']);
      const outside = await sent(stand, ['x-forwarded-for: 10.1.1.1', 'x-envoy-ip-tags: t']);
      assert.deepEqual([outside('x-envoy-internal'), outside('x-envoy-ip-tags')], [undefined, undefined]);
    }));
});

describe('hop-by-hop headers', () => {
  it('desync-8: Connection cannot take away what the proxy adds', () =>
    Stand.with({ manager: { use_remote_address: true } }, async (stand) => {
      for (const name of ['x-forwarded-for', 'x-forwarded-proto', 'host', 'X-Forwarded-Host']) {
        assert.equal(statusOf(await stand.get('/x', [`connection: close, ${name}`])), 400, name);
      }
      assert.equal(stand.origin.requests().length, 0);
    }));

  it('desync-8: Connection takes a header away before it is judged, so the judged is the forwarded', () =>
    Stand.with({
      routes: [
        { match: { prefix: '/', headers: [{ name: 'x-role', present_match: true }] }, direct_response: { status: 403 } },
        { match: { prefix: '/' }, route: { cluster: 'origin' } },
      ],
    }, async (stand) => {
      assert.equal(statusOf(await stand.get('/', ['connection: x-role', 'x-role: admin'])), 200);
      assert.ok(!/x-role/i.test(stand.origin.requests()[0]?.head ?? 'x-role'));
    }));
});
