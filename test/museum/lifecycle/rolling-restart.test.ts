// incidents.md section 4: what must not be noticed by clients.
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { answer, freePorts, headerOf, leakCheck, ProxyProcess, RawClient, ScriptedOrigin, statusOf, withCleanup } from '../../harness/index.ts';
import { configOf, Stand } from '../stand.ts';

after(leakCheck());

describe('incidents', () => {
  it('rolling restart: SIGTERM under keep-alive load, and no client sees an error', () =>
    withCleanup(async (defer) => {
      const origin = await ScriptedOrigin.start({ replies: [answer()] });
      defer(() => origin.stop());
      const [admin = 0, listener = 0] = await freePorts(2);
      const config = JSON.stringify(configOf({}, { admin, listener, origin: origin.port }, '/dev/null'));
      const proxy = await ProxyProcess.start({ kind: 'nuncio', configFormat: 'json', adminPort: admin, config });
      defer(() => proxy.stop());
      let served = 0;
      const load = async (): Promise<void> => {
        const client = await RawClient.connect({ port: listener });
        try {
          for (let i = 1; ; i++) {
            client.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
            const response = (await client.readResponses(i))[i - 1];
            assert.ok(response !== undefined && response.complete && statusOf(response) === 200, `request ${i}: ${client.ended}`);
            served++;
            if (headerOf(response, 'connection') === 'close') return;
          }
        } finally {
          await client.close();
        }
      };
      const clients = Array.from({ length: 8 }, load);
      while (served < 200) await new Promise((resolve) => setImmediate(resolve));
      proxy.signal('SIGTERM');
      await Promise.all(clients);
      assert.equal(await proxy.waitForExit(), 0);
    }));

  it('Railway: 16,000 virtual hosts are a configuration like any other', () => {
    const virtualHosts = Array.from({ length: 16_000 }, (_, i) => ({ name: `v${i}`, domains: [`h${i}.example.com`], routes: [{ match: { prefix: '/' }, direct_response: { status: 200, body: { inline_string: `v${i}` } } }] }));
    return Stand.with({ virtualHosts }, async (stand) => {
      for (const i of [0, 1, 8_000, 15_999]) {
        const [response] = await stand.exchange(`GET / HTTP/1.1\r\nhost: h${i}.example.com\r\n\r\n`);
        assert.equal(response?.body, `v${i}`);
      }
      assert.equal(statusOf(await stand.get('/')), 404);
    });
  });
});
