import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import * as net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { Address } from '../../../contract/address.ts';
import { ThreadDispatcher } from '../../dispatcher/dispatcher.ts';
import { ipAddress, pipeAddress } from '../address.ts';
import { loadBindings } from './bindings.ts';
import { HandleBackend } from './handle-transport.ts';
import { NetBackend } from './net-transport.ts';
import type { Transport, TransportEvents } from '../../../contract/transport.ts';
import type { Acceptor, IoBackend } from './transport.ts';

/** Everything that one transport says, and a way to wait for it. */
class Peer implements TransportEvents {
  readonly transport: Transport;
  text = '';
  bytes = 0;
  ended = false;
  connected = false;
  errno = 0;
  progress = 0;
  keepText = true;
  onBytes: ((data: Buffer) => void) | null = null;
  private waiters: (() => void)[] = [];

  constructor(transport: Transport) {
    this.transport = transport;
    transport.setEvents(this);
  }

  onTransportConnect(): void {
    this.connected = true;
    this.wake();
  }

  onTransportData(data: Buffer): void {
    this.bytes += data.length;
    if (this.keepText) this.text += data.toString('latin1');
    this.onBytes?.(data);
    this.wake();
  }

  onTransportEnd(): void {
    this.ended = true;
    this.wake();
  }

  onTransportError(errno: number): void {
    this.errno = errno;
    this.wake();
  }

  onTransportProgress(): void {
    this.progress++;
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

test('handles are there on this runtime', { skip: process.platform !== 'linux' }, () => {
  assert.notEqual(bindings, null);
});

for (const io of backends) describe(io.name, () => suite(io));

/** One suite for every implementation of the seam. */
function suite(io: IoBackend): void {
  const dispatcher = new ThreadDispatcher({ name: 'test' });
  const directory = mkdtempSync(join(tmpdir(), 'nuncio-io-'));
  after(() => {
    rmSync(directory, { recursive: true });
    dispatcher.dispose();
  });

  async function listen(address: Address, onAccept: (transport: Transport) => void, extra: { pipeMode?: number; reusePort?: boolean } = {}): Promise<Acceptor | number> {
    return io.listen({
      address,
      backlog: 64,
      reusePort: extra.reusePort ?? false,
      ipv4Compat: false,
      pipeMode: extra.pipeMode ?? 0,
      dispatcher,
      onAccept,
      onAcceptError: (errno) => assert.fail(`accept ${errno}`),
    });
  }

  /** A connected pair: the accepted end and a client of the seam. */
  async function pair(address: Address = ipAddress('127.0.0.1', 0)): Promise<{ server: Peer; client: Peer; close: () => void; acceptor: Acceptor }> {
    const accepted = Promise.withResolvers<Peer>();
    const acceptor = await listen(address, (transport) => accepted.resolve(new Peer(transport)));
    assert.ok(typeof acceptor !== 'number', `listen: ${String(acceptor)}`);
    const result = io.connect({ address: acceptor.address, source: null, dispatcher });
    assert.ok(result.transport !== null);
    const client = new Peer(result.transport);
    await client.until(() => client.connected);
    const server = await accepted.promise;
    const close = (): void => {
      acceptor.close();
      server.transport.close();
      client.transport.close();
    };
    return { server, client, close, acceptor };
  }

  test('bytes go both ways, strings as Latin-1', async () => {
    const { server, client, close } = await pair();
    server.transport.readStart();
    client.transport.readStart();
    client.transport.writeBatch(['h\xe9llo ', Buffer.from('world'), '!']);
    await server.until(() => server.text.length >= 12);
    assert.equal(server.text, 'h\xe9llo world!');
    server.transport.writeBatch([Buffer.alloc(5_000, 'a'), 'b', Buffer.alloc(50_000, 'c'), Buffer.from('d')]);
    await client.until(() => client.bytes >= 55_002);
    assert.equal(client.text, `${'a'.repeat(5_000)}b${'c'.repeat(50_000)}d`);
    close();
  });

  for (const address of [ipAddress('127.0.0.1', 0), ipAddress('::1', 0)]) {
    test(`addresses of IPv${address.family}`, async () => {
      const { server, client, close, acceptor } = await pair(address);
      assert.ok(acceptor.address.port > 0);
      assert.equal(client.transport.remoteAddress().text, acceptor.address.text);
      assert.equal(server.transport.localAddress().text, acceptor.address.text);
      assert.equal(server.transport.remoteAddress().text, client.transport.localAddress().text);
      close();
    });
  }

  test('a source address is used', async () => {
    const accepted = Promise.withResolvers<Transport>();
    const acceptor = await listen(ipAddress('127.0.0.1', 0), accepted.resolve);
    assert.ok(typeof acceptor !== 'number');
    const result = io.connect({ address: acceptor.address, source: ipAddress('127.0.0.2', 0), dispatcher });
    assert.ok(result.transport !== null);
    const client = new Peer(result.transport);
    const server = await accepted.promise;
    assert.equal(server.remoteAddress().ip, '127.0.0.2');
    await client.until(() => client.connected);
    client.transport.close();
    server.close();
    acceptor.close();
  });

  for (const abstract of [false, true]) {
    test(`unix sockets, ${abstract ? 'abstract' : 'with a path and mode'}`, async () => {
      const address = pipeAddress(abstract ? `@nuncio-${io.name}-${process.pid}` : join(directory, `${io.name}.sock`));
      const accepted = Promise.withResolvers<Peer>();
      const acceptor = await listen(address, (transport) => accepted.resolve(new Peer(transport)), abstract ? {} : { pipeMode: 0o600 });
      assert.ok(typeof acceptor !== 'number');
      if (!abstract) assert.equal(statSync(address.ip).mode & 0o777, 0o600);
      const result = io.connect({ address, source: null, dispatcher });
      assert.ok(result.transport !== null);
      const client = new Peer(result.transport);
      const server = await accepted.promise;
      server.transport.readStart();
      await client.until(() => client.connected);
      client.transport.writeBatch(['hi']);
      await server.until(() => server.text === 'hi');
      server.transport.close();
      client.transport.close();
      acceptor.close();
    });
  }

  test('a refused connect and a missing unix socket are errors with their number', async () => {
    const probe = net.createServer().listen(0, '127.0.0.1');
    await once(probe, 'listening');
    const { port } = probe.address() as net.AddressInfo;
    probe.close();
    await once(probe, 'close');
    for (const [address, errno] of [[ipAddress('127.0.0.1', port), 111], [pipeAddress(join(directory, 'none')), 2]] as const) {
      const result = io.connect({ address, source: null, dispatcher });
      if (result.transport === null) {
        assert.equal(result.errno, errno);
        continue;
      }
      const client = new Peer(result.transport);
      await client.until(() => client.errno !== 0);
      assert.equal(client.errno, errno);
      client.transport.close();
    }
  });

  test('a taken port is an errno', async () => {
    const first = await listen(ipAddress('127.0.0.1', 0), (transport) => transport.close());
    assert.ok(typeof first !== 'number');
    assert.equal(await listen(first.address, (transport) => transport.close()), 98);
    first.close();
  });

  test('reusePort: two listeners on one port', async () => {
    const first = await listen(ipAddress('127.0.0.1', 0), (transport) => transport.close(), { reusePort: true });
    assert.ok(typeof first !== 'number');
    const second = await listen(first.address, (transport) => transport.close(), { reusePort: true });
    assert.ok(typeof second !== 'number');
    first.close();
    second.close();
  });

  test('half close: the other direction goes on', async () => {
    const { server, client, close } = await pair();
    server.transport.readStart();
    client.transport.readStart();
    client.transport.writeBatch(['question']);
    client.transport.shutdown();
    await server.until(() => server.ended);
    assert.equal(server.text, 'question');
    server.transport.writeBatch(['answer']);
    await client.until(() => client.text === 'answer');
    server.transport.shutdown();
    await client.until(() => client.ended);
    close();
  });

  test('reset reaches the peer as ECONNRESET', async () => {
    const { server, client, close } = await pair();
    server.transport.readStart();
    client.transport.reset();
    await server.until(() => server.errno !== 0);
    assert.equal(server.errno, 104);
    close();
  });

  test('writing to a peer that is gone is an error, at once or soon', async () => {
    const { server, client, close } = await pair();
    server.transport.close();
    let result = 0;
    for (let i = 0; i < 50 && result >= 0 && client.errno === 0; i++) {
      result = client.transport.writeBatch(['x']);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const errno = result < 0 ? -result : client.errno;
    assert.ok(errno === 32 || errno === 104, `errno ${errno}`);
    close();
  });

  test('a slow reader: writes pend, order and bytes hold, buffers may be reused', async () => {
    const { server, client, close } = await pair();
    const total = 300;
    const block = Buffer.alloc(60_000);
    let pended = false;
    for (let i = 0; i < total; i++) {
      block.fill(i % 251);
      if (client.transport.writeBatch([`${i}:`, block]) === 1) pended = true;
      block.fill(255);
    }
    assert.equal(pended, true);
    assert.ok(client.transport.pendingBytes > 1_000_000);
    const check = new StreamCheck(block.length);
    server.keepText = false;
    server.onBytes = (data) => check.take(data);
    server.transport.readStart();
    await server.until(() => check.done === total);
    await client.until(() => client.transport.pendingBytes === 0);
    assert.ok(client.progress > 0);
    close();
  });

  test('small messages one at a time: bytes hold when the kernel takes them later and the buffer is used again', async () => {
    const { server, client, close } = await pair();
    const message = Buffer.alloc(1_000);
    let sent = 0;
    let pendedAt = -1;
    // On after the first that the kernel does not take whole, for what comes right behind it.
    for (; pendedAt < 0 || sent < pendedAt + 5; sent++) {
      if (client.transport.writeBatch([message.fill(sent % 251)]) === 1 && pendedAt < 0) pendedAt = sent;
    }
    // Somebody else's output meanwhile, from the same thread.
    const other = await pair();
    for (let i = 0; i < 3; i++) other.client.transport.writeBatch([message.fill(0xff)]);
    const pieces: Buffer[] = [];
    server.keepText = false;
    server.onBytes = (data) => pieces.push(Buffer.from(data));
    server.transport.readStart();
    await server.until(() => server.bytes === sent * message.length);
    const received = Buffer.concat(pieces);
    for (let i = 0; i < sent; i++) {
      const piece = received.subarray(i * message.length, (i + 1) * message.length);
      assert.ok(piece.equals(message.fill(i % 251)), `message ${i} of ${sent}, the first that pended was ${pendedAt}`);
    }
    close();
    other.close();
  });

  test('bytes of a read handed to a blocked socket survive the next reads', async () => {
    const from = await pair();
    const to = await pair();
    const total = 250;
    const check = new StreamCheck(60_000);
    to.server.keepText = false;
    from.server.keepText = false;
    to.server.onBytes = (data) => check.take(data);
    // A proxy without flow control: what it reads is written at once from the read buffer.
    from.server.onBytes = (data) => to.client.transport.writeBatch([data]);
    from.server.transport.readStart();
    const block = Buffer.alloc(60_000);
    for (let i = 0; i < total; i++) from.client.transport.writeBatch([`${i}:`, block.fill(i % 251)]);
    await from.server.until(() => from.server.bytes > 10_000_000);
    to.server.transport.readStart();
    await to.server.until(() => check.done === total);
    from.close();
    to.close();
  });

  test('readStop stops, and nothing is lost', async () => {
    const { server, client, close } = await pair();
    server.transport.readStart();
    client.transport.writeBatch(['one']);
    await server.until(() => server.text === 'one');
    server.transport.readStop();
    client.transport.writeBatch(['two']);
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(server.text, 'one');
    server.transport.readStart();
    await server.until(() => server.text === 'onetwo');
    close();
  });

  test('after close no event comes, and closing twice is harmless', async () => {
    const { server, client, close } = await pair();
    server.transport.readStart();
    client.transport.writeBatch(['x'.repeat(1_000)]);
    server.transport.close();
    server.transport.close();
    server.transport.reset();
    client.transport.readStart();
    await client.until(() => client.ended || client.errno !== 0);
    assert.equal(server.bytes, 0);
    assert.equal(server.transport.writeBatch(['late']), 0);
    close();
  });

  test('close during a read callback', async () => {
    const { server, client, close } = await pair();
    server.onBytes = () => server.transport.close();
    server.transport.readStart();
    client.transport.writeBatch([Buffer.alloc(200_000)]);
    client.transport.readStart();
    await client.until(() => client.ended || client.errno !== 0);
    assert.ok(server.bytes <= 65_536);
    close();
  });
}

/** Checks `<n>:` followed by a block of bytes n mod 251, for n = 0, 1, 2 … */
class StreamCheck {
  done = 0;
  private readonly size: number;
  private head = '';
  private left = 0;

  constructor(size: number) {
    this.size = size;
  }

  take(data: Buffer): void {
    let at = 0;
    while (at < data.length) {
      if (this.left > 0) {
        const step = Math.min(this.left, data.length - at);
        const piece = data.subarray(at, at + step);
        const wrong = piece.findIndex((byte) => byte !== this.done % 251);
        assert.equal(wrong, -1, `block ${this.done}`);
        this.left -= step;
        at += step;
        if (this.left === 0) this.done++;
        continue;
      }
      const char = String.fromCharCode(data[at++]);
      if (char !== ':') {
        this.head += char;
        continue;
      }
      assert.equal(this.head, String(this.done));
      this.head = '';
      this.left = this.size;
    }
  }
}
