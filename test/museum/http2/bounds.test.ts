// What attacks over HTTP/2 may cost, as counts: bytes that are kept or taken from the origin, fields that are handed on, frames until the end.
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { HpackDecoder, HpackEncoder, OutBuffer } from '../../../src/codec/http2/hpack/index.ts';
import { data, frame, GET, POST, reset, ServerRun, windowUpdate } from '../../../src/codec/http2/testing.ts';
import { Http2Client, leakCheck, until } from '../../harness/index.ts';
import { Stand } from '../stand.ts';
import * as wire from './wire.ts';

after(leakCheck());

const WIDE = wire.settings([4, 0x7fff_ffff]);

describe('bounds of the codec', () => {
  it('HPACK bomb: what is handed on ends at the limit, whatever the block says', () => {
    const decoder = new HpackDecoder(4096);
    const big = Buffer.concat([Buffer.from([0x40, 1, 0x78, 0x7f, 0xbd, 0x1d]), Buffer.alloc(3_900, 'y')]);
    let bytes = 0;
    const sink = { onHeader: (name: string, value: string) => (bytes += name.length + value.length) <= 61_440 };
    const bomb = Buffer.concat([big, Buffer.alloc(200_000, 0xbe)]);
    assert.equal(decoder.decode(bomb, 0, bomb.length, sink), 0);
    assert.ok(bytes <= 61_440 + 3_901, `${bytes} bytes`);
    assert.ok(decoder.tableSize <= 4_096);
  });

  it('table churn: neither table grows beyond its size, nor remembers what went', () => {
    const decoder = new HpackDecoder(4096);
    const encoder = new HpackEncoder(4096, true);
    const out = new OutBuffer(4096);
    for (let i = 0; i < 20_000; i++) {
      out.reset();
      encoder.encode(`x-name-${i % 5_000}`, `value ${i}`, out);
      assert.equal(decoder.decode(out.bytes, 0, out.position, { onHeader: () => true }), 0);
      assert.ok(decoder.tableSize <= 4_096 && encoder.tableSize === decoder.tableSize);
    }
  });

  it('rapid reset: nothing of a stream is left behind', () => {
    const run = new ServerRun().open();
    for (let i = 0; i < 5_000; i++) {
      run.feed(run.peer.headers(wire.nth(i), GET, true), reset(wire.nth(i), 8));
      run.sent();
      run.events();
    }
    run.codec.onConnectionClose();
    assert.equal(run.stats.value('streamsActive'), 0);
    // Envoy's stream_reset_burst: a thousand, and then 33 a second.
    assert.equal(run.stats.value('rxReset'), 1_001);
    assert.equal(run.stats.value('pendingSendBytes'), 0);
  });

  it('MadeYouReset: a stream that we reset is as gone as one that the peer reset', () => {
    const run = new ServerRun().open();
    for (let i = 0; i < 5_000; i++) {
      run.feed(run.peer.headers(wire.nth(i), GET, true), windowUpdate(wire.nth(i), 0x7fff_ffff));
      run.sent();
      run.events();
    }
    assert.equal(run.stats.value('streamsActive'), 0);
    assert.equal(run.stats.value('txReset'), 5_000);
  });

  it('PING flood of a peer that takes nothing: a thousand answers at the most wait for it', () => {
    const run = new ServerRun().open();
    run.sent();
    let answered = 0;
    for (let i = 0; i < 5_000 && run.events().every((line) => !line.startsWith('error') && !line.startsWith('flood')); i++) {
      run.feed(frame(6, 0, 0, Buffer.alloc(8)));
      const bytes = run.connection.take().length;
      run.connection.pendingWriteBytes += bytes;
      answered += bytes / 17;
    }
    assert.ok(answered > 500 && answered < 1_010, `${answered} answers`);
    assert.equal(run.stats.value('outboundControlFlood'), 1);
  });

  it('a body beyond the window is not kept: the connection ends', () => {
    const run = new ServerRun({ initialStreamWindowSize: 65_535, initialConnectionWindowSize: 65_535 }).open();
    run.feed(run.peer.headers(1, POST));
    run.requests[0].encoder.stream.readDisable(true);
    run.events();
    for (let i = 0; i < 10; i++) run.feed(data(1, Buffer.alloc(16_000)));
    const taken = run.events().filter((line) => line.includes('data')).length;
    assert.ok(taken <= 5, `${taken} frames`);
    assert.match(run.sent().join(), /GOAWAY 1 3/);
  });
});

describe('bounds of the proxy', () => {
  const HEAD = 'HTTP/1.1 200 OK\r\ncontent-length: 200000000\r\n\r\n';
  const small = { per_connection_buffer_limit_bytes: 32_768 };
  const options = { cluster: small, listener: small, origin: { replies: [{ steps: [{ send: HEAD }, { fill: 200_000_000 }] }] } };

  /** Bytes that the origin has got rid of, once it is stuck. */
  async function stuckAt(stand: Stand): Promise<number> {
    let last = -1;
    return until('the origin is stuck', async () => {
      const sent = stand.origin.connections.reduce((sum, { socket }) => sum + socket.bytesWritten - socket.writableLength, 0);
      const isStuck = sent > 0 && sent === last;
      last = sent;
      await new Promise((resolve) => setTimeout(resolve, 100));
      return isStuck ? sent : undefined;
    });
  }

  it('CVE-2019-9517, CVE-2019-9511: an answer of 200 MB that nobody reads, or without a window, stays where it is', () =>
    Stand.with(options, async (stand) => {
      for (const [settings, deaf] of [[wire.settings([4, 1]), false], [WIDE, true]] as const) {
        const client = await Http2Client.connect({ port: stand.port }, { windows: 'none', acks: false, settings: {} });
        client.peer.write(Buffer.concat([settings, wire.windowUpdate(0, 0x7000_0000), wire.headers(1, GET)]));
        if (deaf) client.pause();
        const sent = await stuckAt(stand);
        // The kernel's buffers on the way are the larger part of it.
        assert.ok(sent < 30_000_000, `${sent} bytes`);
        await client.resetConnection();
        await stand.statBecomes('http.museum.downstream_rq_active', 0);
        await stand.statBecomes('cluster.origin.upstream_rq_active', 0);
        stand.origin.use(options.origin);
      }
    }));

  it('CVE-2018-7161, CVE-2024-27983: clients that go in the middle of everything leave nothing', () =>
    Stand.with({ origin: { replies: [{ steps: [{ send: HEAD }, { fill: 1_000_000 }] }] } }, async (stand) => {
      for (let round = 0; round < 30; round++) {
        const client = await Http2Client.connect({ port: stand.port }, { windows: 'none', acks: false, settings: {} });
        client.peer.write(Buffer.concat([WIDE, wire.windowUpdate(0, 0x7000_0000), wire.times(10, (i) => wire.headers(wire.nth(i), wire.GET)), wire.rawHeaders(31, wire.block(wire.GET).subarray(0, round % 5), 0)]));
        if (round % 3 > 0) await client.peer.waitFor(() => client.peer.stream(1).dataBytes > 0);
        await client.resetConnection();
      }
      for (const gauge of ['http.museum.downstream_rq_active', 'http.museum.downstream_cx_active', 'http2.streams_active', 'cluster.origin.upstream_rq_active']) await stand.statBecomes(gauge, 0);
    }));

  it('CVE-2025-23085, CVE-2026-48937: connections that say GOAWAY do not outlive their streams and their clients', () =>
    Stand.with({ manager: { drain_timeout: '0.1s', common_http_protocol_options: { idle_timeout: '0.2s' } } }, async (stand) => {
      for (const goAway of [wire.goAway(0, 0), wire.goAway(0x7fff_ffff, 1), Buffer.concat([wire.goAway(3, 0), wire.goAway(1, 0)])]) {
        const client = await Http2Client.connect({ port: stand.port }, { windows: 'none', acks: false, settings: {} });
        client.peer.write(Buffer.concat([wire.headers(1, wire.GET), goAway]));
        await client.peer.waitFor(() => client.ended !== 'open');
        const { ended } = client;
        await client.close();
        assert.notEqual(ended, 'open');
      }
      await stand.statBecomes('http.museum.downstream_cx_active', 0);
    }));
});
