/**
 * Session tickets, key logs and PKCS#12. The expectations were settled with Envoy 1.40, where `NUNCIO_MUSEUM_PROXY=envoy` runs the same cases; those about
 * worker threads are nuncio's own.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import * as tls from 'node:tls';
import { startProxy } from '../../../src/index.ts';
import { authority } from '../../harness/certificates.ts';
import type { Authority, Identity } from '../../harness/certificates.ts';
import { answer, leakCheck, until } from '../../harness/index.ts';
import { configOf, isEnvoy, Stand } from '../../museum/stand.ts';
import type { StandOptions } from '../../museum/stand.ts';

after(leakCheck());

const TLS = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3';

let root: Authority;
let otherRoot: Authority;
let server: Identity;
let client: Identity;
let folder: string;

before(async () => {
  root = await authority('CN=root');
  otherRoot = await authority('CN=other root');
  server = await root.issue({ subject: 'CN=server' });
  client = await root.issue({ subject: 'CN=client' });
  folder = mkdtempSync(path.join(os.tmpdir(), 'tls-sessions-'));
});
after(() => rmSync(folder, { recursive: true }));

const inline = (text: string): object => ({ inline_string: text });
const certificate = (identity: Identity): object => ({ certificate_chain: inline(identity.certificate), private_key: inline(identity.key) });
const KEYS = { session_ticket_keys: { keys: [{ inline_bytes: Buffer.alloc(80, 7).toString('base64') }] } };

function downstream(common: object, more: object = {}): object {
  return { name: 'envoy.transport_sockets.tls', typed_config: { '@type': `${TLS}.DownstreamTlsContext`, common_tls_context: common, ...more } };
}

function site(transportSocket: object, more: Partial<StandOptions> = {}): StandOptions {
  return { transportSocket, origin: { replies: [answer({ body: 'ok' })] }, ...more };
}

interface Visit {
  readonly status: string;
  readonly reused: boolean;
  readonly session: Buffer | undefined;
}

/** One request on a connection of its own, after which the ticket is there. */
function visit(port: number, session?: Buffer, identity?: Identity): Promise<Visit> {
  return new Promise((resolve) => {
    let text = '';
    let newest: Buffer | undefined;
    let reused = false;
    const own = identity === undefined ? {} : { cert: identity.certificate, key: identity.key };
    const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...(session === undefined ? {} : { session }), ...own }, () => {
      reused = socket.isSessionReused();
      socket.write('GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n');
    });
    socket.on('session', (each: Buffer) => (newest = each));
    socket.on('data', (data: Buffer) => (text += data.toString('latin1')));
    socket.on('error', () => {});
    socket.on('close', () => resolve({ status: text.slice(9, 12), reused, session: newest }));
  });
}

describe('sessions', () => {
  it('are resumed with configured keys, also by another proxy', async () => {
    const options = site(downstream({ tls_certificates: [certificate(server)] }, KEYS));
    await Stand.with(options, (first) =>
      Stand.with(options, async (second) => {
        const full = await visit(first.port);
        assert.deepEqual([full.status, full.reused], ['200', false]);
        const resumed = await visit(second.port, full.session);
        assert.deepEqual([resumed.status, resumed.reused], ['200', true]);
        // A resumed TLS 1.3 session brings a ticket for the next with Envoy; Node has its own ticket callback, which makes none.
        assert.equal(resumed.session !== undefined, isEnvoy);
      }));
  });

  it('of one way to judge clients are none at another, though the keys are the same', () => {
    const lax = site(downstream({ tls_certificates: [certificate(server)], validation_context: { trusted_ca: inline(root.certificate) } }, KEYS));
    const strict = site(downstream({ tls_certificates: [certificate(server)], validation_context: { trusted_ca: inline(otherRoot.certificate) } }, { ...KEYS, require_client_certificate: true }));
    return Stand.with(lax, (first) =>
      Stand.with(strict, async (second) => {
        const full = await visit(first.port, undefined, client);
        assert.equal(full.status, '200');
        assert.equal((await visit(first.port, full.session, client)).reused, true);
        const crossed = await visit(second.port, full.session, client);
        assert.deepEqual([crossed.status, crossed.reused], ['', false]);
      }));
  });

  it('are resumed on every worker thread without configured keys', async () => {
    const config = configOf({ ...site(downstream({ tls_certificates: [certificate(server)] })), routes: [{ match: { prefix: '/' }, direct_response: { status: 200 } }] }, { admin: 0, listener: 0, origin: 1 }, '/dev/null');
    const proxy = await startProxy({ config, inline: false, concurrency: 2, logLevel: 'off' });
    try {
      const port = proxy.addresses['in']?.[0]?.port ?? 0;
      const { session } = await visit(port);
      // The kernel deals connections out by a hash of the ports: of sixteen some go to each worker.
      const visits = await Promise.all(Array.from({ length: 16 }, () => visit(port, session)));
      assert.deepEqual(visits.map((each) => each.reused), visits.map(() => true));
    } finally {
      await proxy.stop();
    }
  });
});

describe('key_log', () => {
  const lines = (file: string): string[] => {
    try {
      return readFileSync(file, 'latin1').split('\n').slice(0, -1);
    } catch {
      return [];
    }
  };

  it('has the secrets of connections between its addresses', () => {
    const file = path.join(folder, 'keys');
    const keyLog = { path: file, local_address_range: [{ address_prefix: '127.0.0.0', prefix_len: 8 }], remote_address_range: [{ address_prefix: '127.0.0.1', prefix_len: 32 }] };
    return Stand.with(site(downstream({ tls_certificates: [certificate(server)], key_log: keyLog })), async (stand) => {
      const client = await visit(stand.port);
      assert.equal(client.status, '200');
      const found = await until('the key log', () => (lines(file).length >= 4 ? lines(file) : undefined));
      for (const each of found) assert.match(each, /^[A-Z0-9_]+ [0-9a-f]{64} [0-9a-f]{64,}$/);
      for (const label of ['CLIENT_HANDSHAKE_TRAFFIC_SECRET', 'SERVER_HANDSHAKE_TRAFFIC_SECRET', 'CLIENT_TRAFFIC_SECRET_0', 'SERVER_TRAFFIC_SECRET_0']) {
        assert.equal(found.filter((each) => each.startsWith(`${label} `)).length, 1, label);
      }
    });
  });

  it('has nothing of others', () => {
    const file = path.join(folder, 'no-keys');
    const witness = path.join(folder, 'witness');
    const socket = downstream({ tls_certificates: [certificate(server)], key_log: { path: file, remote_address_range: [{ address_prefix: '10.0.0.0', prefix_len: 8 }] } });
    const second = downstream({ tls_certificates: [certificate(server)], key_log: { path: witness } });
    return Stand.with(site(socket), (stand) =>
      Stand.with(site(second), async (other) => {
        assert.equal((await visit(stand.port)).status, '200');
        assert.equal((await visit(other.port)).status, '200');
        await until('the other key log', () => (lines(witness).length >= 4 ? true : undefined));
        assert.deepEqual(lines(file), []);
      }));
  });
});

describe('pkcs12', () => {
  const bundle = (): string => {
    const file = (name: string, text: string): string => {
      writeFileSync(path.join(folder, name), text);
      return path.join(folder, name);
    };
    const made = path.join(folder, 'site.p12');
    execFileSync('openssl', ['pkcs12', '-export', '-in', file('site.pem', server.certificate), '-inkey', file('site.key', server.key), '-passout', 'pass:pw', '-out', made], { stdio: 'ignore' });
    return made;
  };

  it('stands for certificate and key', () => {
    const file = bundle();
    return Stand.with(site(downstream({ tls_certificates: [{ pkcs12: { filename: file }, password: inline('pw') }] })), async (stand) => {
      assert.equal((await visit(stand.port)).status, '200');
      const certs = JSON.parse((await stand.admin('/certs')).body) as { certificates: { cert_chain: { path: string }[] }[] };
      assert.equal(certs.certificates[0]?.cert_chain[0]?.path, file);
    });
  });

  it('is refused with a wrong password, and beside other forms', async () => {
    const file = bundle();
    const start = (tlsCertificate: object): Promise<unknown> =>
      startProxy({ config: configOf(site(downstream({ tls_certificates: [tlsCertificate] })), { admin: 0, listener: 0, origin: 1 }, '/dev/null'), logLevel: 'off' });
    await assert.rejects(start({ pkcs12: { filename: file }, password: inline('wrong') }), new RegExp(`Failed to load pkcs12 from ${file}`));
    await assert.rejects(start({ pkcs12: inline('abc'), password: inline('pw') }), /Failed to load pkcs12 from <inline>/);
    await assert.rejects(start({ pkcs12: { filename: file }, private_key: inline(server.key) }), /Certificate configuration can't have both pkcs12 and private_key/);
    await assert.rejects(start({ pkcs12: { filename: file }, certificate_chain: inline(server.certificate) }), /Certificate configuration can't have both pkcs12 and certificate_chain/);
  });
});
