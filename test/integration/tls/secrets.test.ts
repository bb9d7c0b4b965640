/**
 * Static secrets, and what admin tells of certificates. The expected texts were settled with Envoy 1.40; with `NUNCIO_MUSEUM_PROXY=envoy` the same cases run
 * against it.
 */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import * as https from 'node:https';
import { after, before, describe, it } from 'node:test';
import { startProxy } from '../../../src/index.ts';
import { authority } from '../../harness/certificates.ts';
import type { Authority, Identity } from '../../harness/certificates.ts';
import { answer, leakCheck } from '../../harness/index.ts';
import { configOf, Stand } from '../../museum/stand.ts';
import type { StandOptions } from '../../museum/stand.ts';

after(leakCheck());

const TLS = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3';
const DAY = 86_400_000;

let root: Authority;
let other: Authority;
let server: Identity;
let client: Identity;
let stranger: Identity;

before(async () => {
  root = await authority('CN=root');
  other = await authority('CN=other root');
  server = await root.issue({ subject: 'CN=server', names: [{ type: 'dns', value: 'localhost' }, { type: 'url', value: 'spiffe://srv/1' }, { type: 'ip', value: '127.0.0.1' }], notAfter: new Date(Date.now() + 10.5 * DAY) });
  client = await root.issue({ subject: 'CN=client', names: [{ type: 'dns', value: 'client.example.com' }] });
  stranger = await other.issue({ subject: 'CN=client', names: [{ type: 'dns', value: 'client.example.com' }] });
});

const inline = (text: string): object => ({ inline_string: text });
const certificate = (identity: Identity): object => ({ certificate_chain: inline(identity.certificate), private_key: inline(identity.key) });

function downstream(common: object, more: object = {}): object {
  return { name: 'envoy.transport_sockets.tls', typed_config: { '@type': `${TLS}.DownstreamTlsContext`, common_tls_context: common, ...more } };
}

function secrets(): object[] {
  return [
    { name: 'site', tls_certificate: certificate(server) },
    { name: 'clients', validation_context: { trusted_ca: inline(root.certificate) } },
    { name: 'keys', session_ticket_keys: { keys: [{ inline_bytes: Buffer.alloc(80, 7).toString('base64') }] } },
  ];
}

const bySecret = { tls_certificate_sds_secret_configs: [{ name: 'site' }], validation_context_sds_secret_config: { name: 'clients' } };
const combined = {
  default_validation_context: { match_typed_subject_alt_names: [{ san_type: 'DNS', matcher: { exact: 'client.example.com' } }] },
  validation_context_sds_secret_config: { name: 'clients' },
};

/** `static_resources.secrets` beside what a stand has. */
function site(transportSocket: object): StandOptions {
  return { transportSocket, origin: { replies: [answer({ body: 'ok' })] }, secrets: secrets() };
}

/** The status, or `refused` when the connection ends without one. */
function get(port: number, identity: Identity | null): Promise<number | string> {
  return new Promise((resolve) => {
    const own = identity === null ? {} : { cert: identity.certificate, key: identity.key };
    const request = https.request({ port, host: '127.0.0.1', rejectUnauthorized: false, agent: false, ...own }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
    });
    request.on('error', () => resolve('refused'));
    request.end();
  });
}

describe('static secrets', () => {
  it('give certificate, validation context and ticket keys', () =>
    Stand.with(site(downstream(bySecret, { session_ticket_keys_sds_secret_config: { name: 'keys' } })), async (stand) => {
      assert.equal(await get(stand.port, client), 200);
      assert.equal(await get(stand.port, null), 200);
      assert.equal(await get(stand.port, stranger), 'refused');
    }));

  it('are merged into the default of a combined context', () => {
    const { validation_context_sds_secret_config: _, ...rest } = bySecret;
    return Stand.with(site(downstream({ ...rest, combined_validation_context: combined })), async (stand) => {
      assert.equal(await get(stand.port, client), 200);
      assert.equal(await get(stand.port, server), 'refused');
      assert.equal(await get(stand.port, stranger), 'refused');
      assert.equal(await get(stand.port, null), 'refused');
    });
  });

  it('show in /certs, gauges and /config_dump', () =>
    Stand.with(site(downstream(bySecret)), async (stand) => {
      const expiry = Date.parse(new X509Certificate(server.certificate).validTo);
      const iso = (text: string): string => `${new Date(Date.parse(text)).toISOString().slice(0, 19)}Z`;
      const entry = (pem: string, days: string, names: object[]): object => {
        const parsed = new X509Certificate(pem);
        return {
          path: '<inline>', serial_number: parsed.serialNumber.toLowerCase(), subject_alt_names: names, days_until_expiration: days,
          valid_from: iso(parsed.validFrom), expiration_time: iso(parsed.validTo),
        };
      };
      assert.deepEqual(JSON.parse((await stand.admin('/certs')).body), {
        certificates: [{ ca_cert: [entry(root.certificate, '29', [])], cert_chain: [entry(server.certificate, '10', [{ dns: 'localhost' }, { uri: 'spiffe://srv/1' }, { ip_address: '127.0.0.1' }])] }],
      });
      await stand.statBecomes('server.days_until_first_cert_expiring', 10);
      const gauges = (await stand.admin('/stats?filter=expiration_unix_time_seconds')).body;
      assert.deepEqual(
        gauges.trim().split('\n').map((line) => line.replace(/^listener\.127\.0\.0\.1_\d+\./, '')),
        [`ssl.certificate.clients.expiration_unix_time_seconds: ${Math.floor(Date.parse(new X509Certificate(root.certificate).validTo) / 1_000)}`, `ssl.certificate.site.expiration_unix_time_seconds: ${expiry / 1_000}`],
      );
      const dump = JSON.parse((await stand.admin('/config_dump?resource=static_secrets')).body) as { configs: { name: string; secret: { tls_certificate?: { private_key: unknown } } }[] };
      assert.deepEqual(dump.configs.map((each) => each.name), ['site', 'clients', 'keys']);
      assert.deepEqual(dump.configs[0]?.secret.tls_certificate?.private_key, { inline_string: '[redacted]' });
    }));

  it('unnamed certificates have names of their own', () =>
    Stand.with(site(downstream({ tls_certificates: [certificate(server)], validation_context: { trusted_ca: inline(root.certificate) } })), async (stand) => {
      const names = (await stand.admin('/stats?filter=expiration_unix_time_seconds')).body.match(/unnamed\w+/g);
      assert.deepEqual(names, ['unnamed_ca_cert_e3b0c442', 'unnamed_cert_e3b0c442']);
    }));

  for (const [what, socket, message] of [
    ['certificate', downstream({ tls_certificate_sds_secret_configs: [{ name: 'nope' }] }), /Unknown static secret: nope/],
    ['certificate of another kind', downstream({ tls_certificate_sds_secret_configs: [{ name: 'clients' }] }), /Unknown static secret: clients/],
    ['validation context', downstream({ ...bySecret, validation_context_sds_secret_config: { name: 'nope' } }), /Unknown static certificate validation context: nope/],
    ['ticket keys', downstream(bySecret, { session_ticket_keys_sds_secret_config: { name: 'nope' } }), /Unknown tls session ticket keys: nope/],
    ['both kinds of certificates', downstream({ ...bySecret, tls_certificates: [{ certificate_chain: inline('x'), private_key: inline('x') }] }), /SDS and non-SDS TLS certificates may not be mixed in server contexts/],
  ] as const) {
    it(`refused: ${what}`, async () => {
      const config = configOf({ ...site(socket) }, { admin: 0, listener: 0, origin: 1 }, '/dev/null');
      await assert.rejects(startProxy({ config, logLevel: 'off' }), message);
    });
  }

  it('reach worker threads', async () => {
    const config = configOf({ ...site(downstream(bySecret)), routes: [{ match: { prefix: '/' }, direct_response: { status: 200 } }] }, { admin: 0, listener: 0, origin: 1 }, '/dev/null');
    const proxy = await startProxy({ config, inline: false, logLevel: 'off' });
    try {
      assert.equal(await get(proxy.addresses['in']?.[0]?.port ?? 0, client), 200);
    } finally {
      await proxy.stop();
    }
  });
});
