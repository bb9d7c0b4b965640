/**
 * What logs and `x-forwarded-client-cert` tell of TLS connections and certificates. The expected texts follow from the certificates alone; with
 * `NUNCIO_MUSEUM_PROXY=envoy` the same cases run against Envoy 1.40.
 */
import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import * as https from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { authority } from '../../harness/certificates.ts';
import type { Authority, Identity } from '../../harness/certificates.ts';
import { leakCheck } from '../../harness/index.ts';
import { isEnvoy, Stand } from '../../museum/stand.ts';

after(leakCheck());

const TLS = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3';
const SUBJECT = 'CN=client\\+x,OU=\\C3\\A9,O=Ex\\, Ample \\"q\\",C=DE';

let root: Authority;
let middle: Authority;
let server: Identity;
let client: Identity;
let bare: Identity;

before(async () => {
  root = await authority('O=Root Org, CN=test root');
  middle = await root.intermediate('CN=middle');
  server = await root.issue({ subject: 'CN=server', names: [{ type: 'url', value: 'spiffe://srv/1' }, { type: 'url', value: 'spiffe://srv/2' }, { type: 'dns', value: 'localhost' }, { type: 'ip', value: '127.0.0.1' }, { type: 'email', value: 's@s.s' }] });
  client = await middle.issue({
    subject: 'C=DE, O="Ex, Ample \\"q\\"", OU=é, CN=client\\+x',
    names: [
      { type: 'url', value: 'spiffe://x/y' }, { type: 'url', value: 'http://a/b?c=d,e' }, { type: 'dns', value: 'c.example.com' }, { type: 'dns', value: 'd.example.com' },
      { type: 'ip', value: '10.0.0.1' }, { type: 'ip', value: '2001:db8::1' }, { type: 'email', value: 'me@x.y' }, { type: 'upn', value: 'other@x' },
    ],
  });
  bare = await root.issue({ subject: 'CN=bare', names: [] });
});

function inline(text: string): object {
  return { inline_string: text };
}

function context(type: string, identity: Identity, version: string, more: object = {}): object {
  return {
    name: 'envoy.transport_sockets.tls',
    typed_config: {
      '@type': `${TLS}.${type}`,
      common_tls_context: {
        tls_params: { tls_minimum_protocol_version: version, tls_maximum_protocol_version: version },
        tls_certificates: [{ certificate_chain: inline(identity.certificate), private_key: inline(identity.key) }],
        validation_context: { trusted_ca: inline(root.certificate) },
      },
      ...more,
    },
  };
}

interface Setup {
  readonly version?: string;
  readonly mode?: string;
  readonly details?: object;
  readonly log?: Record<string, string>;
}

interface Site {
  readonly stand: Stand;
  /** `x-forwarded-client-cert` at the origin, one a request. */
  readonly seen: (string | undefined)[];
  readonly get: (identity: Identity | null, headers?: Record<string, string>) => Promise<void>;
}

async function withSite(setup: Setup, body: (site: Site) => Promise<void>): Promise<void> {
  const version = setup.version ?? 'TLSv1_3';
  const seen: (string | undefined)[] = [];
  const origin = https.createServer({ cert: server.certificate, key: server.key, requestCert: true, rejectUnauthorized: false }, (request, response) => {
    seen.push(request.headers['x-forwarded-client-cert']?.toString());
    response.end('hi');
  });
  await new Promise<void>((resolve) => origin.listen(0, '127.0.0.1', resolve));
  const { port } = origin.address() as AddressInfo;
  const endpoints = [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: port } } } }] }];
  const stand = await Stand.start({
    manager: { forward_client_cert_details: setup.mode ?? 'SANITIZE', ...(setup.details === undefined ? {} : { set_current_client_cert_details: setup.details }) },
    ...(setup.log === undefined ? {} : { log: setup.log }),
    origin: { replies: [] },
    cluster: { load_assignment: { cluster_name: 'origin', endpoints }, transport_socket: context('UpstreamTlsContext', client, version, { sni: 'localhost' }) },
    transportSocket: context('DownstreamTlsContext', server, version),
  });
  const get = (identity: Identity | null, headers: Record<string, string> = {}): Promise<void> =>
    new Promise((resolve, reject) => {
      const certificate = identity === null ? {} : { cert: identity.certificate, key: identity.key };
      const request = https.request({ port: stand.port, host: '127.0.0.1', rejectUnauthorized: false, agent: false, headers, ...certificate }, (response) => {
        response.resume();
        response.on('end', () => resolve());
        assert.equal(response.statusCode, 200);
      });
      request.on('error', reject);
      request.end();
    });
  try {
    await body({ stand, seen, get });
  } finally {
    await stand.stop();
    origin.closeAllConnections();
    await new Promise((resolve) => origin.close(resolve));
  }
}

function logOf(...names: string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, `%${name}%`]));
}

function hash(algorithm: string, pem: string): string {
  return createHash(algorithm).update(new X509Certificate(pem).raw).digest('hex');
}

function line(text: string | undefined): Record<string, unknown> {
  return JSON.parse(text ?? '{}') as Record<string, unknown>;
}

/** The one certificate, without those above it. */
function leafPem(identity: Identity): string {
  return new X509Certificate(identity.certificate).toString();
}

describe('access log commands of TLS', () => {
  it('tell both sides of both connections', () => {
    const both = ['TLS_VERSION', 'TLS_CIPHER', 'TLS_SESSION_ID', 'PEER_URI_SAN', 'PEER_DNS_SAN', 'PEER_IP_SAN', 'LOCAL_URI_SAN', 'LOCAL_DNS_SAN', 'LOCAL_IP_SAN', 'PEER_SUBJECT', 'PEER_ISSUER', 'PEER_CERT', 'PEER_CERT_V_START', 'PEER_CERT_V_END'];
    const one = [
      'PEER_EMAIL_SAN', 'PEER_OTHERNAME_SAN', 'LOCAL_EMAIL_SAN', 'LOCAL_OTHERNAME_SAN', 'LOCAL_SUBJECT', 'PEER_FINGERPRINT_256', 'PEER_FINGERPRINT_1', 'PEER_SERIAL',
      'PEER_CHAIN_FINGERPRINTS_256', 'PEER_CHAIN_FINGERPRINTS_1', 'PEER_CHAIN_SERIALS', 'PEER_ISSUER_FINGERPRINT_256', 'PEER_ISSUER_SERIAL', 'TRANSPORT_FAILURE_REASON',
    ];
    const names = [...both.flatMap((each) => [`DOWNSTREAM_${each}`, `UPSTREAM_${each}`]), ...one.map((each) => `DOWNSTREAM_${each}`), 'UPSTREAM_SERVER_NAME', 'UPSTREAM_TLS_GROUP'];
    return withSite({ log: { ...logOf(...names), seconds: '%DOWNSTREAM_PEER_CERT_V_START(%s)%' } }, async ({ stand, get }) => {
      await get(client);
      await get(null);
      const [first, second] = await stand.logLines(2);
      const leaf = new X509Certificate(client.certificate);
      const above = new X509Certificate(middle.certificate);
      const time = (text: string): string => new Date(Date.parse(text)).toISOString();
      const serial = leaf.serialNumber.toLowerCase();
      const sent = {
        URI_SAN: 'spiffe://x/y,http://a/b?c=d,e', DNS_SAN: 'c.example.com,d.example.com', IP_SAN: '10.0.0.1,2001:db8::1',
      };
      const own = { URI_SAN: 'spiffe://srv/1,spiffe://srv/2', DNS_SAN: 'localhost', IP_SAN: '127.0.0.1' };
      const prefixed = (prefix: string, values: Record<string, unknown>): Record<string, unknown> => Object.fromEntries(Object.entries(values).map(([key, value]) => [prefix + key, value]));
      const serverLeaf = new X509Certificate(server.certificate);
      // The one difference: of the suites of TLS 1.3 Envoy takes the client's first, nuncio its own.
      const common = {
        DOWNSTREAM_TLS_VERSION: 'TLSv1.3', DOWNSTREAM_TLS_CIPHER: isEnvoy ? 'TLS_AES_256_GCM_SHA384' : 'TLS_AES_128_GCM_SHA256', DOWNSTREAM_TLS_SESSION_ID: null, DOWNSTREAM_TRANSPORT_FAILURE_REASON: null,
        DOWNSTREAM_LOCAL_EMAIL_SAN: 's@s.s', DOWNSTREAM_LOCAL_OTHERNAME_SAN: null, DOWNSTREAM_LOCAL_SUBJECT: 'CN=server',
        UPSTREAM_TLS_VERSION: 'TLSv1.3', UPSTREAM_TLS_CIPHER: 'TLS_AES_256_GCM_SHA384', UPSTREAM_TLS_SESSION_ID: null, UPSTREAM_TLS_GROUP: 'X25519MLKEM768', UPSTREAM_SERVER_NAME: 'localhost',
        UPSTREAM_PEER_SUBJECT: 'CN=server', UPSTREAM_PEER_ISSUER: 'CN=test root,O=Root Org', UPSTREAM_PEER_CERT: encodeURIComponent(leafPem(server)),
        UPSTREAM_PEER_CERT_V_START: time(serverLeaf.validFrom), UPSTREAM_PEER_CERT_V_END: time(serverLeaf.validTo),
        ...prefixed('UPSTREAM_PEER_', own), ...prefixed('UPSTREAM_LOCAL_', sent), ...prefixed('DOWNSTREAM_LOCAL_', own),
      };
      const peer = {
        SUBJECT: SUBJECT, ISSUER: 'CN=middle', CERT: encodeURIComponent(leafPem(client)), CERT_V_START: time(leaf.validFrom), CERT_V_END: time(leaf.validTo),
        ...sent, EMAIL_SAN: 'me@x.y', OTHERNAME_SAN: 'other@x', SERIAL: serial,
        FINGERPRINT_256: hash('sha256', client.certificate), FINGERPRINT_1: hash('sha1', client.certificate),
        CHAIN_FINGERPRINTS_256: `${hash('sha256', client.certificate)},${hash('sha256', middle.certificate)}`,
        CHAIN_FINGERPRINTS_1: `${hash('sha1', client.certificate)},${hash('sha1', middle.certificate)}`,
        CHAIN_SERIALS: `${serial},${above.serialNumber.toLowerCase()}`,
        ISSUER_FINGERPRINT_256: hash('sha256', middle.certificate), ISSUER_SERIAL: above.serialNumber.toLowerCase(),
      };
      assert.deepEqual(line(first), { ...common, ...prefixed('DOWNSTREAM_PEER_', peer), seconds: String(Date.parse(leaf.validFrom) / 1_000) });
      const nothing = Object.fromEntries(Object.keys(peer).map((key) => [key, null]));
      assert.deepEqual(line(second), { ...common, ...prefixed('DOWNSTREAM_PEER_', nothing), seconds: null });
    });
  });

  it('tell versions and sessions of TLS 1.2', () =>
    withSite({ version: 'TLSv1_2', log: logOf('DOWNSTREAM_TLS_VERSION', 'DOWNSTREAM_TLS_CIPHER', 'UPSTREAM_TLS_CIPHER', 'UPSTREAM_TLS_SESSION_ID') }, async ({ stand, get }) => {
      await get(null);
      const [first] = await stand.logLines(1);
      const { UPSTREAM_TLS_SESSION_ID: id, ...rest } = line(first);
      assert.deepEqual(rest, { DOWNSTREAM_TLS_VERSION: 'TLSv1.2', DOWNSTREAM_TLS_CIPHER: 'ECDHE-ECDSA-AES128-GCM-SHA256', UPSTREAM_TLS_CIPHER: 'ECDHE-ECDSA-AES128-GCM-SHA256' });
      assert.match(String(id), /^[0-9a-f]{64}$/);
    }));

  it('tell the time of handshakes', () => {
    const log = {
      down: '%COMMON_DURATION(DS_HS_BEG:DS_HS_END:us)%', before: '%COMMON_DURATION(DS_HS_END:DS_RX_BEG:us)%', up: '%COMMON_DURATION(US_CX_END:US_HS_END:us)%',
      connect: '%COMMON_DURATION(US_CX_BEG:US_CX_END:us)%', whole: '%COMMON_DURATION(US_CX_BEG:US_HS_END:us)%', since: '%DOWNSTREAM_HANDSHAKE_DURATION%',
    };
    return withSite({ log }, async ({ stand, get }) => {
      await get(null);
      const values = line((await stand.logLines(1))[0]);
      const { down, before: idle, up, connect, whole, since } = values as Record<string, number>;
      assert.ok(down > 0 && idle >= 0 && up > 0 && connect >= 0, JSON.stringify(values));
      assert.ok(Math.abs(connect + up - whole) <= 2, JSON.stringify(values));
      assert.ok(since <= 0, JSON.stringify(values));
    });
  });
});

describe('x-forwarded-client-cert', () => {
  const old = { 'x-forwarded-client-cert': 'By=old;Hash=1' };
  const everything = { subject: true, cert: true, chain: true, dns: true, uri: true, issuer: true };
  const by = 'By=spiffe://srv/1;By=spiffe://srv/2';
  const digest = (): string => `Hash=${hash('sha256', client.certificate)}`;
  const cases: readonly { mode: string; details?: object; identity: () => Identity | null; headers?: Record<string, string>; expected: () => string | undefined }[] = [
    { mode: 'SANITIZE', identity: () => client, expected: () => undefined },
    { mode: 'FORWARD_ONLY', identity: () => client, expected: () => 'By=old;Hash=1' },
    { mode: 'FORWARD_ONLY', identity: () => null, expected: () => undefined },
    { mode: 'ALWAYS_FORWARD_ONLY', identity: () => null, expected: () => 'By=old;Hash=1' },
    { mode: 'APPEND_FORWARD', identity: () => null, expected: () => undefined },
    { mode: 'APPEND_FORWARD', identity: () => client, expected: () => `By=old;Hash=1,${by};${digest()}` },
    { mode: 'APPEND_FORWARD', identity: () => client, headers: {}, expected: () => `${by};${digest()}` },
    { mode: 'SANITIZE_SET', identity: () => client, expected: () => `${by};${digest()}` },
    {
      mode: 'SANITIZE_SET', details: everything, identity: () => client,
      expected: () => `${by};${digest()};Cert="${encodeURIComponent(leafPem(client))}";Chain="${encodeURIComponent(leafPem(client) + leafPem(middle))}";Subject="${SUBJECT}";` +
        'URI=spiffe://x/y;URI=http://a/b?c=d,e;DNS=c.example.com;DNS=d.example.com;Issuer="CN=middle"',
    },
    { mode: 'SANITIZE_SET', details: { subject: true, uri: true, dns: true }, identity: () => bare, expected: () => `${by};Hash=${hash('sha256', bare.certificate)};Subject="CN=bare";URI=` },
    {
      mode: 'SANITIZE_SET', details: { ...everything, format: 'JSON' }, identity: () => client,
      expected: () => JSON.stringify([{
        by: ['spiffe://srv/1', 'spiffe://srv/2'], hash: hash('sha256', client.certificate), cert: leafPem(client), chain: [leafPem(client), leafPem(middle)], subject: SUBJECT,
        uri: ['spiffe://x/y', 'http://a/b?c=d,e'], dns: ['c.example.com', 'd.example.com'], issuer: 'CN=middle',
      }]),
    },
    {
      mode: 'APPEND_FORWARD', details: { uri: true, format: 'JSON' }, identity: () => bare, headers: { 'x-forwarded-client-cert': '[{"hash":"a"}]' },
      expected: () => `[{"hash":"a"},{"by":["spiffe://srv/1","spiffe://srv/2"],"hash":"${hash('sha256', bare.certificate)}"}]`,
    },
    { mode: 'APPEND_FORWARD', details: { format: 'JSON' }, identity: () => bare, expected: () => `By=old;Hash=1,${by};Hash=${hash('sha256', bare.certificate)}` },
  ];
  for (const [i, each] of cases.entries()) {
    it(`${each.mode} ${JSON.stringify(each.details ?? {})} (${i})`, () =>
      withSite({ mode: each.mode, ...(each.details === undefined ? {} : { details: each.details }) }, async ({ seen, get }) => {
        await get(each.identity(), each.headers ?? old);
        assert.deepEqual(seen, [each.expected()]);
      }));
  }
});

