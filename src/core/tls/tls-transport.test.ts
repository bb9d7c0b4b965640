import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import * as net from 'node:net';
import * as tls from 'node:tls';
import { after, before, describe, test } from 'node:test';
import { authority } from '../../../test/harness/certificates.ts';
import type { Authority, Identity } from '../../../test/harness/certificates.ts';
import type { Transport, TransportEvents } from '../../contract/transport.ts';
import type { ClientHello } from '../../codec/client-hello/client-hello.ts';
import { ThreadDispatcher } from '../dispatcher/dispatcher.ts';
import { ipAddress } from '../network/address.ts';
import { loadBindings } from '../network/io/bindings.ts';
import { HandleBackend } from '../network/io/handle-transport.ts';
import { NetBackend } from '../network/io/net-transport.ts';
import type { Acceptor, IoBackend } from '../network/io/transport.ts';
import { PROTOCOL_NONE, StreamInfo } from '../../contract/stream-info.ts';
import { TlsClientTransport } from './client-transport.ts';
import { TlsServerTransport } from './server-transport.ts';
import type { ServerTlsConfig } from './server-transport.ts';
import { tlsEngine } from './tls-engines.ts';
import type { TlsParameters, TlsState } from './tls-engine.ts';

/** Everything that one transport says, and a way to wait for it. */
class Peer implements TransportEvents {
  readonly transport: Transport;
  text = '';
  bytes = 0;
  ended = false;
  connected = false;
  failed = false;
  onBytes: ((data: Buffer) => void) | null = null;
  private waiters: (() => void)[] = [];

  constructor(transport: Transport) {
    this.transport = transport;
    transport.setEvents(this);
    transport.readStart();
  }

  onTransportConnect(): void {
    this.connected = true;
    this.wake();
  }

  onTransportData(data: Buffer): void {
    this.bytes += data.length;
    if (this.bytes < 100_000) this.text += data.toString('latin1');
    this.onBytes?.(data);
    this.wake();
  }

  onTransportEnd(): void {
    this.ended = true;
    this.wake();
  }

  onTransportError(): void {
    this.failed = true;
    this.transport.close();
    this.wake();
  }

  onTransportProgress(): void {
    this.wake();
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.waiters.push(resolve));
  }

  private wake(): void {
    const { waiters } = this;
    this.waiters = [];
    for (const each of waiters) each();
  }
}

const bindings = loadBindings();
const backends: IoBackend[] = bindings === null ? [new NetBackend()] : [new HandleBackend(bindings), new NetBackend()];

for (const io of backends) describe(`TLS over ${io.name}`, () => suite(io));

function suite(io: IoBackend): void {
  const dispatcher = new ThreadDispatcher({ name: 'test' });
  let ca: Authority;
  let leaf: Identity;
  let context: tls.SecureContext;
  const acceptors: Acceptor[] = [];

  before(async () => {
    ca = await authority();
    leaf = await ca.issue();
    context = tls.createSecureContext({ cert: leaf.certificate, key: leaf.key });
  });
  after(() => {
    for (const each of acceptors) each.close();
    dispatcher.dispose();
  });

  const serverParameters = (changes: Partial<TlsParameters> = {}): TlsParameters => ({
    isServer: true, context, ownCertificate: null, requestCertificate: false, alpn: [], serverName: '', session: null, keepSessions: false, ocspResponse: null, keyLog: false, ...changes,
  });

  interface Seen {
    hello: ClientHello | null;
    state: TlsState | null;
    failure: string;
    sessions: Buffer[];
  }

  function config(seen: Seen, parameters: (hello: ClientHello | null) => TlsParameters, refuse = ''): ServerTlsConfig {
    return {
      engine: tlsEngine(),
      parametersFor: (hello) => {
        seen.hello = hello;
        return parameters(hello);
      },
      onHandshake: (info) => {
        seen.state = info.state;
        return refuse;
      },
      onFailure: (failure) => (seen.failure = `TLS: ${failure.code} ${failure.reason}`),
      onPeerGone: () => 'gone',
      onSession: (session) => seen.sessions.push(session),
      onKeyLog: () => {},
    };
  }

  const nobody = (): Seen => ({ hello: null, state: null, failure: '', sessions: [] });

  /** A TLS server; `next` gives the transport of the next connection. */
  async function listen(of: ServerTlsConfig): Promise<{ port: number; next(): Promise<Peer> }> {
    const peers: Peer[] = [];
    const waiters: ((peer: Peer) => void)[] = [];
    const acceptor = await io.listen({
      address: ipAddress('127.0.0.1', 0), backlog: 16, reusePort: false, ipv4Compat: false, pipeMode: 0, dispatcher,
      onAccept: (raw) => {
        const streamInfo = new StreamInfo(PROTOCOL_NONE, 0, 0, raw.remoteAddress(), raw.localAddress());
        const peer = new Peer(new TlsServerTransport(raw, { dispatcher, streamInfo, peeked: Buffer.alloc(0) }, of));
        const waiter = waiters.shift();
        if (waiter === undefined) peers.push(peer);
        else waiter(peer);
      },
      onAcceptError: (errno) => assert.fail(`accept ${errno}`),
    });
    assert.ok(typeof acceptor !== 'number');
    acceptors.push(acceptor);
    return { port: acceptor.address.port, next: async () => peers.shift() ?? new Promise<Peer>((resolve) => waiters.push(resolve)) };
  }

  function connect(port: number, options: tls.ConnectionOptions = {}): Promise<tls.TLSSocket> {
    return new Promise((resolve, reject) => {
      const socket = tls.connect({ host: '127.0.0.1', port, ca: ca.certificate, servername: 'localhost', ...options }, () => resolve(socket));
      socket.on('error', reject);
    });
  }

  const read = (socket: tls.TLSSocket): Promise<string> => new Promise((resolve) => socket.once('data', (data: Buffer) => resolve(data.toString('latin1'))));

  test('bytes go both ways; the hello is seen before certificates are chosen', async () => {
    const seen = nobody();
    const server = await listen(config(seen, () => serverParameters({ alpn: ['h2'] })));
    const client = await connect(server.port, { ALPNProtocols: ['h2', 'http/1.1'] });
    const peer = await server.next();
    client.write('hello');
    await peer.until(() => peer.text === 'hello');
    assert.equal(peer.connected, true);
    const answer = read(client);
    peer.transport.writeBatch(['an', Buffer.from('swer')]);
    assert.equal(await answer, 'answer');
    assert.equal(client.alpnProtocol, 'h2');
    assert.equal(seen.hello?.serverName, 'localhost');
    assert.equal(seen.state?.protocol(), 'TLSv1.3');
    assert.equal(seen.state?.alpn(), 'h2');
    assert.equal(seen.state?.serverName(), 'localhost');
    assert.equal(seen.state?.peerChain().length, 0);
    assert.equal(seen.state?.verifyError(), '');
    client.end();
    await peer.until(() => peer.ended);
    peer.transport.close();
  });

  test('megabytes in both directions, with pauses', async () => {
    const server = await listen(config(nobody(), () => serverParameters()));
    const client = await connect(server.port);
    const peer = await server.next();
    const total = 4 * 1024 * 1024;
    let got = 0;
    const all = new Promise<void>((resolve) => client.on('data', (data: Buffer) => (got += data.length) >= total && resolve()));
    peer.onBytes = (data) => {
      peer.transport.writeBatch([data]);
      peer.transport.readStop();
      dispatcher.post(() => peer.transport.readStart());
    };
    for (let sent = 0; sent < total; sent += 65_536) client.write(Buffer.alloc(65_536, 7));
    await all;
    assert.equal(peer.bytes, total);
    client.destroy();
    await peer.until(() => peer.ended || peer.failed);
    peer.transport.close();
  });

  test('nothing is delivered while reading is off', async () => {
    const server = await listen(config(nobody(), () => serverParameters()));
    const client = await connect(server.port);
    const peer = await server.next();
    await peer.until(() => peer.connected);
    peer.transport.readStop();
    client.write('later');
    const answer = read(client);
    peer.transport.writeBatch(['still writing']);
    assert.equal(await answer, 'still writing');
    assert.equal(peer.bytes, 0);
    peer.transport.readStart();
    await peer.until(() => peer.text === 'later');
    client.destroy();
    peer.transport.close();
  });

  test('output before the end of the handshake waits for it', async () => {
    const server = await listen(config(nobody(), () => serverParameters()));
    const client = tls.connect({ host: '127.0.0.1', port: server.port, ca: ca.certificate, servername: 'localhost' });
    const answer = read(client);
    const peer = await server.next();
    assert.ok(peer.transport.writeBatch(['early']) > 0);
    assert.equal(peer.transport.pendingBytes, 5);
    assert.equal(await answer, 'early');
    client.destroy();
    peer.transport.close();
  });

  test('a client certificate and its chain are there to be judged', async () => {
    const seen = nobody();
    const middle = await ca.intermediate('CN=middle');
    const own = await middle.issue({ subject: 'CN=client' });
    const trusting = tls.createSecureContext({ cert: leaf.certificate, key: leaf.key, ca: ca.certificate });
    const server = await listen(config(seen, () => serverParameters({ requestCertificate: true, context: trusting })));
    const client = await connect(server.port, { cert: own.certificate, key: own.key });
    const peer = await server.next();
    await peer.until(() => peer.connected);
    assert.ok(subjectOf(seen).includes('CN=client'));
    assert.ok((seen.state?.peerChain().length ?? 0) >= 2);
    assert.equal(seen.state?.verifyError(), '');
    client.destroy();
    peer.transport.close();
    const stranger = await (await authority('CN=other root')).issue({ subject: 'CN=stranger' });
    const second = await connect(server.port, { cert: stranger.certificate, key: stranger.key });
    const other = await server.next();
    await other.until(() => other.connected);
    assert.equal(seen.state?.verifyError(), 'UNABLE_TO_VERIFY_LEAF_SIGNATURE');
    second.destroy();
    other.transport.close();
  });

  test('a refused peer gets no byte, and the reason stands on the transport', async () => {
    const server = await listen(config(nobody(), () => serverParameters(), 'TLS_error:refused'));
    const client = tls.connect({ host: '127.0.0.1', port: server.port, ca: ca.certificate, servername: 'localhost' });
    client.on('error', () => {});
    const closed = new Promise<void>((resolve) => client.once('close', () => resolve()));
    let data = 0;
    client.on('data', () => data++);
    client.write('secret');
    const peer = await server.next();
    peer.transport.writeBatch(['nothing for you']);
    await peer.until(() => peer.failed);
    await closed;
    assert.equal(peer.transport.failureReason, 'TLS_error:refused');
    assert.equal(peer.bytes + data, 0);
  });

  test('failed handshakes: no common version, plain text, a peer that goes away', async () => {
    const seen = nobody();
    const modern = tls.createSecureContext({ cert: leaf.certificate, key: leaf.key, minVersion: 'TLSv1.3' });
    const server = await listen(config(seen, () => serverParameters({ context: modern })));
    await assert.rejects(connect(server.port, { maxVersion: 'TLSv1.2' }), /protocol version/);
    const first = await server.next();
    await first.until(() => first.failed);
    assert.match(seen.failure, /UNSUPPORTED_PROTOCOL/);
    const plain = net.connect(server.port, '127.0.0.1', () => plain.write('GET / HTTP/1.1\r\n\r\n'));
    plain.on('error', () => {});
    const second = await server.next();
    await second.until(() => second.failed);
    assert.match(seen.failure, /HTTP_REQUEST|WRONG_VERSION/);
    assert.equal(seen.hello, null);
    plain.destroy();
    const leaver = net.connect(server.port, '127.0.0.1', () => leaver.end());
    leaver.on('error', () => {});
    const third = await server.next();
    await third.until(() => third.failed || third.ended);
    third.transport.close();
    leaver.destroy();
  });

  test('as a client: names, protocols, a session that is resumed', async () => {
    const plain = tls.createServer({ cert: leaf.certificate, key: leaf.key, ALPNProtocols: ['h2'] }, (socket) => {
      socket.on('error', () => {});
      socket.on('data', (data) => socket.end(data));
    });
    await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
    const { port } = plain.address() as net.AddressInfo;
    const seen = nobody();
    const trusting = tls.createSecureContext({ ca: ca.certificate });
    const dial = (session: Buffer | null): Peer => {
      const result = io.connect({ address: ipAddress('127.0.0.1', port), source: null, dispatcher });
      assert.ok(result.transport !== null);
      const parameters = serverParameters({ isServer: false, context: trusting, alpn: ['h2', 'http/1.1'], serverName: 'localhost', session, keepSessions: true });
      const connecting = { dispatcher, host: null as never, streamInfo: null as never, options: null };
      return new Peer(new TlsClientTransport(result.transport, connecting, { ...config(seen, () => parameters), parameters: () => parameters }));
    };
    const peer = dial(null);
    await peer.until(() => peer.connected);
    assert.equal(seen.state?.alpn(), 'h2');
    assert.equal(seen.state?.isSessionReused(), false);
    assert.equal(seen.state?.verifyError(), '');
    assert.ok(subjectOf(seen).includes('CN=test'));
    peer.transport.writeBatch(['echo']);
    await peer.until(() => peer.ended);
    assert.equal(peer.text, 'echo');
    peer.transport.close();
    assert.ok(seen.sessions.length > 0);
    const again = dial(seen.sessions[0]);
    await again.until(() => again.connected);
    assert.equal(seen.state?.isSessionReused(), true);
    again.transport.close();
    plain.close();
  });
}

function subjectOf(seen: { readonly state: TlsState | null }): string {
  const der = seen.state?.peerChain()[0];
  return der === undefined ? '' : new X509Certificate(der).subject;
}
