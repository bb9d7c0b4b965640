// Every file of examples/ is accepted by nuncio and by Envoy, and does in both what its first lines say.
import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import {
  answer,
  findProxy,
  freePorts,
  headerOf,
  ProxyProcess,
  RawClient,
  ScriptedOrigin,
  statusOf,
  withCleanup,
  type ProxyKind,
  type RawMessage,
} from '../test/harness/index.ts';

const folder = import.meta.dirname;
const names = readdirSync(folder).filter((name) => name.endsWith('.yaml'));
const run = promisify(execFile);

/** What a scenario may use: requests through the proxy, what the origins saw, the admin port. */
interface Stage {
  readonly proxy: ProxyProcess;
  /** Origins on the example's ports 8081, 8082 and 8083; each answers 200 with its port as the body. */
  readonly origins: readonly ScriptedOrigin[];
  /** Sends one request head (and body) on a connection of its own; resolves to the response. */
  readonly ask: (request: string) => Promise<RawMessage>;
  readonly get: (target: string, ...headers: string[]) => Promise<RawMessage>;
}

const location = (response: RawMessage): [number, string | undefined] => [statusOf(response), headerOf(response, 'location')];

/** One check for each example, by file name. */
const SCENARIOS: Record<string, (stage: Stage) => Promise<void>> = {
  'quick-start.yaml': async ({ get }) => {
    const proxied = await get('/hello?a=1');
    assert.equal(statusOf(proxied), 200);
    assert.equal(headerOf(proxied, 'x-origin-saw'), 'GET /hello?a=1');
    assert.equal(proxied.body, 'Hello from the origin behind the proxy.\n');
    assert.equal((await get('/healthz')).body, 'ok\n');
  },
  'front-proxy.yaml': async ({ get, origins }) => {
    const first = (await get('/service/1/x')).body;
    const second = (await get('/service/1')).body;
    assert.deepEqual([first, second].sort(), ['8081', '8082']);
    assert.equal((await get('/service/2/x')).body, '8083');
    assert.equal(origins[2]?.requests()[0]?.startLine, 'GET /x HTTP/1.1');
    assert.equal(statusOf(await get('/service/10')), 404);
  },
  'weighted-canary.yaml': async ({ get }) => {
    assert.equal((await get('/', 'x-canary: always')).body, '8082');
    assert.match(headerOf(await get('/'), 'x-version') ?? '', /^v[12]$/);
  },
  'redirects.yaml': async ({ get, ask }) => {
    assert.deepEqual(location(await get('/a?b=1')), [301, 'https://service.test/a?b=1']);
    assert.deepEqual(location(await get('/moved')), [302, 'http://service.test/here']);
    assert.deepEqual(location(await get('/blog/x?y=1')), [301, 'http://service.test/articles/x']);
    const old = await ask('GET /a HTTP/1.1\r\nhost: old.example.com\r\nconnection: close\r\n\r\n');
    assert.deepEqual(location(old), [308, 'https://www.example.com/a']);
  },
  'headers.yaml': async ({ get, origins }) => {
    origins[0]?.use({ replies: [answer({ headers: ['x-powered-by: magic', 'x-debug: 1'], body: 'x' })] });
    const response = await get('/path', 'x-internal-token: secret', 'x-client-address: forged');
    assert.equal(headerOf(response, 'strict-transport-security'), 'max-age=31536000');
    assert.equal(headerOf(response, 'x-powered-by'), undefined);
    assert.equal(headerOf(response, 'x-debug'), undefined);
    const seen = origins[0]?.requests()[0];
    assert.ok(seen);
    assert.equal(headerOf(seen, 'x-client-address'), '127.0.0.1');
    assert.equal(headerOf(seen, 'x-internal-token'), undefined);
    assert.equal(headerOf(seen, 'x-original-path'), '/path');
    assert.equal(headerOf(seen, 'x-seen-by'), 'nuncio');
    assert.equal(headerOf(seen, 'host'), 'service.internal');
  },
  'tcp-proxy.yaml': async ({ get }) => {
    assert.match((await get('/')).body, /^808[12]$/);
  },
  'static-site.yaml': async ({ ask }) => {
    const site = (target: string, host: string): Promise<RawMessage> =>
      ask(`GET ${target} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`);
    assert.equal(headerOf(await site('/', 'example.com'), 'content-type'), 'text/html; charset=utf-8');
    assert.equal((await site('/robots.txt', 'www.example.com')).body, 'User-agent: *\nDisallow:\n');
    assert.equal(statusOf(await site('/nothing', 'example.com')), 404);
    assert.equal(statusOf(await site('/', 'elsewhere.test')), 421);
  },
  'access-log-json.yaml': async ({ get, proxy }) => {
    assert.equal(statusOf(await get('/logged?a=1')), 200);
    await proxy.stop();
    const line = proxy
      .stderr()
      .split('\n')
      .find((text) => text.includes('/logged'));
    assert.ok(line !== undefined, proxy.stderr());
    const record = JSON.parse(line) as Record<string, unknown>;
    assert.equal(record['method'], 'GET');
    assert.equal(record['path'], '/logged?a=1');
    assert.equal(record['status'], 200);
    assert.deepEqual(record['bytes'], { received: 0, sent: 4 });
    assert.equal((record['upstream'] as Record<string, unknown>)['cluster'], 'service');
  },
  'health-check.yaml': async ({ get, proxy, origins }) => {
    assert.equal(statusOf(await get('/healthz')), 200);
    assert.equal(origins[0]?.requests().length, 0);
    assert.equal((await get('/other')).body, '8081');
    await proxy.admin('/healthcheck/fail', 'POST');
    assert.equal(statusOf(await get('/healthz')), 503);
  },
  'buffer.yaml': async ({ ask, origins }) => {
    const post = (target: string, size: number): Promise<RawMessage> =>
      ask(
        `POST ${target} HTTP/1.1\r\nhost: service.test\r\ncontent-length: ${size}\r\nconnection: close\r\n\r\n${'x'.repeat(size)}`,
      );
    assert.equal(statusOf(await post('/form', 1000)), 200);
    assert.equal(statusOf(await post('/form', 70_000)), 413);
    assert.equal(statusOf(await post('/upload/file', 70_000)), 200);
    assert.deepEqual(
      origins[0]?.requests().map((request) => request.body.length),
      [1000, 70_000],
    );
  },
  'grpc-json.yaml': async ({ ask, get, origins }) => {
    const text = (field: number, value: string): string => `${String.fromCharCode(field * 8 + 2, value.length)}${value}`;
    const failed = answer({ grpc: [], grpc_status: 5, grpc_message: 'nobody%20there' });
    origins[0]?.use({ replies: [answer({ grpc: [text(1, 'Hello')] }), answer({ grpc: [text(1, 'Hi')] }), answer({ grpc: ['\b\x02', '\b\x01', ''] }), failed] });
    const hello = await get('/hello/World?title=Dr.');
    assert.deepEqual([statusOf(hello), headerOf(hello, 'content-type'), hello.body], [200, 'application/json', '{"message":"Hello"}']);
    const posted = await ask('POST /hello HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 17\r\n\r\n{"name": "World"}');
    assert.equal(posted.body, '{"message":"Hi"}');
    assert.equal((await get('/countdown/3')).body, '[{"left":2},{"left":1},{}]');
    const none = await get('/hello/None');
    assert.deepEqual([statusOf(none), none.body], [404, '{"code":5,"message":"nobody there"}']);
    const elsewhere = await get('/elsewhere');
    assert.deepEqual([statusOf(elsewhere), elsewhere.body], [404, 'Could not resolve /elsewhere to a method.']);
    assert.equal(statusOf(await get('/countdown/many')), 400);
  },
  'grpc.yaml': async ({ ask, get, origins, proxy }) => {
    const call = (type: string, body: string, ...more: string[]): Promise<RawMessage> => {
      const lines = ['host: a', 'connection: close', `content-type: ${type}`, `content-length: ${body.length}`, ...more];
      return ask(`POST /helloworld.Greeter/SayHello HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${body}`);
    };
    const good = answer({ grpc: ['hi'] });
    origins[0]?.use({ replies: [good, good, answer({ grpc: [], grpc_status: 5 })] });
    const web = await call('application/grpc-web+proto', '\0\0\0\0\x01a');
    assert.equal(web.body, '\0\0\0\0\x02hi\x80\0\0\0\x0fgrpc-status:0\r\n');
    const connect = await call('application/proto', 'a', 'connect-protocol-version: 1');
    assert.deepEqual([statusOf(connect), connect.body], [200, 'hi']);
    const bridged = await call('application/grpc', '\0\0\0\0\x01a');
    assert.deepEqual([statusOf(bridged), headerOf(bridged, 'grpc-status')], [503, '5']);
    assert.equal(headerOf(await get('/elsewhere/x', 'content-type: application/grpc'), 'grpc-status'), '12');
    const stats = (await proxy.admin('/stats?filter=grpc.helloworld')).body;
    assert.match(stats, /cluster\.greeter\.grpc\.helloworld\.Greeter\.SayHello\.failure: 1/);
    assert.match(stats, /cluster\.greeter\.grpc\.helloworld\.Greeter\.SayHello\.success: 2/);
  },
};

/** Puts free ports in place of the example's own, so that tests can run side by side. */
function withPorts(text: string, ports: ReadonlyMap<number, number>): string {
  return text.replaceAll(/port_value: (\d+)/g, (_, port: string) => `port_value: ${ports.get(Number(port)) ?? port}`);
}

async function askOnce(port: number, request: string): Promise<RawMessage> {
  const client = await RawClient.connect({ port });
  try {
    client.send(request);
    const [response] = await client.readResponses(1);
    assert.ok(response, `no response to ${request.slice(0, 60)}`);
    return response;
  } finally {
    await client.close();
  }
}

async function play(kind: ProxyKind, name: string, scenario: (stage: Stage) => Promise<void>): Promise<void> {
  await withCleanup(async (defer) => {
    const origins: ScriptedOrigin[] = [];
    for (const port of [8081, 8082, 8083]) {
      const origin = await ScriptedOrigin.start({ replies: [answer({ body: String(port) })] });
      defer(() => origin.stop());
      origins.push(origin);
    }
    const [port = 0, adminPort = 0, embedded = 0] = await freePorts(3);
    const ports = new Map([
      [10000, port],
      [9901, adminPort],
      [10001, embedded],
    ]);
    origins.forEach((origin, index) => ports.set(8081 + index, origin.port));
    const config = withPorts(readFileSync(path.join(folder, name), 'utf8'), ports);
    const proxy = await ProxyProcess.start({ kind, config, adminPort });
    defer(() => proxy.stop());
    const ask = (request: string): Promise<RawMessage> => askOnce(port, request);
    const get = (target: string, ...headers: string[]): Promise<RawMessage> => {
      const lines = ['host: service.test', 'connection: close', ...headers].map((line) => `${line}\r\n`);
      return ask(`GET ${target} HTTP/1.1\r\n${lines.join('')}\r\n`);
    };
    await scenario({ proxy, origins, ask, get });
  });
}

it('every example has a scenario', () => {
  assert.deepEqual(Object.keys(SCENARIOS).sort(), [...names].sort());
});

for (const kind of ['nuncio', 'envoy'] as const) {
  const found = findProxy(kind);
  describe(`examples in ${kind}`, { skip: found.path === null ? found.reason : false }, () => {
    for (const name of names) {
      it(`${name} is valid`, async () => {
        const { stdout, stderr } = await run(found.path ?? '', ['--mode', 'validate', '-c', path.join(folder, name)]);
        assert.match(stdout + stderr, /configuration '.*' OK/);
      });
      const scenario = SCENARIOS[name];
      if (scenario !== undefined) it(`${name} does what it says`, () => play(kind, name, scenario));
    }
  });
}
